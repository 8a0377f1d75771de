/// Bounds on what a client may send, so that no request costs unbounded memory.
package struct RESPLimits: Equatable, Sendable {
    /// The most arguments of one request, the command's name included.
    package var argumentsMax: Int

    /// The longest argument kept, in bytes. A longer one is skipped as it streams in and the
    /// request refused with the connection kept.
    package var argumentBytesMax: Int

    /// The longest request kept, in bytes on the wire. A longer one is skipped likewise.
    package var requestBytesMax: Int

    /// The longest inline request, in bytes before its line feed.
    package var inlineBytesMax: Int

    /// The longest argument or request skipped, in bytes. Past it the connection closes: nobody
    /// sends that much by mistake.
    package var skippedBytesMax: Int

    /// - Parameters:
    ///   - argumentsMax: 1 and above; 1,048,576 by default.
    ///   - argumentBytesMax: 16 MiB by default, and 64 KiB so that the largest configurable value
    ///     meets the server's own limit, with its better message, first.
    ///   - requestBytesMax: 64 MiB by default. Under 4 GiB: offsets are 32 bits.
    ///   - inlineBytesMax: 64 KiB by default, as Redis (`PROTO_INLINE_MAX_SIZE`).
    ///   - skippedBytesMax: 512 MiB by default, as Redis (`proto-max-bulk-len`).
    package init(
        argumentsMax: Int = 1 << 20,
        argumentBytesMax: Int = (16 << 20) + (64 << 10),
        requestBytesMax: Int = 64 << 20,
        inlineBytesMax: Int = 64 << 10,
        skippedBytesMax: Int = 512 << 20
    ) {
        precondition(argumentsMax >= 1 && argumentBytesMax >= 0 && inlineBytesMax >= 0)
        precondition(requestBytesMax >= 0 && requestBytesMax <= Int(UInt32.max))
        precondition(skippedBytesMax >= argumentBytesMax && skippedBytesMax >= requestBytesMax)
        self.argumentsMax = argumentsMax
        self.argumentBytesMax = argumentBytesMax
        self.requestBytesMax = requestBytesMax
        self.inlineBytesMax = inlineBytesMax
        self.skippedBytesMax = skippedBytesMax
    }
}
