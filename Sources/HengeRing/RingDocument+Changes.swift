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
        document.lost = transition.lost.filter { transition.owners.contains($0.id) }
        return document
    }

    /// The document that gives the running change up, for good: the current ring and the next
    /// change places. What is read from its old replicas as yet is back at once, and waits for no
    /// new node that may never come. What is read from its new ones goes back by the same steps,
    /// from where reads and writes are what they were.
    package func aborting() throws(RingChangeFault) -> RingDocument {
        guard let transition else { throw .noTransition }
        guard !transition.isAborting else { throw .alreadyAborting }
        var document = try following()
        document.members = transition.members
        document.owners = transition.owners
        document.lost = transition.lost
        let (current, next) = (lists, lists(of: transition))
        var steps = transition.steps
        for partition in steps.indices {
            guard !current.namesSameNodes(as: next, partition: partition) else { continue }
            // Nothing but this changes what writes need.
            if steps[partition] == .writeBoth { document.changedAt[partition] = document.epoch }
            steps[partition] = steps[partition].goingBack
        }
        document.transition = RingTransition(
            members: members,
            owners: owners,
            steps: steps,
            isAborting: true,
            abandoned: transition.abandoned,
            lost: lost
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
