package import HengeBase

/// W of some of the replicas that a write goes to: those of one ring.
///
/// While the ring changes a write has two, of the replicas of now and of those to come (joint
/// consensus counts in the same way: Ongaro, *Consensus*, 2014, section 4.3). A replica may be in
/// both. Blocking repair of a read has to reach both likewise.
package struct WriteQuorum: Hashable, Sendable {
    /// The replicas that count.
    package let slots: ReplicaSet
    private let requiredCount: UInt8

    /// W, durable acknowledgements needed.
    package var required: Int { Int(requiredCount) }

    /// - Parameters:
    ///   - slots: 1...``ReplicaSet/replicasMax`` replicas, at any positions.
    ///   - required: W, at least 1 and at most as many as there are slots.
    package init(slots: ReplicaSet, required: Int) {
        invariant(slots.count <= ReplicaSet.replicasMax)
        invariant(required >= 1 && required <= slots.count)
        self.slots = slots
        requiredCount = UInt8(required)
    }

    /// How many of these replicas count.
    package func count(of replicas: ReplicaSet) -> Int { replicas.intersection(slots).count }

    package func isMet(by replicas: ReplicaSet) -> Bool { count(of: replicas) >= required }
}
