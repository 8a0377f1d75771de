import HengeBase
import HengeCausality
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// Keys and objects as the node would store them.
enum TestObjects {
    static let wall = WallTime(milliseconds: 1_000_000)

    static func key(_ name: String, bucket: String = "default") -> StoredKey {
        StoredKey(bucket: ByteBuffer(string: bucket), key: ByteBuffer(string: name))
    }

    static func object(
        _ value: ByteBuffer?,
        counter: UInt64 = 1,
        expiry: WallTime? = nil
    ) -> ByteBuffer {
        let dot = Dot(actor: ActorID(rawValue: 7), counter: counter)
        let sibling = Sibling(
            dot: dot,
            timestamp: HybridTimestamp(rawValue: counter),
            expiry: expiry,
            payload: value.map { .value($0) } ?? .tombstone
        )
        var context = VersionVector()
        context.record(dot)
        return VersionedObject(context: context, siblings: [sibling]).encoded().bytes
    }

    static func object(_ value: String, counter: UInt64 = 1) -> ByteBuffer {
        object(ByteBuffer(string: value), counter: counter)
    }

    /// A value that doesn't compress.
    static func noise(_ count: Int, _ random: inout SeededGenerator) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
            var offset = 0
            while offset + 8 <= count {
                bytes.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
                offset += 8
            }
            for index in offset..<count { bytes[index] = 0xFF }
            return count
        }
        return buffer
    }
}
