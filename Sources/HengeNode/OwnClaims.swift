import HengeBase
import HengeCausality
import HengeReplication

/// Up to which counter each of this node's actors has all its writes on the disk.
///
/// Counters are looked at all at once, and count when every write that had begun by then has ended.
/// So a partition that is written to without a pause has its claims too.
struct OwnClaims: Sendable {
    /// The actors as they were when the epoch ended that is waited for; nil when none is.
    private var looked: [ActorTable.Entry?]?
    private var current = 0
    /// Writes under way by the epoch in which they began.
    private var underWay = [0, 0]
    /// What is claimed and has not been taken, by partition; empty when there is nothing.
    private var ready: [ActorTable.Entry?] = []

    /// A write is about to be persisted. Returns its epoch.
    mutating func begun() -> Int {
        underWay[current] += 1
        return current
    }

    mutating func ended(_ epoch: Int) {
        underWay[epoch] -= 1
        invariant(underWay[epoch] >= 0)
        countIfDrained()
    }

    /// Looks at the counters, unless the last look is still waiting.
    mutating func look(at actors: [ActorTable.Entry?]) {
        guard looked == nil else { return }
        looked = actors
        current = 1 - current
        countIfDrained()
    }

    /// A write of this partition's actor may not be on the disk.
    mutating func renewed(_ partition: Int) {
        looked?[partition] = nil
        if !ready.isEmpty { ready[partition] = nil }
    }

    /// What can be claimed since the last call.
    mutating func take() -> [ActorTable.Entry?] {
        defer { ready = [] }
        return ready
    }

    private mutating func countIfDrained() {
        guard let seen = looked, underWay[1 - current] == 0 else { return }
        ready = seen
        looked = nil
    }
}
