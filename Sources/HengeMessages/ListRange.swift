package import HengeBase
package import HengeCausality
package import HengeRing

/// A part of the token order whose records anti-entropy lists, whole or in part.
package struct ListRange: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Every record's key and fingerprint.
        case versions
        /// The objects too, except of records with these fingerprints.
        case objects(except: Set<UInt64>)
        /// Only records without a sibling that is live at this time, with their objects.
        case dead(at: WallTime)
    }

    package var from: Token
    /// The last token, inclusive.
    package var through: Token
    package var kind: Kind
    /// Stop once this many records were looked at, at the next change of token. At least 1.
    package var examinedMax: Int
    /// Stop once the listed objects have this many bytes, at the next change of token. At least 1.
    package var bytesMax: Int

    package init(
        from: Token,
        through: Token,
        kind: Kind,
        examinedMax: Int = 4_096,
        bytesMax: Int = 256 * 1_024
    ) {
        self.from = from
        self.through = through
        self.kind = kind
        self.examinedMax = examinedMax
        self.bytesMax = bytesMax
    }
}

package struct ListedRecord: Hashable, Sendable {
    package var key: StoredKey
    /// ``RecordFingerprint`` of the key and the version.
    package var fingerprint: UInt64
    /// nil where it was not asked for.
    package var object: EncodedObject?

    package init(key: StoredKey, fingerprint: UInt64, object: EncodedObject?) {
        self.key = key
        self.fingerprint = fingerprint
        self.object = object
    }
}

package struct ListPage: Hashable, Sendable {
    /// In the order of their keys.
    package var records: [ListedRecord]
    /// Records that fail their checksum or are no objects. They are not in `records`.
    package var rotten: [StoredKey]
    /// The tokens at the ends of stretches whose records can't be read at all, since a block of
    /// the engine's files is broken; what lies between them, and with them, may be lost.
    package var unreadable: [ClosedRange<Token>]
    /// All records that were looked at, listed or not; fingerprints are summed.
    package var weight: RecordWeight
    /// Where to go on; nil when the range is done. All keys of one token come in one page.
    package var next: Token?

    package init(
        records: [ListedRecord] = [],
        rotten: [StoredKey] = [],
        unreadable: [ClosedRange<Token>] = [],
        weight: RecordWeight = .nothing,
        next: Token? = nil
    ) {
        self.records = records
        self.rotten = rotten
        self.unreadable = unreadable
        self.weight = weight
        self.next = next
    }
}

/// What one record adds to its leaf: a hash of its key and its version.
package enum RecordFingerprint {
    package static func of(_ key: StoredKey, _ object: EncodedObject) -> UInt64 {
        key.bytes.withUnsafeReadableBytes { of($0, VersionDigest(of: object)) }
    }

    /// - Parameter key: ``StoredKey/bytes``.
    package static func of(_ key: UnsafeRawBufferPointer, _ version: VersionDigest) -> UInt64 {
        XXH3.hash64(key, seed: version.rawValue)
    }
}
