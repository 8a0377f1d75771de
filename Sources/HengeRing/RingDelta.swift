package import HengeBase

/// What turns a ring document into the one after it: a few bytes where the document has tens of
/// thousands. Only documents that may follow one another have one, and each has one form.
package struct RingDelta: Hashable, Sendable {
    /// One of the kinds of ``RingDocument/successorFault(of:)``.
    package enum Change: Hashable, Sendable {
        /// The change to another ring begins: these members go, these of them are not waited for,
        /// these come or are changed, and these positions change hands. Each ascending.
        case begin(gone: [NodeID], abandoned: [NodeID], put: [Member], moves: [Move])
        /// These partitions, ascending, go one step further.
        case advance([UInt16])
        case finish
        /// The change that runs is given up.
        case abort
    }

    package struct Move: Hashable, Sendable {
        package let partition: UInt16
        package let owner: NodeID

        package init(partition: UInt16, owner: NodeID) {
            self.partition = partition
            self.owner = owner
        }
    }

    /// Of the document that it leads to, at least 1.
    package let epoch: UInt64
    /// The checksum of that document's stored form.
    package let checksum: UInt64
    package let change: Change

    package init(epoch: UInt64, checksum: UInt64, change: Change) {
        self.epoch = epoch
        self.checksum = checksum
        self.change = change
    }
}

/// Why a delta can't be applied to a document.
package enum RingDeltaFault: Error, Hashable {
    /// It belongs to another document, or this one is not what its sender takes it for.
    case otherDocument
    case change(RingChangeFault)
}

extension RingDocument {
    /// What leads from `previous` to this document; nil when it can't follow.
    package func delta(from previous: RingDocument) -> RingDelta? {
        guard successorFault(of: previous) == nil else { return nil }
        let change: RingDelta.Change
        switch (previous.transition, transition) {
        case (nil, let target?): change = .begin(previous, target)
        case (let before?, let after?) where before.isAborting == after.isAborting:
            change = .advance(
                after.steps.indices.filter { before.steps[$0] != after.steps[$0] }
                    .map { UInt16($0) }
            )
        case (_?, nil): change = .finish
        case (_?, _?): change = .abort
        // No document without a transition follows another one.
        case (nil, nil): return nil
        }
        return RingDelta(epoch: epoch, checksum: checksum, change: change)
    }

    /// The valid document that the delta leads to from this one, which must be valid.
    package func applying(_ delta: RingDelta) throws(RingDeltaFault) -> RingDocument {
        guard epoch < .max, delta.epoch == epoch + 1 else { throw .otherDocument }
        let next: RingDocument
        do throws(RingChangeFault) {
            next = try applying(delta.change)
        } catch {
            throw .change(error)
        }
        guard next.checksum == delta.checksum else { throw .otherDocument }
        return next
    }

    private func applying(_ change: RingDelta.Change) throws(RingChangeFault) -> RingDocument {
        switch change {
        case .begin(let gone, let abandoned, let put, let moves):
            var owners = owners
            for move in moves {
                let partition = Int(move.partition)
                guard owners.indices.contains(partition) else {
                    throw .unknownPartition(partition)
                }
                owners[partition] = move.owner
            }
            let replaced = Set(gone).union(put.map(\.id))
            let staying = members.filter { !replaced.contains($0.id) }
            let next = (staying + put).sorted { $0.id < $1.id }
            return try beginning(members: next, owners: owners, abandoning: abandoned)
        case .advance(let partitions): return try advancing(partitions.map { Int($0) })
        case .finish: return try finishing()
        case .abort: return try aborting()
        }
    }
}

extension RingDelta.Change {
    fileprivate static func begin(
        _ previous: RingDocument,
        _ target: RingTransition
    ) -> RingDelta.Change {
        let before = MemberIndexes(previous.members)
        let after = MemberIndexes(target.members)
        return .begin(
            gone: previous.members.map(\.id).filter { after[$0] == nil },
            abandoned: target.abandoned,
            put: target.members.filter { member in
                before[member.id].map { previous.members[$0] } != member
            },
            moves: previous.owners.indices
                .filter { previous.owners[$0] != target.owners[$0] }
                .map { RingDelta.Move(partition: UInt16($0), owner: target.owners[$0]) }
        )
    }
}
