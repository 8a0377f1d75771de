import CZlib
package import HengeMessages

package import struct NIOCore.ByteBuffer

/// What a frame of a bulk connection carries: u32 length of the encoded message, then the message
/// as a zlib stream (RFC 1950).
package enum BulkCodec {
    /// The longest message. A little under what a frame may carry, since what can't be compressed
    /// grows by 5 bytes in each 16 KiB.
    package static let rawBytesMax = Frame.payloadMax - 64 * 1024
    /// The fastest that compresses: level 3 takes up to twice as long for a fifteenth less, level 6
    /// three to five times as long for an eighth less (docs/performance.md).
    package static let levelDefault = 1
    /// zlib's: not at all to best.
    package static let levels = 0...9
    /// Deflate can't do better (zlib's technical notes: 1032:1), so a longer message is a lie that
    /// is seen before any memory is taken for it.
    private static let ratioMax = 1040

    /// The frame for an encoded message of at most ``rawBytesMax`` bytes.
    ///
    /// - Parameter level: one of ``levels``.
    package static func frame(
        _ message: ByteBuffer,
        level: Int = levelDefault
    ) -> ByteBuffer {
        precondition(message.readableBytes <= rawBytesMax, "callers bound what they send")
        precondition(levels.contains(level), "settings are checked")
        var out = ByteBuffer()
        Frame.write(into: &out) { out in
            out.writeInteger(UInt32(message.readableBytes))
            deflate(message, into: &out, level: level)
        }
        return out
    }

    private static func deflate(
        _ message: ByteBuffer,
        into out: inout ByteBuffer,
        level: Int
    ) {
        let bound = Int(compressBound(uLong(message.readableBytes)))
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { space in
            message.withUnsafeReadableBytes { bytes in
                var length = uLongf(space.count)
                let status = compress2(
                    space.baseAddress?.assumingMemoryBound(to: Bytef.self),
                    &length,
                    bytes.baseAddress?.assumingMemoryBound(to: Bytef.self),
                    uLong(bytes.count),
                    Int32(clamping: level)
                )
                precondition(status == Z_OK, "zlib has room and memory, and still fails: \(status)")
                return Int(length)
            }
        }
    }

    /// The encoded message in a frame's payload.
    ///
    /// Never takes more memory than the message that is announced, nor more than a frame may carry.
    package static func message(
        in payload: ByteBuffer
    ) throws(WireDecodeError) -> ByteBuffer {
        var stream = payload
        guard let length = stream.readInteger(as: UInt32.self).map(Int.init) else {
            throw .truncated
        }
        guard length <= rawBytesMax else {
            throw .frameTooLarge(bytes: length, limit: rawBytesMax)
        }
        guard length <= stream.readableBytes * ratioMax else {
            throw .invalidField("bulk length")
        }
        var message = ByteBuffer()
        guard inflate(stream, into: &message, length: length) else {
            throw .invalidField("bulk stream")
        }
        return message
    }

    /// Whether the stream is whole, alone, and as long as was said.
    private static func inflate(
        _ stream: ByteBuffer,
        into message: inout ByteBuffer,
        length: Int
    ) -> Bool {
        var isGood = false
        // One byte more, so that there is always memory to point at.
        message.writeWithUnsafeMutableBytes(minimumWritableBytes: length + 1) { space in
            stream.withUnsafeReadableBytes { bytes in
                var produced = uLongf(length)
                var consumed = uLong(bytes.count)
                let status = uncompress2(
                    space.baseAddress?.assumingMemoryBound(to: Bytef.self),
                    &produced,
                    bytes.baseAddress?.assumingMemoryBound(to: Bytef.self),
                    &consumed
                )
                isGood =
                    status == Z_OK && Int(produced) == length && Int(consumed) == bytes.count
                return isGood ? length : 0
            }
        }
        return isGood
    }
}
