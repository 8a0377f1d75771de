package import struct NIOCore.ByteBuffer

/// The opaque, printable context that a client gets with a read and names in the write that follows.
///
/// It is bound to its key: counters rise per partition replica, so a context used with another key of
/// the same partition would cover siblings that its writer never saw.
package enum CausalContext {
    private static let format: UInt8 = 1
    /// A context with more entries is refused when read; an object never comes near it.
    static let entriesMax = 4096
    /// The longest text that is decoded, in bytes.
    package static let lengthMax = 128 * 1024

    /// - Parameter key: a hash of the key it belongs to.
    package static func encode(_ vector: VersionVector, key: UInt64) -> String {
        var out = ByteBuffer()
        out.reserveCapacity(16 + vector.entries.count * 18)
        out.writeInteger(format)
        out.writeInteger(UInt32(truncatingIfNeeded: key))
        out.writeVarint(UInt64(vector.entries.count))
        for entry in vector.entries {
            out.writeInteger(entry.actor.rawValue)
            out.writeVarint(entry.counter)
        }
        out.writeInteger(checksum(out.readableBytesView))
        return Base64URL.encode(out.readableBytesView)
    }

    /// What a context claims.
    package struct Decoded: Hashable, Sendable {
        package let vector: VersionVector
        private let key: UInt32

        init(vector: VersionVector, key: UInt32) {
            self.vector = vector
            self.key = key
        }

        /// Whether it was issued for the key of this hash.
        package func belongs(to key: UInt64) -> Bool {
            self.key == UInt32(truncatingIfNeeded: key)
        }
    }

    package static func decode(_ text: ByteBuffer) throws(ObjectDecodeError) -> Decoded {
        guard text.readableBytes <= lengthMax else {
            throw .wrongLength(expected: lengthMax, actual: text.readableBytes)
        }
        let raw = try Base64URL.decode(text.readableBytesView)
        guard raw.count > 4 else { throw .truncated(at: raw.count) }
        let buffer = ByteBuffer(bytes: raw)
        return try buffer.withCursor { (cursor) throws(ObjectDecodeError) in
            let format = try cursor.byte()
            guard format == self.format else { throw .unknownFormat(format) }
            let key = try cursor.integer(UInt32.self)
            let count = try cursor.varint()
            guard count <= UInt64(entriesMax), count <= UInt64(cursor.remaining / 9) else {
                throw .truncated(at: cursor.offset)
            }
            var entries: [Dot] = []
            entries.reserveCapacity(Int(count))
            for _ in 0..<count {
                let actor = ActorID(rawValue: try cursor.integer(UInt64.self))
                let counter = try cursor.varint()
                guard counter >= 1, entries.last.map({ $0.actor < actor }) ?? true else {
                    throw .brokenInvariant(at: cursor.offset)
                }
                entries.append(Dot(actor: actor, counter: counter))
            }
            let body = raw[..<cursor.offset]
            guard try cursor.integer(UInt32.self) == checksum(body) else { throw .badChecksum }
            guard cursor.remaining == 0 else {
                throw .wrongLength(expected: cursor.offset, actual: raw.count)
            }
            return Decoded(vector: VersionVector(sorted: entries), key: key)
        }
    }

    /// FNV-1a: it finds typing and truncation errors, which is all that is asked of it.
    private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        bytes.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }
}
