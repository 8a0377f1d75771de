import HengeBase

extension RingDocument {
    /// Throws the first fault found.
    package func validate() throws(RingError) {
        try Self.validate(replicas: replicas, partitions: owners.count)
        try Self.validate(members)
        try validateLost()
        try Self.validate(owners, among: members, lost)
        try validateIDs(members)
        guard changedAt.count == owners.count else {
            throw .stepEpochCount(changedAt.count, partitions: owners.count)
        }
        for (partition, changed) in changedAt.enumerated() where changed > epoch {
            throw .stepEpoch(changed, partition: partition, epoch: epoch)
        }
        if let transition { try validate(transition) }
    }

    static func validate(replicas: Int, partitions: Int) throws(RingError) {
        guard (1...ReplicaSet.replicasMax).contains(replicas) else { throw .replicas(replicas) }
        guard partitionCounts.contains(partitions), partitions.nonzeroBitCount == 1 else {
            throw .partitions(partitions)
        }
    }

    private func validate(_ transition: RingTransition) throws(RingError) {
        guard transition.owners.count == owners.count else {
            throw .nextOwnerCount(transition.owners.count, partitions: owners.count)
        }
        guard transition.steps.count == owners.count else {
            throw .stepCount(transition.steps.count, partitions: owners.count)
        }
        try Self.validate(transition.members)
        try Self.validate(transition.owners, among: transition.members, transition.lost)
        try validateIDs(transition.members)
        try validateIdentities(transition.members)
        try validate(abandoned: transition.abandoned)
        // The lists take long on large rings.
        guard transition.steps.contains(where: { $0 != .next }) else { return }
        let (current, next) = (lists, lists(of: transition))
        for (partition, step) in transition.steps.enumerated()
        where step != .next && current.namesSameNodes(as: next, partition: partition) {
            throw .needlessStep(step, partition: partition)
        }
    }

    private func validate(abandoned: [NodeID]) throws(RingError) {
        let known = MemberIndexes(allMembers)
        for (index, id) in abandoned.enumerated()
        where known[id] == nil || index > 0 && abandoned[index - 1] >= id {
            throw .abandoned(id)
        }
    }

    /// An id is the same node in both rings, and two ids are never taken for one node.
    private func validateIdentities(_ next: [Member]) throws(RingError) {
        let indexes = MemberIndexes(members)
        for member in next {
            guard let index = indexes[member.id] else { continue }
            let before = members[index]
            guard before.name == member.name, before.peerAddress == member.peerAddress else {
                throw .changedIdentity(member.id)
            }
        }
        try Self.validateDistinct(allMembers)
    }

    private func validateIDs(_ members: [Member]) throws(RingError) {
        guard let last = members.last?.id, last > highestID else { return }
        throw .highestID(highestID, member: last)
    }

    private static func validate(
        _ owners: [NodeID],
        among members: [Member],
        _ lost: [Member]
    ) throws(RingError) {
        let (indexes, lostIndexes) = (MemberIndexes(members), MemberIndexes(lost))
        var hasMember = false
        for (partition, owner) in owners.enumerated() {
            if indexes[owner] != nil {
                hasMember = true
            } else if lostIndexes[owner] == nil {
                throw .unknownOwner(owner, partition: partition)
            }
        }
        guard hasMember else { throw .ownersLost }
    }

    /// Those that are lost are members of neither ring, and their names stay theirs for as long.
    private func validateLost() throws(RingError) {
        let lost = allLost
        guard !lost.isEmpty else { return }
        guard !recoveries.isEmpty else { throw .lostWithoutRecovery }
        for list in [self.lost, transition?.lost ?? []] where !list.isEmpty {
            try Self.validate(list)
            try validateIDs(list)
        }
        let indexes = MemberIndexes(lost)
        for member in allMembers where indexes[member.id] != nil {
            throw .lostMember(member.id)
        }
        try Self.validateDistinct(allMembers + lost)
    }

    private static func validate(_ members: [Member]) throws(RingError) {
        guard (1...Member.countMax).contains(members.count) else {
            throw .memberCount(members.count)
        }
        for (a, b) in zip(members, members.dropFirst()) where a.id >= b.id {
            throw .memberOrder(a.id, before: b.id)
        }
        for member in members { try validate(member) }
        try validateDistinct(members)
    }

    private static func validateDistinct(_ members: [Member]) throws(RingError) {
        var names: [String: NodeID] = [:]
        var addresses: [String: NodeID] = [:]
        for member in members {
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
