import HengeBase
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// A write that a simulated disk was asked for.
enum DiskWrite: Sendable {
    case put(StoredKey, ByteBuffer, hints: [Hint])
    case remove(StoredKey)
    case keepHints([Hint])
    case dropHints(NodeID, through: UInt64)
    case saveWatermark(partition: Int, ByteBuffer)
    case saveTransfer(partition: Int, ByteBuffer)
    case dropPartition(Int, ClosedRange<Token>)
    case saveLives(ByteBuffer)
    case saveRing(ByteBuffer)
}

/// What lies on a simulated disk: records, hints, what is saved of partitions, and what the node
/// knows of the lives of others.
struct DiskContent: Sendable {
    /// How to take one write back, whole: what was there before it.
    struct Undo: Sendable {
        fileprivate var records: [(key: StoredKey, before: RecordTable.Record?)] = []
        fileprivate var hints: [(target: NodeID, sequence: UInt64, before: HintTable.Entry?)] = []
        fileprivate var lives: ByteBuffer??
        fileprivate var ring: ByteBuffer??
        fileprivate var watermark: (partition: Int, before: ByteBuffer?)?
        fileprivate var transfer: (partition: Int, before: ByteBuffer?)?
    }

    /// The node's own records.
    private(set) var records = RecordTable()
    /// Those it holds in the place of others, as in a column family of their own.
    private(set) var standIns = RecordTable()
    private(set) var hints = HintTable()
    private(set) var lives: ByteBuffer?
    private(set) var watermarks = PartitionRecords()
    private(set) var transfers = PartitionRecords()
    /// What the node knows and has promised of rings.
    private(set) var ring: ByteBuffer?

    subscript(key: StoredKey) -> RecordTable.Record? {
        get { key.standInFor == nil ? records[key] : standIns[key] }
        set {
            if key.standInFor == nil { records[key] = newValue } else { standIns[key] = newValue }
        }
    }

    /// Forgets all records and hints, for good.
    mutating func forgetRecords() {
        (records, standIns, hints) = (RecordTable(), RecordTable(), HintTable())
    }

    mutating func apply(_ write: DiskWrite) -> Undo {
        var undo = Undo()
        switch write {
        case .put(let key, let object, let kept):
            undo.records = [(key, self[key])]
            self[key] = RecordTable.Record(object: object)
            keep(kept, &undo)
        case .remove(let key):
            undo.records = [(key, self[key])]
            self[key] = nil
        case .keepHints(let kept): keep(kept, &undo)
        case .dropHints(let target, let through):
            for entry in hints.drop(target, through: through) {
                undo.hints.append((target, entry.hint.sequence, entry))
            }
        case .saveWatermark(let partition, let bytes):
            undo.watermark = (partition, watermarks.set(bytes, partition))
        case .saveTransfer(let partition, let bytes):
            undo.transfer = (partition, transfers.set(bytes, partition))
        case .dropPartition(let partition, let tokens):
            undo.records = records.keys(in: tokens).map { ($0, records[$0]) }
            for (key, _) in undo.records { records[key] = nil }
            undo.watermark = (partition, watermarks.set(nil, partition))
            undo.transfer = (partition, transfers.set(nil, partition))
        case .saveLives(let bytes):
            undo.lives = .some(lives)
            lives = bytes
        case .saveRing(let bytes):
            undo.ring = .some(ring)
            ring = bytes
        }
        return undo
    }

    mutating func takeBack(_ undo: Undo) {
        for (key, before) in undo.records { self[key] = before }
        for (target, sequence, before) in undo.hints.reversed() {
            hints[target, sequence] = before
        }
        if case .some(let before) = undo.lives { lives = before }
        if let (partition, before) = undo.watermark { watermarks.set(before, partition) }
        if let (partition, before) = undo.transfer { transfers.set(before, partition) }
        if case .some(let before) = undo.ring { ring = before }
    }

    /// Lets a hint rot; false when there is none.
    mutating func corruptHint(_ target: NodeID, sequence: UInt64) -> Bool {
        guard var entry = hints[target, sequence] else { return false }
        entry.isCorrupt = true
        hints[target, sequence] = entry
        return true
    }

    /// Sums of hints and of the records held in the targets' places, in the order of the targets.
    var backlogs: [HintBacklog] {
        var found = hints.backlogs
        standIns.forEach { key, record in
            guard let home = key.standInFor else { return }
            let bytes = HintBacklog.byteCount(of: key, record.object)
            let place = found.firstIndex { $0.target >= home } ?? found.count
            if place == found.count || found[place].target != home {
                found.insert(HintBacklog(target: home), at: place)
            }
            found[place].bytes += bytes
        }
        return found
    }

    private mutating func keep(_ kept: [Hint], _ undo: inout Undo) {
        for hint in kept {
            undo.hints.append((hint.target, hint.sequence, hints[hint.target, hint.sequence]))
            hints[hint.target, hint.sequence] = HintTable.Entry(hint: hint)
        }
    }
}

/// One record a partition, in the order of the partitions.
struct PartitionRecords: Sendable {
    private(set) var records: [(partition: Int, bytes: ByteBuffer)] = []

    /// - Parameter bytes: nil, or none, to forget the record.
    /// - Returns: what was there before.
    @discardableResult
    mutating func set(_ bytes: ByteBuffer?, _ partition: Int) -> ByteBuffer? {
        let place = records.firstIndex { $0.partition >= partition } ?? records.count
        var before: ByteBuffer?
        if place < records.count, records[place].partition == partition {
            before = records.remove(at: place).bytes
        }
        if let bytes, bytes.readableBytes > 0 { records.insert((partition, bytes), at: place) }
        return before
    }
}
