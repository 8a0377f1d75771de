import HengeBase
import HengeMessages

/// What is known of the versions, and what a hedge does about those that are late.
extension ReadCoordinator {
    /// Whether a hedge would ask anyone.
    package var canHedge: Bool {
        switch phase {
        case .gathering: asked < order.count || !otherHolders.isEmpty
        case .repairing: unasked(in: unmet) != nil
        case .idle, .done: false
        }
    }

    mutating func hedge(_ effects: inout EffectBuffer<Effect>) {
        if let slot = otherHolders.lowest {
            hedged.insert(slot)
            return ask(slot, .object, &effects)
        }
        guard asked < order.count else { return }
        let slot = order[asked]
        asked += 1
        hedged.insert(slot)
        // The one that lags may be the one that was to give the object.
        let hasObject = !gathered.isEmpty && awaitingObject.isEmpty
        ask(slot, hasObject ? .digest : .object, &effects)
    }

    /// When an object is all that lacks: replicas that are known to hold the same version as the
    /// one that was asked for it.
    private var otherHolders: ReplicaSet {
        guard known.count >= required else { return ReplicaSet() }
        return known.subtracting(settled).subtracting(awaitingObject)
    }

    /// Replicas that hold nothing, or a version that `merged` has.
    var settled: ReplicaSet {
        var settled = gathered
        known.subtracting(gathered).forEach { slot in
            var isMerged = digests[slot] == VersionDigest.absent.rawValue
            gathered.forEach { if digests[$0] == digests[slot] { isMerged = true } }
            if isMerged { settled.insert(slot) }
        }
        return settled
    }

    /// One replica for each version that only digests have told of, unless one that is known to
    /// hold it has been asked already.
    func unasked(besides settled: ReplicaSet) -> ReplicaSet {
        var seen = known.intersection(awaitingObject)
        var unasked = ReplicaSet()
        known.subtracting(settled).subtracting(seen).forEach { slot in
            var isNew = true
            seen.forEach { if digests[$0] == digests[slot] { isNew = false } }
            seen.insert(slot)
            if isNew { unasked.insert(slot) }
        }
        return unasked
    }

    /// Replicas whose version is known to lack something of the merged one.
    var stale: ReplicaSet {
        var stale = ReplicaSet()
        known.forEach { if digests[$0] != mergedDigest.rawValue { stale.insert($0) } }
        return stale
    }
}
