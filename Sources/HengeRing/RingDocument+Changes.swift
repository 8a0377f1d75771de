package import HengeBase

/// The documents that may follow this one, which must be valid. What these methods return is valid
/// too.
extension RingDocument {
    /// A document that begins the change to another ring.
    ///
    /// - Parameters:
    ///   - members: of the ring to move to, sorted by id. New ones have ids above ``highestID``.
    ///   - owners: of its positions.
    ///   - abandoned: those who leave and are not waited for, ascending.
    package func beginning(
        members: [Member],
        owners: [NodeID],
        abandoning abandoned: [NodeID] = []
    ) throws(RingChangeFault) -> RingDocument {
        guard transition == nil else { throw .transitionRuns }
        guard members != self.members || owners != self.owners else { throw .nothingChanged }
        var document = try following()
        document.highestID = max(highestID, members.last?.id ?? highestID)
        // At the last step all else can be checked before any list is worked out.
        let steps = Array(repeating: PartitionStep.next, count: owners.count)
        let target = RingTransition(
            members: members,
            owners: owners,
            steps: steps,
            abandoned: abandoned
        )
        document.transition = target
        do { try document.validate() } catch { throw .invalid(error) }
        if let fault = document.idFault(of: self) { throw fault }
        document.transition?.steps = lists.firstSteps(to: lists(of: target))
        return document
    }

    /// A document in which these partitions have reached `step`, from the one before it.
    package func advancing(
        _ partitions: [Int],
        to step: PartitionStep
    ) throws(RingChangeFault) -> RingDocument {
        guard let transition else { throw .noTransition }
        guard !partitions.isEmpty else { throw .nothingChanged }
        var document = try following()
        for partition in partitions {
            guard owners.indices.contains(partition) else { throw .unknownPartition(partition) }
            let before = transition.steps[partition]
            guard before.following == step else {
                throw .step(step, after: before, partition: partition)
            }
            document.transition?.steps[partition] = step
            document.changedAt[partition] = document.epoch
        }
        return document
    }

    /// A document in which each of these partitions is one step further, from whichever it was at.
    package func advancing(_ partitions: [Int]) throws(RingChangeFault) -> RingDocument {
        guard let transition else { throw .noTransition }
        guard !partitions.isEmpty else { throw .nothingChanged }
        var document = try following()
        for partition in partitions {
            guard owners.indices.contains(partition) else { throw .unknownPartition(partition) }
            let before = transition.steps[partition]
            guard let step = before.following else {
                throw .step(.next, after: before, partition: partition)
            }
            document.transition?.steps[partition] = step
            document.changedAt[partition] = document.epoch
        }
        return document
    }

    /// The document in which the ring that was moved to is the current one. No partition is served
    /// differently by it: all were at the last step.
    package func finishing() throws(RingChangeFault) -> RingDocument {
        guard let transition else { throw .noTransition }
        for (partition, step) in transition.steps.enumerated() where step != .next {
            throw .unfinished(partition: partition, step: step)
        }
        var document = try following()
        document.members = transition.members
        document.owners = transition.owners
        document.transition = nil
        return document
    }

    /// The document that gives the running change up: the current ring and the next change places,
    /// and each partition is at the step that means for reads and writes what its step meant
    /// before. So this needs no fence, and what has moved goes back by the same steps.
    package func aborting() throws(RingChangeFault) -> RingDocument {
        guard let transition else { throw .noTransition }
        guard !transition.isAborting else { throw .alreadyAborting }
        return try reversing(transition)
    }

    /// The document that takes up again a change that was given up.
    package func resuming() throws(RingChangeFault) -> RingDocument {
        guard let transition else { throw .noTransition }
        guard transition.isAborting else { throw .notAborting }
        return try reversing(transition)
    }

    func reversing(_ transition: RingTransition) throws(RingChangeFault) -> RingDocument {
        var document = try following()
        document.members = transition.members
        document.owners = transition.owners
        let (current, next) = (lists, lists(of: transition))
        let steps = transition.steps.enumerated().map { partition, step in
            let isSame = current.namesSameNodes(as: next, partition: partition)
            return isSame ? PartitionStep.next : step.mirrored
        }
        document.transition = RingTransition(
            members: members,
            owners: owners,
            steps: steps,
            isAborting: !transition.isAborting,
            abandoned: transition.abandoned
        )
        return document
    }

    private func following() throws(RingChangeFault) -> RingDocument {
        guard epoch < .max else { throw .epochsExhausted }
        var document = self
        document.epoch += 1
        return document
    }
}
