import HengeRing

package import struct NIOCore.ByteBuffer

/// A frame between nodes: u32 length of the payload, u32 checksum of it (the low half of its
/// XXH3-64), payload.
package enum Frame {
    package static let headerLength = 8
    /// The longest payload that is read. Above the largest record with its key, and far below what
    /// would hurt a node's memory.
    package static let payloadMax = 64 * 1024 * 1024

    /// Appends one frame whose payload `body` writes.
    package static func write(into out: inout ByteBuffer, _ body: (inout ByteBuffer) -> Void) {
        let start = out.writerIndex
        out.writeInteger(UInt64(0))
        body(&out)
        let length = out.writerIndex - start - headerLength
        precondition(length <= payloadMax, "callers bound what they send")
        let sum = checksum(out, at: start + headerLength, length: length)
        out.setInteger(UInt64(length) << 32 | UInt64(sum), at: start)
    }

    /// Takes the next whole frame's payload off `buffer`; nil when more bytes are needed.
    package static func read(
        from buffer: inout ByteBuffer,
        payloadMax: Int = payloadMax
    ) throws(WireDecodeError) -> ByteBuffer? {
        let start = buffer.readerIndex
        guard let length = buffer.getInteger(at: start, as: UInt32.self).map(Int.init) else {
            return nil
        }
        guard length <= payloadMax else {
            throw .frameTooLarge(bytes: length, limit: payloadMax)
        }
        guard buffer.readableBytes >= headerLength + length,
            let expected = buffer.getInteger(at: start + 4, as: UInt32.self)
        else { return nil }
        guard checksum(buffer, at: start + headerLength, length: length) == expected else {
            throw .badChecksum
        }
        buffer.moveReaderIndex(forwardBy: headerLength)
        return buffer.readSlice(length: length)
    }

    /// How long the frame that `buffer` begins with is in all; the header's length while that is
    /// all that is known. Never more than a frame may be.
    package static func wantedBytes(_ buffer: ByteBuffer) -> Int {
        let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self).map(Int.init) ?? 0
        return headerLength + min(length, payloadMax)
    }

    private static func checksum(_ buffer: ByteBuffer, at index: Int, length: Int) -> UInt32 {
        buffer.withVeryUnsafeBytes { bytes in
            let payload = UnsafeRawBufferPointer(rebasing: bytes[index..<index + length])
            return UInt32(truncatingIfNeeded: XXH3.hash64(payload))
        }
    }
}
