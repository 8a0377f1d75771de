package import HengeBase

/// The ring that a cluster is being moved to, and how far each partition is.
///
/// A partition whose current and next preference lists name the same nodes, in whatever order,
/// needs no steps: it is at ``PartitionStep/next`` from the beginning, and no request has to be
/// fenced off for it.
package struct RingTransition: Hashable, Sendable {
    /// Sorted by id.
    package var members: [Member]
    /// `owners[p]` is to claim position p; as many as the current ones.
    package var owners: [NodeID]
    /// By partition.
    package var steps: [PartitionStep]
    /// Whether this is the way back of a change that was given up: the target is then the ring
    /// which that change began from.
    package var isAborting: Bool
    /// Members that were down when the change was planned and leave by it, ascending: what they
    /// alone hold is given up, and nobody waits for them.
    package var abandoned: [NodeID]
    /// As ``RingDocument/lost``, with the zones that they have in the ring that is moved to.
    package var lost: [Member]

    package init(
        members: [Member],
        owners: [NodeID],
        steps: [PartitionStep],
        isAborting: Bool = false,
        abandoned: [NodeID] = [],
        lost: [Member] = []
    ) {
        self.members = members
        self.owners = owners
        self.steps = steps
        self.isAborting = isAborting
        self.abandoned = abandoned
        self.lost = lost
    }

    /// Documents of a cluster hardly ever differ in the rest alone, and the rest is long.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(members.count)
        hasher.combine(isAborting)
    }
}
