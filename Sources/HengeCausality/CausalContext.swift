package import struct NIOCore.ByteBuffer

/// The opaque, printable context that a client gets with a read and names in the write that
/// follows.
///
/// It is bound to its key: counters rise per partition replica, so a context used with another key
/// of the same partition would cover siblings that its writer never saw.
package enum CausalContext {
    private static let format: UInt8 = 1
    private static let checksumLength = 4
    /// A context with more entries is refused when read; an object never comes near it.
    static let entriesMax = 4096
    /// The longest text that is decoded, in bytes.
    package static let lengthMax = 128 * 1024

    /// - Parameter key: a hash of the key it belongs to.
    package static func encode(_ vector: VersionVector, key: UInt64) -> String {
        let count = vector.entries.count
        var out = ByteBuffer()
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: 19 + count * 18) { memory in
            var writer = ByteWriter(memory)
            writer.byte(format)
            writer.integer(UInt32(truncatingIfNeeded: key))
            writer.varint(UInt64(count))
            for entry in vector.entries {
                writer.integer(entry.actor.rawValue)
                writer.varint(entry.counter)
            }
            return writer.offset
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

    /// Reads what ``encode(_:key:)`` wrote; any other spelling is an error.
    ///
    /// The checksum is no signature: a client that wants to can forge a context, at the cost of its
    /// own keys. ``VersionedObject/isNew(_:replacing:)`` tells what a forged one could otherwise
    /// break.
    package static func decode(_ text: ByteBuffer) throws(ObjectDecodeError) -> Decoded {
        guard text.readableBytes <= lengthMax else {
            throw .wrongLength(expected: lengthMax, actual: text.readableBytes)
        }
        let raw = try Base64URL.decode(text.readableBytesView)
        guard let format = raw.first else { throw .truncated(at: 0) }
        guard format == self.format else { throw .unknownFormat(format) }
        // The checksum comes first: it tells a typing error from a context that nobody issued.
        guard raw.count > checksumLength else { throw .truncated(at: raw.count) }
        let body = raw.dropLast(checksumLength)
        let sum = raw.suffix(checksumLength).reduce(0) { $0 << 8 | UInt32($1) }
        guard checksum(body) == sum else { throw .badChecksum }
        return try ByteBuffer(bytes: body).withUnsafeReadableBytes {
            (bytes) throws(ObjectDecodeError) in
            try decodeBody(ByteCursor(bytes, offset: 1))
        }
    }

    private static func decodeBody(_ cursor: ByteCursor) throws(ObjectDecodeError) -> Decoded {
        var cursor = cursor
        let key = try cursor.integer(UInt32.self)
        let count = try cursor.count(ofUnit: 9)
        guard count <= entriesMax else {
            throw .wrongLength(expected: entriesMax, actual: count)
        }
        var entries: [Dot] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let actor = ActorID(rawValue: try cursor.integer(UInt64.self))
            let counter = try cursor.varint()
            guard counter >= 1, entries.last.map({ $0.actor < actor }) ?? true else {
                throw .brokenInvariant(at: cursor.offset)
            }
            entries.append(Dot(actor: actor, counter: counter))
        }
        guard cursor.remaining == 0 else {
            throw .wrongLength(expected: cursor.offset, actual: cursor.offset + cursor.remaining)
        }
        return Decoded(vector: VersionVector(sorted: entries), key: key)
    }

    /// FNV-1a: it finds typing and truncation errors, which is all that is asked of it.
    private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        bytes.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }
}
