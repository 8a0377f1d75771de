package import HengeBase
package import HengeRing

package import struct NIOCore.ByteBuffer

/// Names one storage operation, so that its completion finds what waits for it.
package struct StorageToken: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// What the storage engine refused or failed to do. The node lives on; the request is told.
package enum StorageFailure: Error, Hashable, Sendable {
    /// The disk is full.
    case noSpace
    /// The operating system or the device failed.
    case io
    /// A record or a file of the engine fails its checksum.
    case corrupt
    /// The engine has stopped taking writes after an earlier failure, or is closing.
    case readOnly
}

/// That a node has missed a write: which record to hand it when it returns. It names the record and
/// does not repeat it, since what the holder has by then is at least as new.
package struct Hint: Hashable, Sendable {
    /// The node that missed it.
    package var target: NodeID
    /// Rises from hint to hint of one holder, also across restarts.
    package var sequence: UInt64
    package var created: WallTime
    /// The holder's record: its own replica's, or one that it holds in another's place, the
    /// target's or a third node's.
    package var key: StoredKey

    package init(target: NodeID, sequence: UInt64, created: WallTime, key: StoredKey) {
        self.target = target
        self.sequence = sequence
        self.created = created
        self.key = key
    }
}

/// The hints that a holder keeps for one node.
package struct HintBacklog: Hashable, Sendable {
    package var target: NodeID
    /// 0 where there is none.
    package var lastSequence: UInt64
    package var count: Int
    /// What they take on the disk: each hint, and each record that is held in the target's place.
    package var bytes: Int
    /// When the first of them was kept; nil where there is none.
    package var oldest: WallTime?

    package init(
        target: NodeID,
        lastSequence: UInt64 = 0,
        count: Int = 0,
        bytes: Int = 0,
        oldest: WallTime? = nil
    ) {
        self.target = target
        self.lastSequence = lastSequence
        self.count = count
        self.bytes = bytes
        self.oldest = oldest
    }
}

/// What a node asks of its storage. Completions come back as ``StorageCompletion`` with the same
/// token.
///
/// Contract, the same for RocksDB and for the simulated disk:
/// - Operations of one node take effect in the order in which they were asked for persists; a load
///   may overtake a persist in flight.
/// - A load sees a persist only when that is as durable as the setting promises, and then always.
/// - A persist that failed leaves the record as it was, or as it would have been: never in between.
package enum StorageRequest: Sendable {
    case load(StoredKey, StorageToken)
    /// As a load, for one who may not need the values: where the storage has the version of a
    /// record at hand, and not all of it, it may answer with that, `versionLoaded`.
    case loadVersion(StoredKey, StorageToken)
    /// Replaces the record. The completion comes when it is as durable as the setting promises.
    /// The hints are kept in the same batch: both are durable, or neither.
    case persist(StoredKey, ByteBuffer, hints: [Hint] = [], StorageToken)
    case scan(ScanRange, StorageToken)
    /// Forgets the record. Completed as a persist.
    case remove(StoredKey, StorageToken)
    /// Completed as a persist.
    case keepHints([Hint], StorageToken)
    /// The hints for a node whose sequence is above `after`, in order, at most `limit` of them. A
    /// page may be shorter, to bound its bytes; an empty one is the end.
    case loadHints(NodeID, after: UInt64, limit: Int, StorageToken)
    /// Forgets the hints for a node up to and with this sequence. Completed as a persist.
    case dropHints(NodeID, through: UInt64, StorageToken)
    /// Reads on, past what is rotten, and says where that is.
    case list(ListRange, StorageToken)
    /// Keeps what is saved of a partition's watermark, in order with the persists. Empty bytes
    /// forget it. Completed as a persist.
    case saveWatermark(partition: Int, ByteBuffer, StorageToken)
    /// Keeps how far the node is with taking a partition over, in order with the persists. Empty
    /// bytes forget it. Completed as a persist.
    case saveTransfer(partition: Int, ByteBuffer, StorageToken)
    /// Forgets a partition: all of the node's own records of these tokens, its watermark, and how
    /// far it was taken over. What is held in the places of others stays, and so do hints. In order
    /// with the persists; completed as one.
    case dropPartition(Int, tokens: ClosedRange<Token>, StorageToken)
}

package enum StorageCompletion: Sendable {
    /// The record's bytes, checksum verified; nil where there is none.
    case loaded(StorageToken, Result<ByteBuffer?, StorageFailure>)
    /// The header of the record's object, an ``EncodedVersion``.
    case versionLoaded(StorageToken, ByteBuffer)
    case persisted(StorageToken, StorageFailure?)
    case scanned(StorageToken, Result<ScanPage, StorageFailure>)
    case hintsLoaded(StorageToken, Result<[Hint], StorageFailure>)
    case listed(StorageToken, Result<ListPage, StorageFailure>)
}

/// A part of the token order to list live keys of.
package struct ScanRange: Hashable, Sendable {
    package var from: Token
    /// The last token, inclusive.
    package var through: Token
    /// Only keys of this bucket; nil for all.
    package var bucket: ByteBuffer?
    /// Stop once this many keys were found, at the next change of token. At least 1.
    package var limit: Int
    /// Stop once this many records were looked at, at the next change of token. At least 1.
    package var examinedMax: Int
    /// Keys with no live sibling at this time are left out.
    package var wall: WallTime

    package init(
        from: Token,
        through: Token,
        bucket: ByteBuffer?,
        limit: Int,
        examinedMax: Int,
        wall: WallTime
    ) {
        self.from = from
        self.through = through
        self.bucket = bucket
        self.limit = limit
        self.examinedMax = examinedMax
        self.wall = wall
    }
}

package struct ScanPage: Hashable, Sendable {
    package var keys: [StoredKey]
    /// Where to go on; nil when the range is done. All keys of one token come in one page.
    package var next: Token?

    package init(keys: [StoredKey], next: Token?) {
        self.keys = keys
        self.next = next
    }
}
