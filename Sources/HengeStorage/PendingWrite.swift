import HengeBase
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// One write that the node asked for.
struct PendingWrite: Sendable {
    enum Change: Sendable {
        case put(StoredKey, ByteBuffer, hints: [Hint])
        case remove(StoredKey)
        case keepHints([Hint])
        case dropHints(NodeID, through: UInt64)
        case saveWatermark(partition: Int, ByteBuffer)
        case saveTransfer(partition: Int, ByteBuffer)
        case dropPartition(Int, ClosedRange<Token>)
        /// Nobody waits for it, so that its token means nothing.
        case saveLives(ByteBuffer)
        /// Answered by itself, so that its token means nothing.
        case saveRing(ByteBuffer, done: @Sendable (StorageFailure?) -> Void)
    }

    let change: Change
    let token: StorageToken

    var byteCount: Int {
        switch change {
        case .put(let key, let object, let hints):
            let record = key.bytes.readableBytes + object.readableBytes
            return hints.isEmpty ? record : record + Self.byteCount(hints)
        case .remove(let key): return key.bytes.readableBytes
        case .keepHints(let hints): return Self.byteCount(hints)
        case .dropHints, .dropPartition: return 2 * MemoryLayout<UInt64>.size
        case .saveWatermark(_, let bytes), .saveTransfer(_, let bytes), .saveLives(let bytes),
            .saveRing(let bytes, _):
            return bytes.readableBytes
        }
    }

    /// Whether it removes one of the node's own records.
    var isRemoval: Bool {
        if case .remove(let key) = change { key.standInFor == nil } else { false }
    }

    /// The tokens whose records it removes all at once.
    var droppedTokens: ClosedRange<Token>? {
        if case .dropPartition(_, let tokens) = change { tokens } else { nil }
    }

    /// Whether a completion with its token is owed.
    var isAnswered: Bool {
        switch change {
        case .saveLives, .saveRing: false
        default: true
        }
    }

    /// Whether it is to be durable at once in any mode.
    var isUrgent: Bool {
        if case .saveRing = change { true } else { false }
    }

    /// Tells whoever waits for this one alone.
    func tell(_ failure: StorageFailure?) {
        if case .saveRing(_, let done) = change { done(failure) }
    }

    /// - Returns: how many hints it keeps.
    func add(
        to batch: inout RecordBatch,
        _ open: Database.Open,
        _ drops: inout HintDrops
    ) -> Int {
        switch change {
        case .put(let key, let object, let hints):
            if let home = key.standInFor {
                let standIn = HintForm.standInKey(key.bytes, home: home)
                batch.put(standIn, object, into: open.hints)
            } else {
                batch.put(key.bytes, object, into: open.objects)
            }
            return hints.isEmpty ? 0 : Self.keep(hints, in: &batch, open, &drops)
        case .remove(let key):
            if let home = key.standInFor {
                batch.delete(HintForm.standInKey(key.bytes, home: home), from: open.hints)
            } else {
                batch.delete(key.bytes, from: open.objects)
            }
        case .keepHints(let hints): return Self.keep(hints, in: &batch, open, &drops)
        case .dropHints(let target, let through):
            let start = drops.start(target, through: through)
            batch.dropHints(target, from: start, through: through, in: open.hints)
        case .saveWatermark(let partition, let bytes):
            Self.save(bytes, as: MetaRecords.watermarkKey(partition), in: &batch, open)
        case .saveTransfer(let partition, let bytes):
            Self.save(bytes, as: MetaRecords.transferKey(partition), in: &batch, open)
        case .dropPartition(let partition, let tokens):
            batch.drop(tokens, from: open.objects)
            batch.delete(MetaRecords.watermarkKey(partition), from: open.meta)
            batch.delete(MetaRecords.transferKey(partition), from: open.meta)
        case .saveLives(let bytes): batch.put(MetaRecords.livesKey, bytes, into: open.meta)
        case .saveRing(let bytes, _): batch.put(MetaRecords.ringKey, bytes, into: open.meta)
        }
        return 0
    }

    /// Empty bytes forget the record.
    private static func save(
        _ bytes: ByteBuffer,
        as key: ByteBuffer,
        in batch: inout RecordBatch,
        _ open: Database.Open
    ) {
        if bytes.readableBytes > 0 {
            batch.put(key, bytes, into: open.meta)
        } else {
            batch.delete(key, from: open.meta)
        }
    }

    private static func keep(
        _ hints: [Hint],
        in batch: inout RecordBatch,
        _ open: Database.Open,
        _ drops: inout HintDrops
    ) -> Int {
        for hint in hints {
            batch.put(hint, into: open.hints)
            drops.wrote(hint)
        }
        // So that a batch of no hints is no empty one.
        if hints.isEmpty { batch.putNothing() }
        return hints.count
    }

    private static func byteCount(_ hints: [Hint]) -> Int {
        hints.reduce(0) { $0 + $1.byteCount }
    }
}
