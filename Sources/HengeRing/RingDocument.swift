package import HengeBase

/// Who is in the cluster and who claims which position of the ring, in one versioned value.
///
/// Anyone may hold an invalid one; ``validate()`` tells, and ``Ring`` takes only valid ones.
package struct RingDocument: Hashable, Sendable {
    package var clusterID: UInt64
    /// Rises by one with every change of the ring.
    package var epoch: UInt64
    /// N, how many nodes are to hold each key, 1...8.
    package var replicas: Int
    /// Sorted by id.
    package var members: [Member]
    /// `owners[p]` claims position p. The count is Q, a power of two from 64 to 16384.
    package var owners: [NodeID]

    package static let partitionCounts = 64...HashSlot.count

    package init(
        clusterID: UInt64,
        epoch: UInt64,
        replicas: Int,
        members: [Member],
        owners: [NodeID]
    ) {
        self.clusterID = clusterID
        self.epoch = epoch
        self.replicas = replicas
        self.members = members
        self.owners = owners
    }

    /// Throws the first fault found.
    package func validate() throws(RingError) {
        try Self.validate(replicas: replicas, partitions: owners.count)
        try Self.validate(members)
        var isMember = [Bool](repeating: false, count: Int(UInt16.max) + 1)
        for member in members { isMember[Int(member.id.rawValue)] = true }
        for (partition, owner) in owners.enumerated() where !isMember[Int(owner.rawValue)] {
            throw .unknownOwner(owner, partition: partition)
        }
    }

    static func validate(replicas: Int, partitions: Int) throws(RingError) {
        guard (1...ReplicaSet.capacity).contains(replicas) else { throw .replicas(replicas) }
        guard partitionCounts.contains(partitions), partitions.nonzeroBitCount == 1 else {
            throw .partitions(partitions)
        }
    }

    private static func validate(_ members: [Member]) throws(RingError) {
        guard (1...Member.countMax).contains(members.count) else {
            throw .memberCount(members.count)
        }
        for (a, b) in zip(members, members.dropFirst()) where a.id >= b.id {
            throw .memberOrder(a.id, before: b.id)
        }
        var names: [String: NodeID] = [:]
        var addresses: [String: NodeID] = [:]
        for member in members {
            try validate(member)
            if let other = names.updateValue(member.id, forKey: member.name) {
                throw .duplicateName(member.name, other, member.id)
            }
            if let other = addresses.updateValue(member.id, forKey: member.peerAddress) {
                throw .duplicateAddress(member.peerAddress, other, member.id)
            }
        }
    }

    private static func validate(_ member: Member) throws(RingError) {
        guard Member.isName(member.name) else { throw .memberName(member.id, member.name) }
        guard HostPort(member.peerAddress) != nil else {
            throw .memberAddress(member.id, member.peerAddress)
        }
        guard member.zone.isEmpty || Member.isName(member.zone) else {
            throw .memberZone(member.id, member.zone)
        }
        guard Member.weights.contains(member.weight) else {
            throw .memberWeight(member.id, member.weight)
        }
    }
}
