package import HengeBase
import HengeCausality
package import HengeRing

package import struct NIOCore.ByteBuffer
package import struct NIOCore.ByteBufferAllocator

/// A key as it is stored and sent: token (8 bytes, big-endian), length of the bucket (1 byte),
/// bucket, key.
///
/// Byte order is token order, so a partition, a leaf of a hash tree and a scan are contiguous
/// ranges.
package struct StoredKey: Hashable, Sendable {
    package let token: Token
    /// The whole stored form.
    package let bytes: ByteBuffer
    /// The home replica that the holder of this record stands in for; nil for a record at home.
    ///
    /// What a node holds in another's place is another record than its own of the same key.
    package private(set) var standInFor: NodeID?

    static let prefixLength = 9
    /// The shortest stored form: a bucket of one byte and the empty key.
    static let lengthMin = prefixLength + 1
    package static let bucketLengthMax = 255
    /// The longest stored form.
    package static let lengthMax = prefixLength + bucketLengthMax + keyLengthMax
    /// 64 KiB, as INTERFACES promises.
    package static let keyLengthMax = 65_536

    /// - Parameters:
    ///   - bucket: 1 to 255 bytes.
    ///   - key: 0 to 64 KiB; Redis allows the empty key.
    package init(bucket: ByteBuffer, key: ByteBuffer) {
        precondition(bucket.readableBytes >= 1 && bucket.readableBytes <= Self.bucketLengthMax)
        precondition(key.readableBytes <= Self.keyLengthMax)
        let bucketLength = bucket.readableBytes
        let length = Self.prefixLength + bucketLength + key.readableBytes
        var bytes = ByteBufferAllocator().buffer(capacity: length)
        var token = Token.min
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { memory in
            var writer = ByteWriter(memory)
            writer.integer(token.rawValue)
            writer.byte(UInt8(bucketLength))
            writer.bytes(of: bucket)
            writer.bytes(of: key)
            let written = UnsafeRawBufferPointer(rebasing: memory[..<length])
            token = Self.token(written, bucketLength: bucketLength)
            writer.set(token.rawValue, at: 0)
            return length
        }
        self.token = token
        self.bytes = bytes
    }

    /// Reads a stored form that came from a disk or a peer; nil when it is none, also when the
    /// token is not that of the key.
    package init?(stored bytes: ByteBuffer) {
        let token = bytes.withUnsafeReadableBytes { stored -> Token? in
            guard stored.count >= Self.lengthMin else { return nil }
            let bucketLength = Int(stored[Self.prefixLength - 1])
            let keyLength = stored.count - Self.prefixLength - bucketLength
            guard bucketLength >= 1, keyLength >= 0, keyLength <= Self.keyLengthMax else {
                return nil
            }
            let token = UInt64(bigEndian: stored.loadUnaligned(as: UInt64.self))
            guard Self.token(stored, bucketLength: bucketLength).rawValue == token else {
                return nil
            }
            return Token(rawValue: token)
        }
        guard let token else { return nil }
        self.token = token
        self.bytes = bytes
    }

    /// Of the bucket and the key of this stored form, whatever token it has.
    private static func token(_ stored: UnsafeRawBufferPointer, bucketLength: Int) -> Token {
        let key = prefixLength + bucketLength
        return Token.of(
            bucket: UnsafeRawBufferPointer(rebasing: stored[prefixLength..<key]),
            key: UnsafeRawBufferPointer(rebasing: stored[key...])
        )
    }

    /// The bucket's name, a slice of ``bytes``.
    package var bucket: ByteBuffer {
        slice(from: Self.prefixLength, length: bucketLength)
    }

    /// The key as the client wrote it, a slice of ``bytes``.
    package var key: ByteBuffer {
        let start = Self.prefixLength + bucketLength
        return slice(from: start, length: bytes.readableBytes - start)
    }

    /// The record of the same key that is held in place of `home`; nil for the one at home.
    package func standingIn(for home: NodeID?) -> StoredKey {
        var key = self
        key.standInFor = home
        return key
    }

    package static func == (a: StoredKey, b: StoredKey) -> Bool {
        a.token == b.token && a.standInFor == b.standInFor && a.bytes == b.bytes
    }

    /// The token alone: it is already a good hash, and collisions are settled by `==`.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(token.rawValue)
    }

    private var bucketLength: Int {
        bytes.getInteger(at: bytes.readerIndex + 8, as: UInt8.self).map(Int.init) ?? 0
    }

    private func slice(from offset: Int, length: Int) -> ByteBuffer {
        guard let slice = bytes.getSlice(at: bytes.readerIndex + offset, length: length) else {
            preconditionFailure("lengths were checked when the key was made")
        }
        return slice
    }
}
