package import HengeCausality

/// What one record adds to its partition's counts.
package struct RecordWeight: Hashable, Sendable {
    package var records: Int
    /// Records that hold a value, expired or not.
    package var keys: Int
    /// Records with a sibling that expires some day or has expired.
    package var expiring: Int
    /// Siblings beyond the first of each record.
    package var siblings: Int
    /// Bytes of key and object.
    package var bytes: Int
    /// The wrapping sum of ``RecordFingerprint``s.
    package var fingerprint: UInt64

    package static let nothing = RecordWeight(records: 0, keys: 0, bytes: 0)

    package init(
        records: Int,
        keys: Int,
        expiring: Int = 0,
        siblings: Int = 0,
        bytes: Int,
        fingerprint: UInt64 = 0
    ) {
        self.records = records
        self.keys = keys
        self.expiring = expiring
        self.siblings = siblings
        self.bytes = bytes
        self.fingerprint = fingerprint
    }

    /// All but the fingerprint.
    package var counts: RecordWeight {
        var counts = self
        counts.fingerprint = 0
        return counts
    }

    package static func + (a: RecordWeight, b: RecordWeight) -> RecordWeight {
        RecordWeight(
            records: a.records + b.records,
            keys: a.keys + b.keys,
            expiring: a.expiring + b.expiring,
            siblings: a.siblings + b.siblings,
            bytes: a.bytes + b.bytes,
            fingerprint: a.fingerprint &+ b.fingerprint
        )
    }

    package static func - (a: RecordWeight, b: RecordWeight) -> RecordWeight {
        RecordWeight(
            records: a.records - b.records,
            keys: a.keys - b.keys,
            expiring: a.expiring - b.expiring,
            siblings: a.siblings - b.siblings,
            bytes: a.bytes - b.bytes,
            fingerprint: a.fingerprint &- b.fingerprint
        )
    }
}

extension RecordWeight {
    /// - Parameter keyBytes: ``StoredKey/bytes``.
    package init(of object: EncodedObject, keyBytes: UnsafeRawBufferPointer) {
        self.init(
            holdsValue: object.holdsValue,
            holdsExpiry: object.holdsExpiry,
            siblingCount: object.siblingCount,
            objectLength: object.bytes.readableBytes,
            VersionDigest(of: object),
            keyBytes
        )
    }

    /// What the record of this version adds.
    ///
    /// - Parameter keyBytes: ``StoredKey/bytes``.
    package init(of version: EncodedVersion, keyBytes: UnsafeRawBufferPointer) {
        self.init(
            holdsValue: version.holdsValue,
            holdsExpiry: version.holdsExpiry,
            siblingCount: version.siblingCount,
            objectLength: version.objectLength,
            VersionDigest(of: version),
            keyBytes
        )
    }

    private init(
        holdsValue: Bool,
        holdsExpiry: Bool,
        siblingCount: Int,
        objectLength: Int,
        _ digest: VersionDigest,
        _ keyBytes: UnsafeRawBufferPointer
    ) {
        self.init(
            records: 1,
            keys: holdsValue ? 1 : 0,
            expiring: holdsExpiry ? 1 : 0,
            siblings: max(0, siblingCount - 1),
            bytes: keyBytes.count + objectLength,
            fingerprint: RecordFingerprint.of(keyBytes, digest)
        )
    }
}
