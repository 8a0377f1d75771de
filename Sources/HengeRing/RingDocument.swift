package import HengeBase

/// Who is in the cluster, who claims which position of the ring, and what is being moved, in one
/// versioned value.
///
/// Anyone may hold an invalid one; ``validate()`` tells, and ``Ring`` takes only valid ones.
package struct RingDocument: Hashable, Sendable {
    package var clusterID: UInt64
    /// Rises by one with every change of the ring, and by far more with an unsafe recovery.
    package var epoch: UInt64
    /// N, how many nodes are to hold each key, 1...8.
    package var replicas: Int
    /// Sorted by id.
    package var members: [Member]
    /// `owners[p]` claims position p. The count is Q, a power of two from 64 to 16384.
    package var owners: [NodeID]
    /// The highest id that any member ever had: ids are permanent, so new members get higher ones.
    package var highestID: NodeID
    /// `changedAt[p]` is the epoch of partition p's last step; 0 while it has never had one. A
    /// replica refuses what a sender of an older epoch asks of it for the partition.
    package var changedAt: [UInt64]
    /// The ring that is being moved to; nil when nothing moves.
    package var transition: RingTransition?
    /// Those that unsafe recoveries took for gone for good, sorted by id: members no more, but
    /// positions of the current ring may still be theirs. Preference lists leave them out.
    package var lost: [Member]
    /// The ids of the unsafe recoveries that led here, oldest first. Of two documents one comes
    /// from the other only if it has all ids of the other.
    package var recoveries: [UInt64]

    package static let partitionCounts = 64...HashSlot.count

    /// - Parameters:
    ///   - highestID: that of the last member when nil.
    ///   - changedAt: 0 for every partition when nil.
    package init(
        clusterID: UInt64,
        epoch: UInt64,
        replicas: Int,
        members: [Member],
        owners: [NodeID],
        highestID: NodeID? = nil,
        changedAt: [UInt64]? = nil,
        transition: RingTransition? = nil,
        lost: [Member] = [],
        recoveries: [UInt64] = []
    ) {
        self.clusterID = clusterID
        self.epoch = epoch
        self.replicas = replicas
        self.members = members
        self.owners = owners
        self.highestID = highestID ?? members.last?.id ?? NodeID(0)
        self.changedAt = changedAt ?? Array(repeating: 0, count: owners.count)
        self.transition = transition
        self.lost = lost
        self.recoveries = recoveries
    }

    /// The nodes that decide on the next document, ascending: the members of the ring that the
    /// present change began from, those that are to leave among them, or all members when nothing
    /// moves. So nodes that are being added can't block the way back.
    package var voters: [NodeID] {
        guard let transition, transition.isAborting else { return members.map(\.id) }
        return transition.members.map(\.id)
    }

    /// The current members and those of the ring that is being moved to, each once, by id.
    package var allMembers: [Member] {
        guard let transition else { return members }
        let indexes = MemberIndexes(members)
        let joining = transition.members.filter { indexes[$0.id] == nil }
        return (members + joining).sorted { $0.id < $1.id }
    }

    /// Those that owners of either ring may still name, each once, by id.
    package var allLost: [Member] {
        guard let more = transition?.lost, !more.isEmpty else { return lost }
        let indexes = MemberIndexes(lost)
        return (lost + more.filter { indexes[$0.id] == nil }).sorted { $0.id < $1.id }
    }

    /// All that owners of the current ring may name, by id.
    package var membersAndLost: [Member] {
        lost.isEmpty ? members : (members + lost).sorted { $0.id < $1.id }
    }

    /// Members that the ring has no more once the change that is running is through, ascending.
    package var leaving: [NodeID] {
        guard let transition else { return [] }
        let staying = MemberIndexes(transition.members)
        return members.map(\.id).filter { staying[$0] == nil }
    }

    /// Documents of a cluster hardly ever differ in the rest alone, and the rest is long.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(clusterID)
        hasher.combine(epoch)
        hasher.combine(highestID)
        hasher.combine(recoveries)
        hasher.combine(transition)
    }

    var lists: PreferenceLists {
        PreferenceLists(members: members, owners: owners, replicas: replicas, lost: lost)
    }

    /// The lists of the ring that is being moved to.
    func lists(of transition: RingTransition) -> PreferenceLists {
        PreferenceLists(
            members: transition.members,
            owners: transition.owners,
            replicas: replicas,
            lost: transition.lost
        )
    }
}
