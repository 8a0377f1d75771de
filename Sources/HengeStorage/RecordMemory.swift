import HengeCausality
package import HengeMessages
package import HengeRing

package import struct NIOCore.ByteBuffer

/// What need not be searched for in RocksDB: the records that were read or written last, and the
/// versions of more of those that were written.
///
/// A write that replaces all that is there needs no more than the version of that. Of a record of
/// 1 KiB this is a fifteenth, so that where the records don't fit, their versions may. Those of
/// small records are not kept: of 100 bytes it would be twice as many of them as of the records.
package struct RecordMemory: ~Copyable {
    /// From what length on an object's version is kept by itself.
    private static let objectBytesMin = 512
    /// What the versions have, as a part of what the records have.
    private static let versionsShare = 4
    /// About what a version takes with its key.
    private static let versionBytesMean = 96

    private let bytes: Int
    private var records: RecordCache
    /// Without memory until there is one to keep.
    private var versions = RecordCache(bytes: 0)

    /// - Parameter bytes: for records; as much again as a quarter of it goes to versions. 0 for
    ///   none.
    package init(bytes: Int) {
        self.bytes = bytes
        records = RecordCache(bytes: bytes)
    }

    /// The record, if it is here.
    package func find(_ key: StoredKey) -> ByteBuffer? { records.find(key) }

    /// The header of the record's object, an ``EncodedVersion``, if it is here.
    package func version(of key: StoredKey) -> ByteBuffer? { versions.find(key) }

    /// RocksDB has found this, and it was not here.
    package mutating func loaded(_ key: StoredKey, _ object: ByteBuffer) {
        records.loaded(key, object)
    }

    /// As ``RecordCache/changes(_:to:checksum:_:)``.
    package mutating func changes(
        _ key: StoredKey,
        to object: ByteBuffer?,
        checksum: UInt64? = nil,
        _ token: StorageToken
    ) {
        records.changes(key, to: object, checksum: checksum, token)
        var version: ByteBuffer?
        if let object, object.readableBytes >= Self.objectBytesMin {
            version = EncodedVersion.headerBytes(of: object)
        }
        if version != nil, versions.isOff, bytes > 0 {
            let share = bytes / Self.versionsShare
            versions = RecordCache(bytes: share, recordBytesMean: Self.versionBytesMean)
        }
        // Also of a record that has become small: its version here would be an old one.
        versions.changes(key, to: version, token)
    }

    /// The removal of all records of these tokens was asked for.
    package mutating func drops(_ tokens: ClosedRange<Token>, _ token: StorageToken) {
        records.drops(tokens, token)
        versions.drops(tokens, token)
    }

    /// What was asked for under this token has ended; what is none of the changes is passed over.
    package mutating func ended(_ token: StorageToken, isDurable: Bool) {
        records.ended(token, isDurable: isDurable)
        versions.ended(token, isDurable: isDurable)
    }

    /// Forgets all.
    package mutating func removeAll() {
        records.removeAll()
        versions.removeAll()
    }
}
