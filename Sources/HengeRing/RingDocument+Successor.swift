import HengeBase

extension RingDocument {
    /// Why this document can't be the one after `previous`; nil when it can. Both must be valid.
    package func successorFault(of previous: RingDocument) -> RingChangeFault? {
        do throws(RingChangeFault) {
            try checkFrame(previous)
            switch (previous.transition, transition) {
            case (nil, nil):
                let isSame = members == previous.members && owners == previous.owners
                throw isSame ? .nothingChanged : .changedWithoutTransition
            case (nil, let target?): try checkBeginning(previous, target)
            case (_?, nil):
                try checkEqual(try previous.finishing(), else: .changedWithoutTransition)
            case (let before?, let after?):
                if before.isAborting != after.isAborting {
                    try checkEqual(try previous.aborting(), else: .otherTransition)
                } else {
                    try checkAdvance(previous, before, after)
                }
            }
            return nil
        } catch {
            return error
        }
    }

    /// What no change may touch, whatever kind it is of.
    private func checkFrame(_ previous: RingDocument) throws(RingChangeFault) {
        guard clusterID == previous.clusterID else {
            throw .cluster(clusterID, expected: previous.clusterID)
        }
        guard previous.epoch < .max else { throw .epochsExhausted }
        guard epoch == previous.epoch + 1 else {
            throw .epoch(epoch, expected: previous.epoch + 1)
        }
        guard replicas == previous.replicas else {
            throw .replicas(replicas, expected: previous.replicas)
        }
        guard owners.count == previous.owners.count else {
            throw .partitions(owners.count, expected: previous.owners.count)
        }
        guard recoveries == previous.recoveries else { throw .recovery }
        if let fault = idFault(of: previous) { throw fault }
    }

    /// Ids are given in ascending order and only once.
    func idFault(of previous: RingDocument) -> RingChangeFault? {
        let known = MemberIndexes(previous.allMembers)
        var expected = previous.highestID
        for member in allMembers where known[member.id] == nil {
            guard member.id > previous.highestID else { return .returnedID(member.id) }
            expected = max(expected, member.id)
        }
        return highestID == expected ? nil : .highestID(highestID, expected: expected)
    }

    private func checkBeginning(
        _ previous: RingDocument,
        _ target: RingTransition
    ) throws(RingChangeFault) {
        let expected = try previous.beginning(
            members: target.members,
            owners: target.owners,
            abandoning: target.abandoned
        )
        try checkSteps(previous, target.steps, from: expected.transition?.steps ?? [], by: 0)
        try checkEqual(expected, else: .changedWithoutTransition)
    }

    private func checkAdvance(
        _ previous: RingDocument,
        _ before: RingTransition,
        _ after: RingTransition
    ) throws(RingChangeFault) {
        guard members == previous.members, owners == previous.owners,
            before.members == after.members, before.owners == after.owners, lost == previous.lost,
            before.lost == after.lost, before.abandoned == after.abandoned
        else { throw .otherTransition }
        guard before.steps != after.steps else { throw .nothingChanged }
        try checkSteps(previous, after.steps, from: before.steps, by: 1)
    }

    /// - Parameter most: how many steps a partition may have gone.
    private func checkSteps(
        _ previous: RingDocument,
        _ steps: [PartitionStep],
        from before: [PartitionStep],
        by most: UInt8
    ) throws(RingChangeFault) {
        for partition in steps.indices {
            let (from, to) = (before[partition], steps[partition])
            guard to >= from, to.rawValue - from.rawValue <= most else {
                throw .step(to, after: from, partition: partition)
            }
            let expected = to == from ? previous.changedAt[partition] : epoch
            guard changedAt[partition] == expected else {
                throw .stepEpoch(changedAt[partition], partition: partition, expected: expected)
            }
        }
    }

    private func checkEqual(
        _ expected: RingDocument,
        else fault: RingChangeFault
    ) throws(RingChangeFault) {
        for (partition, changed) in changedAt.enumerated()
        where changed != expected.changedAt[partition] {
            let right = expected.changedAt[partition]
            throw .stepEpoch(changed, partition: partition, expected: right)
        }
        guard self == expected else { throw fault }
    }
}
