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
        // Room for the header, of which there is something to say when the payload is there.
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: headerLength) { _ in headerLength }
        body(&out)
        let length = out.writerIndex - start - headerLength
        precondition(length <= payloadMax, "callers bound what they send")
        out.withVeryUnsafeMutableBytes { bytes in
            let payload = bytes[(start + headerLength)...].prefix(length)
            let sum = checksum(UnsafeRawBufferPointer(rebasing: payload))
            let header = UInt64(length) << 32 | UInt64(sum)
            bytes.storeBytes(of: header.bigEndian, toByteOffset: start, as: UInt64.self)
        }
    }

    /// Takes the next whole frame's payload off `buffer`; nil when more bytes are needed.
    package static func read(
        from buffer: inout ByteBuffer,
        payloadMax: Int = payloadMax
    ) throws(WireDecodeError) -> ByteBuffer? {
        let whole = try buffer.withUnsafeReadableBytes { (bytes) throws(WireDecodeError) in
            try check(bytes, payloadMax: payloadMax)
        }
        guard let whole else { return nil }
        buffer.moveReaderIndex(forwardBy: headerLength)
        return buffer.readSlice(length: whole)
    }

    /// The length of the payload that `bytes` begins with; nil when not all of it is there.
    private static func check(
        _ bytes: UnsafeRawBufferPointer,
        payloadMax: Int
    ) throws(WireDecodeError) -> Int? {
        guard bytes.count >= MemoryLayout<UInt32>.size else { return nil }
        let length = Int(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
        guard length <= payloadMax else {
            throw .frameTooLarge(bytes: length, limit: payloadMax)
        }
        guard bytes.count >= headerLength + length else { return nil }
        let expected = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        let payload = UnsafeRawBufferPointer(rebasing: bytes[headerLength...].prefix(length))
        guard checksum(payload) == UInt32(bigEndian: expected) else { throw .badChecksum }
        return length
    }

    /// How long the frame that `buffer` begins with is in all; the header's length while that is
    /// all that is known. Never more than a frame may be.
    package static func wantedBytes(_ buffer: ByteBuffer) -> Int {
        let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self).map(Int.init) ?? 0
        return headerLength + min(length, payloadMax)
    }

    private static func checksum(_ payload: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: XXH3.hash64(payload))
    }
}
