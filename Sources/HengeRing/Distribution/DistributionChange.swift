import HengeBase

/// A ring that could be, for the same keys: where they would lie, and which would have to move.
package struct DistributionChange: Sendable {
    /// Replicas that a node gets from others and gives away.
    package struct Node: Hashable, Sendable {
        package var name: String
        package var received: KeyLoad
        package var given: KeyLoad
    }

    package let after: DistributionSurvey
    /// Positions that another node claims afterwards; nil when their number changes.
    package let vnodeMoves: Int?
    /// The fewest that any fair ring could move; nil when their number changes.
    package let vnodeMovesLeast: Int?
    /// Replicas of keys on a node that did not hold them before.
    package let moved: KeyLoad
    /// Keys of which at least one replica moves.
    package let touched: KeyLoad
    /// All nodes of either ring, by name in the order of their ids.
    package let nodes: [Node]

    /// - Parameters:
    ///   - operations: judged in order, as those that an operator stages. Nodes that are added need
    ///     not exist.
    ///   - partitions: of the ring afterwards, a power of two from 64 to 16384; as before when nil.
    ///     A ring with another number is placed from nothing.
    package init(
        _ survey: DistributionSurvey,
        operations: [RingOperation],
        partitions: Int? = nil
    ) throws(RingStageFault) {
        var before = survey.ring.document
        before.transition = nil
        let target = try RingStage(operations)
            .target(of: before, candidates: Self.candidates(operations), isUp: { _ in false })
        let document: RingDocument
        if let partitions, partitions != before.owners.count {
            let placed = Placement.initial(
                members: target.members,
                partitions: partitions,
                replicas: before.replicas
            )
            document = Self.document(before, target.members, placed.owners)
            vnodeMoves = nil
            vnodeMovesLeast = nil
        } else {
            let change = Placement.change(
                owners: before.owners,
                from: before.members,
                to: target.members,
                replicas: before.replicas,
                heirs: target.heirs
            )
            document = Self.document(before, target.members, change.owners)
            vnodeMoves = change.vnodeMoves.count
            vnodeMovesLeast = change.vnodeMovesLeast
        }
        let next = Ring(document)
        after = survey.moved(to: next)
        let moves = Moves(survey.cells, from: Ring(before), to: next)
        moved = moves.moved
        touched = moves.touched
        nodes = moves.nodes
    }

    /// Nodes to be added, as they would come by themselves.
    private static func candidates(_ operations: [RingOperation]) -> [RingCandidate] {
        operations.compactMap { operation in
            switch operation {
            case .add(let name, _, _), .replace(_, with: let name):
                RingCandidate(name: name, peerAddress: "\(name):0")
            case .remove, .forceRemove, .weight, .zone: nil
            }
        }
    }

    private static func document(
        _ before: RingDocument,
        _ members: [Member],
        _ owners: [NodeID]
    ) -> RingDocument {
        RingDocument(
            clusterID: before.clusterID,
            epoch: before.epoch + 1,
            replicas: before.replicas,
            members: members,
            owners: owners
        )
    }
}

/// What lies on other nodes afterwards.
private struct Moves {
    var moved = KeyLoad.nothing
    var touched = KeyLoad.nothing
    private(set) var nodes: [DistributionChange.Node] = []
    private var indexes: [NodeID: Int] = [:]

    init(_ cells: [KeyLoad], from old: Ring, to new: Ring) {
        let count = max(cells.count, max(old.partitions, new.partitions))
        for member in (old.document.members + new.document.members).sorted(by: { $0.id < $1.id })
        where indexes[member.id] == nil {
            indexes[member.id] = nodes.count
            nodes.append(.init(name: member.name, received: .nothing, given: .nothing))
        }
        for (index, load) in DistributionSurvey.spread(cells, over: count).enumerated() {
            let before = old.preferenceList(partition: index * old.partitions / count)
            let after = new.preferenceList(partition: index * new.partitions / count)
            var isTouched = false
            after.forEach { node in
                guard !before.contains(node), let index = indexes[node] else { return }
                nodes[index].received += load
                moved += load
                isTouched = true
            }
            before.forEach { node in
                guard !after.contains(node), let index = indexes[node] else { return }
                nodes[index].given += load
            }
            if isTouched { touched += load }
        }
    }
}
