import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

/// Names a mark of ``SettleMarks``; no other incarnation of the node has one of this name.
package struct SettleToken: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// What a node had still to do at some times, each a mark of somebody who waits until that is done.
/// What comes later does not count, unless it is some of that in another place.
struct SettleMarks: Sendable {
    struct Mark: Sendable {
        let token: SettleToken
        /// When somebody last asked how far it is.
        var askedAt: Instant
        /// By target.
        var hints: [HintMark]
        /// Whether the change of the ring still runs that ran then.
        var awaitsChange: Bool
        /// Whether something is or may be to forget of partitions that other nodes hold.
        var awaitsDrops: Bool
        /// Nodes that share a partition only since later need not have compared it; nil for now.
        var sharedBy: Instant?
        /// Only comparisons that begin later count; nil for none as yet.
        var comparesSince: Instant?
        /// All is done, and stays so.
        var isDone = false
    }

    /// More than these do not wait at a time.
    private static let marksMax = 64
    /// After this time without a question somebody waits no more.
    private static let patience = Interval.seconds(60)

    private(set) var marks: [Mark] = []
    private var last: UInt32 = 0

    /// Makes a mark of what there is to do. Returns its place; nil when too many wait.
    ///
    /// - Parameter life: other than that of the node's earlier incarnations.
    mutating func add(
        life: UInt32,
        hints: [HintMark],
        awaitsChange: Bool,
        awaitsDrops: Bool,
        now: Instant
    ) -> Int? {
        marks.removeAll { now.since($0.askedAt) > Self.patience }
        if marks.count >= Self.marksMax { marks.removeAll(where: \.isDone) }
        guard marks.count < Self.marksMax else { return nil }
        last &+= 1
        marks.append(
            Mark(
                token: SettleToken(rawValue: UInt64(life) << 32 | UInt64(last)),
                askedAt: now,
                hints: hints,
                awaitsChange: awaitsChange,
                awaitsDrops: awaitsDrops,
                sharedBy: awaitsChange ? nil : now
            )
        )
        return marks.count - 1
    }

    /// Somebody asks for a mark. Returns its place; nil when it is not known, or no more.
    mutating func asked(_ token: SettleToken, now: Instant) -> Int? {
        guard let index = marks.firstIndex(where: { $0.token == token }) else { return nil }
        marks[index].askedAt = now
        return index
    }

    mutating func dropsDone(_ index: Int) { marks[index].awaitsDrops = false }

    /// Nobody has hints to deliver any more that somebody waits for.
    mutating func compare(_ index: Int, since now: Instant) {
        marks[index].comparesSince = marks[index].comparesSince ?? now
    }

    mutating func done(_ index: Int) { marks[index].isDone = true }

    // MARK: What moves what a mark has

    /// A hint has come to the end of its queue.
    mutating func moved(_ hint: Hint, to last: Hint) {
        for index in marks.indices {
            for place in marks[index].hints.indices {
                marks[index].hints[place].moved(hint, to: last)
            }
        }
    }

    /// What was kept for one node is kept for these now.
    mutating func passed(from target: NodeID, to heirs: [NodeID], _ ledger: HintLedger) {
        guard !heirs.isEmpty else { return }
        for index in marks.indices {
            let isOpen = marks[index].hints.contains {
                $0.target == target && ledger.left(of: $0) > 0
            }
            guard isOpen else { continue }
            for later in heirs.compactMap(ledger.mark) {
                if let place = marks[index].hints.firstIndex(where: { $0.target == later.target }) {
                    marks[index].hints[place].extend(to: later)
                } else {
                    marks[index].hints.append(later)
                }
            }
        }
    }

    /// The node has moved on to a newer ring, and shares its partitions by that.
    mutating func adopted(
        _ newer: RingDocument,
        after older: RingDocument,
        at now: Instant
    ) {
        for index in marks.indices where marks[index].awaitsChange {
            guard !newer.goesOn(from: older) else { continue }
            marks[index].awaitsChange = false
            marks[index].sharedBy = now
        }
    }
}

extension RingDocument {
    /// Whether the change of the ring that runs in an older document still runs in this one.
    fileprivate func goesOn(from older: RingDocument) -> Bool {
        guard let before = older.transition, let after = transition else { return false }
        // One that goes back has its two ends change places.
        guard before.isAborting != after.isAborting else {
            return owners == older.owners && after.owners == before.owners
                && members == older.members && after.members == before.members
        }
        return owners == before.owners && after.owners == older.owners
            && members == before.members && after.members == older.members
    }
}
