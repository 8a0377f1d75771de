import HengeBase
import HengeMessages

import struct NIOCore.ByteBuffer

/// A write that a simulated disk was asked for.
enum DiskWrite: Sendable {
    case put(StoredKey, ByteBuffer, hints: [Hint])
    case remove(StoredKey)
    case keepHints([Hint])
    case dropHints(NodeID, through: UInt64)
    case saveWatermark(partition: Int, ByteBuffer)
    case saveLives(ByteBuffer)
    case saveRing(ByteBuffer)
}

/// What lies on a simulated disk: records, hints, watermarks and what the node knows of the lives
/// of others.
struct DiskContent: Sendable {
    /// How to take one write back, whole: what was there before it.
    struct Undo: Sendable {
        fileprivate var record: (key: StoredKey, before: RecordTable.Record?)?
        fileprivate var hints: [(target: NodeID, sequence: UInt64, before: HintTable.Entry?)] = []
        fileprivate var lives: ByteBuffer??
        fileprivate var ring: ByteBuffer??
        fileprivate var watermark: (partition: Int, before: ByteBuffer?)?
    }

    /// The node's own records.
    private(set) var records = RecordTable()
    /// Those it holds in the place of others, as in a column family of their own.
    private(set) var standIns = RecordTable()
    private(set) var hints = HintTable()
    private(set) var lives: ByteBuffer?
    /// What the node knows and has promised of rings.
    private(set) var ring: ByteBuffer?
    /// In the order of the partitions.
    private(set) var watermarks: [(partition: Int, bytes: ByteBuffer)] = []

    subscript(key: StoredKey) -> RecordTable.Record? {
        get { key.standInFor == nil ? records[key] : standIns[key] }
        set {
            if key.standInFor == nil { records[key] = newValue } else { standIns[key] = newValue }
        }
    }

    mutating func apply(_ write: DiskWrite) -> Undo {
        var undo = Undo()
        switch write {
        case .put(let key, let object, let kept):
            undo.record = (key, self[key])
            self[key] = RecordTable.Record(object: object)
            keep(kept, &undo)
        case .remove(let key):
            undo.record = (key, self[key])
            self[key] = nil
        case .keepHints(let kept): keep(kept, &undo)
        case .dropHints(let target, let through):
            for entry in hints.drop(target, through: through) {
                undo.hints.append((target, entry.hint.sequence, entry))
            }
        case .saveWatermark(let partition, let bytes):
            let watermark = bytes.readableBytes > 0 ? bytes : nil
            undo.watermark = (partition, setWatermark(watermark, partition))
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
        if let (key, before) = undo.record { self[key] = before }
        for (target, sequence, before) in undo.hints.reversed() {
            hints[target, sequence] = before
        }
        if case .some(let before) = undo.lives { lives = before }
        if case .some(let before) = undo.ring { ring = before }
        if let (partition, before) = undo.watermark { _ = setWatermark(before, partition) }
    }

    /// - Returns: what was there before.
    private mutating func setWatermark(_ bytes: ByteBuffer?, _ partition: Int) -> ByteBuffer? {
        let place = watermarks.firstIndex { $0.partition >= partition } ?? watermarks.count
        var before: ByteBuffer?
        if place < watermarks.count, watermarks[place].partition == partition {
            before = watermarks.remove(at: place).bytes
        }
        if let bytes { watermarks.insert((partition, bytes), at: place) }
        return before
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
