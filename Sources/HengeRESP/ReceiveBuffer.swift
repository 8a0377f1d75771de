package import NIOCore

/// What a connection has received and no parser has taken yet.
///
/// For each read: ``append(_:)``, then a parser over ``bytes`` until it has no more, then
/// ``settle()``. A read that ends with a whole request is never copied. What is left of the last
/// request moves to a buffer of its own size: an idle connection pins no receive buffer of NIO's,
/// and the slices handed out don't make later appends copy. Each byte is copied a constant number
/// of times, amortised.
package struct ReceiveBuffer: Sendable {
    /// What wasn't taken yet. Only to be read from, by the parser.
    package var bytes = ByteBuffer()

    /// Whether `bytes` may share its storage, with NIO's allocator or with slices.
    private var isShared = false

    package init() {}

    /// Adds what was read from the network.
    package mutating func append(_ incoming: ByteBuffer) {
        if bytes.readableBytes == 0 {
            bytes = incoming
            isShared = true
        } else {
            if isShared || bytes.readerIndex > 0 { settle() }
            bytes.writeImmutableBuffer(incoming)
        }
    }

    /// Keeps what is left in as little memory as it needs. To be called when the parser has no
    /// more.
    package mutating func settle() {
        if bytes.readableBytes == 0 {
            bytes = ByteBuffer()
        } else if isShared || bytes.readerIndex > 0 {
            var own = ByteBufferAllocator().buffer(capacity: bytes.readableBytes)
            own.writeImmutableBuffer(bytes)
            bytes = own
        }
        isShared = false
    }
}
