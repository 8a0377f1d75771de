package import HengeBase
package import HengeMessages

/// What a node knows in memory of the hints that it keeps: how many for whom, what they take, and
/// which records have one already.
///
/// Counts what was asked of the storage, and takes back what failed. A write that fails may have
/// taken effect all the same, so after a failure the counts are only near until the queue was
/// found empty.
package struct HintLedger: Sendable {
    package enum Admission: Hashable, Sendable {
        /// Keep this hint, now: hints must reach the storage in the order of their sequence.
        case keep(Hint)
        /// A hint that delivery has not reached yet names the same record.
        case covered
        /// There is no room.
        case refused
    }

    private struct Queue: Sendable {
        var backlog: HintBacklog
        /// Hints on their way to the disk.
        var inFlight = 0
        /// Rises with each hint that became durable.
        var kept = 0
        /// Whether a write failed that may have taken effect.
        var isUncertain = false
        /// No hint up to this sequence is on the disk any more.
        var droppedThrough: UInt64 = 0
        /// How many have gone from the disk; only rises.
        var gone = 0
    }

    private struct Place: Hashable, Sendable {
        let target: NodeID
        let key: StoredKey
    }

    private struct Recent: Sendable {
        let sequence: UInt64
        /// Whether a later write left no hint because of this one.
        var isShared = false
    }

    /// Records of which it is known that they have a hint. At their limit some 20 MiB.
    private static let recentMax = 16_384
    /// Longer keys are not remembered, and leave a hint with each write.
    private static let recentKeyBytesMax = 1_024

    /// By node id.
    private var queues: [Queue]
    private var nextSequence: UInt64
    private var recent: [Place: Recent] = [:]
    /// What all backlogs take together.
    package private(set) var bytes = 0

    /// - Parameters:
    ///   - idMax: the highest node id that may be a target.
    ///   - backlogs: what the storage found at the start.
    package init(idMax: NodeID, backlogs: [HintBacklog]) {
        queues = (0...idMax.rawValue).map { Queue(backlog: HintBacklog(target: NodeID($0))) }
        var highest: UInt64 = 0
        for backlog in backlogs {
            highest = max(highest, backlog.lastSequence)
            // One for a node that has left the ring stays where it is.
            guard Int(backlog.target.rawValue) < queues.count else { continue }
            queues[Int(backlog.target.rawValue)].backlog = backlog
            bytes += backlog.bytes
        }
        nextSequence = highest + 1
    }

    /// Lets nodes up to this id be targets.
    package mutating func makeRoom(for idMax: NodeID) {
        while queues.count <= Int(idMax.rawValue) {
            let target = NodeID(UInt16(queues.count))
            queues.append(Queue(backlog: HintBacklog(target: target)))
        }
    }

    /// Those that hold something, by target.
    package var backlogs: [HintBacklog] {
        queues.map(\.backlog).filter { $0.count > 0 }
    }

    package func backlog(_ target: NodeID) -> HintBacklog {
        let index = Int(target.rawValue)
        return index < queues.count ? queues[index].backlog : HintBacklog(target: target)
    }

    /// The last sequence given out.
    package var lastSequence: UInt64 { nextSequence - 1 }

    /// Whether so many bytes more would pass the bound.
    package func isFull(adding more: Int = 0, bytesMax: Int) -> Bool {
        let (sum, overflow) = bytes.addingReportingOverflow(more)
        return overflow || sum > bytesMax
    }

    /// Whether some hint for the node may be on the disk.
    package func mayHold(_ target: NodeID) -> Bool {
        let queue = queues[Int(target.rawValue)]
        if queue.inFlight == 0 { return queue.backlog.count > 0 || queue.isUncertain }
        return queue.backlog.count > queue.inFlight
    }

    // MARK: Keeping

    /// Whether a write that this node has missed needs a hint.
    ///
    /// - Parameter isRequired: that of a record held in the target's place, which counts as a
    ///   replica and so must not be forgotten.
    package mutating func admit(
        _ target: NodeID,
        _ key: StoredKey,
        at wall: WallTime,
        bytesMax: Int,
        isRequired: Bool
    ) -> Admission {
        let place = Place(target: target, key: key)
        if let index = recent.index(forKey: place) {
            recent.values[index].isShared = true
            return .covered
        }
        let hint = Hint(target: target, sequence: nextSequence, created: wall, key: key)
        guard isRequired || !isFull(adding: hint.byteCount, bytesMax: bytesMax) else {
            return .refused
        }
        add(hint)
        remember(hint)
        return .keep(hint)
    }

    /// The same hint at the end of its queue. Its place at the front is to be dropped after.
    package mutating func moveToEnd(_ hint: Hint) -> Hint {
        var moved = hint
        moved.sequence = nextSequence
        add(moved)
        return moved
    }

    private mutating func add(_ hint: Hint) {
        nextSequence += 1
        let index = Int(hint.target.rawValue)
        queues[index].inFlight += 1
        queues[index].backlog.count += 1
        queues[index].backlog.lastSequence = hint.sequence
        if queues[index].backlog.oldest == nil { queues[index].backlog.oldest = hint.created }
        addBytes(hint.byteCount, to: index)
    }

    private mutating func remember(_ hint: Hint) {
        guard recent.count < Self.recentMax, hint.key.bytes.readableBytes <= Self.recentKeyBytesMax
        else { return }
        // A copy: the key may be a slice of a large buffer, which must not live as long as this.
        var bytes = hint.key.bytes
        bytes = bytes.readSlice(length: bytes.readableBytes).map { .init(buffer: $0) } ?? bytes
        guard let key = StoredKey(stored: bytes)?.standingIn(for: hint.key.standInFor) else {
            return
        }
        recent[Place(target: hint.target, key: key)] = Recent(sequence: hint.sequence)
    }

    private mutating func addBytes(_ change: Int, to index: Int) {
        let before = queues[index].backlog.bytes
        queues[index].backlog.bytes = max(0, before + change)
        bytes += queues[index].backlog.bytes - before
    }

    /// The write of these hints has ended. Returns those of a failed one that later writes relied
    /// on and that must therefore be kept anew.
    package mutating func ended(_ hints: [Hint], success: Bool) -> [Hint] {
        var shared: [Hint] = []
        for hint in hints {
            let index = Int(hint.target.rawValue)
            queues[index].inFlight -= 1
            invariant(queues[index].inFlight >= 0)
            if success {
                queues[index].kept += 1
                continue
            }
            queues[index].isUncertain = true
            forget(1, hint.byteCount, at: index)
            if passed(hint) { shared.append(hint) }
        }
        return shared
    }

    /// What a record held in this node's place takes has changed.
    package mutating func heldBytesChanged(_ target: NodeID, by change: Int) {
        addBytes(change, to: Int(target.rawValue))
    }

    // MARK: Delivery

    /// Delivery has come to this hint, so later writes need another. Returns whether writes before
    /// relied on it.
    package mutating func passed(_ hint: Hint) -> Bool {
        let place = Place(target: hint.target, key: hint.key)
        guard let index = recent.index(forKey: place),
            recent.values[index].sequence == hint.sequence
        else { return false }
        return recent.remove(at: index).value.isShared
    }

    /// A mark that has changed when a hint has become durable since.
    package func keptMark(_ target: NodeID) -> Int { queues[Int(target.rawValue)].kept }

    /// The hints at the front of the queue were loaded; `mark` is from when they were asked for.
    package mutating func found(_ count: Int, for target: NodeID, since mark: Int) {
        let index = Int(target.rawValue)
        let visible = queues[index].backlog.count - queues[index].inFlight
        if count > visible, queues[index].isUncertain {
            queues[index].backlog.count += count - visible
        } else if count == 0, mark == queues[index].kept {
            forget(visible, queues[index].inFlight == 0 ? .max : 0, at: index)
            queues[index].isUncertain = false
        }
    }

    /// So many hints at the front of the queue are gone from the disk.
    ///
    /// - Parameters:
    ///   - through: the sequence of the last of them.
    ///   - oldest: when the hint was kept that is first now, or one that was before it.
    package mutating func dropped(
        _ count: Int,
        bytes: Int,
        for target: NodeID,
        through: UInt64,
        oldest: WallTime
    ) {
        let index = Int(target.rawValue)
        queues[index].backlog.oldest = oldest
        queues[index].droppedThrough = max(queues[index].droppedThrough, through)
        queues[index].gone += count
        forget(count, bytes, at: index)
    }

    // MARK: Marks

    /// All that is kept, or on its way to the disk, by target.
    package var marks: [HintMark] {
        queues.indices.compactMap { mark(NodeID(UInt16($0))) }
    }

    /// All that is kept for one node, or on its way to the disk; nil when there is nothing.
    package func mark(_ target: NodeID) -> HintMark? {
        let queue = queues[Int(target.rawValue)]
        guard queue.backlog.count > 0 || queue.isUncertain else { return nil }
        return HintMark(
            target: target,
            through: queue.backlog.lastSequence,
            count: queue.backlog.count,
            goneBefore: queue.gone
        )
    }

    /// How many hints of a mark are left, at least 1 while any is; an estimate once a write has
    /// failed or some have moved.
    package func left(of mark: HintMark) -> Int {
        let queue = queues[Int(mark.target.rawValue)]
        guard queue.droppedThrough < mark.through, queue.backlog.count > 0 || queue.isUncertain
        else { return 0 }
        return max(1, mark.count - (queue.gone - mark.goneBefore))
    }

    /// A drop failed; it may have taken effect.
    package mutating func dropFailed(_ target: NodeID) {
        queues[Int(target.rawValue)].isUncertain = true
    }

    private mutating func forget(_ count: Int, _ bytes: Int, at index: Int) {
        let left = queues[index].backlog.count - count
        queues[index].backlog.count = max(queues[index].inFlight, left)
        let held = queues[index].backlog.bytes
        addBytes(-min(bytes, held), to: index)
        if queues[index].backlog.count == 0 {
            queues[index].backlog.oldest = nil
            addBytes(-queues[index].backlog.bytes, to: index)
        }
    }
}
