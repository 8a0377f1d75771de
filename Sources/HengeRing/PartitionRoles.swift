package import HengeBase

/// Who takes which part in the requests for a partition at its present step.
///
/// Sets are of positions in ``homes``.
package struct PartitionRoles: Equatable, Sendable {
    /// All that writes go to, most preferred first: the home replicas, and while the partition
    /// moves those of both rings.
    package let homes: PreferenceList
    /// Those that hold all of the partition: reads ask them, and they coordinate.
    package let readers: ReplicaSet
    /// W of these must store a write.
    package let current: ReplicaSet
    /// W of these too; nil while the partition does not move.
    package let next: ReplicaSet?
    /// How many of the readers, of the current and of the next replicas QUORUM means.
    package let readQuorum: Int
    package let currentQuorum: Int
    package let nextQuorum: Int
}

extension Ring {
    /// Allocates nothing.
    package func roles(partition: Int) -> PartitionRoles {
        let step = step(of: partition)
        let list =
            step == .next
            ? nextPreferenceList(partition: partition) : preferenceList(partition: partition)
        guard step == .writeBoth || step == .readNext else {
            let all = ReplicaSet.first(list.count)
            let quorum =
                step == .next ? nextQuorum(partition: partition) : quorum(partition: partition)
            return PartitionRoles(
                homes: list,
                readers: all,
                current: all,
                next: nil,
                readQuorum: quorum,
                currentQuorum: quorum,
                nextQuorum: quorum
            )
        }
        let next = nextPreferenceList(partition: partition)
        let homes = list.union(next)
        let currentSlots = ReplicaSet.first(list.count)
        let nextSlots = homes.slots(of: next)
        let (now, then) = (quorum(partition: partition), nextQuorum(partition: partition))
        return PartitionRoles(
            homes: homes,
            readers: step == .writeBoth ? currentSlots : nextSlots,
            current: currentSlots,
            next: nextSlots,
            readQuorum: step == .writeBoth ? now : then,
            currentQuorum: now,
            nextQuorum: then
        )
    }
}
