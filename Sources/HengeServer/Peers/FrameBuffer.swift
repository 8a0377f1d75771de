import HengeMessages
import NIOCore

/// Bytes of a connection between nodes that are no whole frame yet.
struct FrameBuffer {
    private var bytes = ByteBuffer()

    mutating func append(_ incoming: ByteBuffer) {
        var incoming = incoming
        if bytes.readableBytes == 0 { bytes = incoming } else { bytes.writeBuffer(&incoming) }
    }

    /// The next frame's payload; nil when more bytes are needed.
    mutating func next() throws(WireDecodeError) -> ByteBuffer? {
        if let payload = try Frame.read(from: &bytes) { return payload }
        compact()
        return nil
    }

    /// Frames taken off share the buffer's storage, so what is left of a frame moves to storage of
    /// its own that has room for the rest; appending to shared storage would copy all of it each
    /// time.
    private mutating func compact() {
        guard bytes.readableBytes > 0 else {
            bytes = ByteBuffer()
            return
        }
        let wanted = Frame.wantedBytes(bytes)
        guard bytes.readerIndex > 0 || bytes.capacity < wanted else { return }
        var rest = ByteBuffer()
        rest.reserveCapacity(max(wanted, 4096))
        rest.writeImmutableBuffer(bytes)
        bytes = rest
    }
}
