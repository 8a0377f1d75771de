import HengeBase
import HengeRing

/// A deliberately naive count of what a change does.
struct PlanModel {
    let before: Ring
    let after: Ring
    let partitions: [PartitionFacts]
    let down: NodeID?

    init(
        _ document: RingDocument,
        _ proposal: RingDocument,
        _ partitions: [PartitionFacts],
        down: NodeID?
    ) {
        before = Ring(document)
        var target = document
        target.members = proposal.transition?.members ?? []
        target.owners = proposal.transition?.owners ?? []
        after = Ring(target)
        self.partitions = partitions
        self.down = down
    }

    func list(_ partition: Int, isAfter: Bool) -> [NodeID] {
        let list = (isAfter ? after : before).preferenceList(partition: partition)
        return (0..<list.count).map { list[$0] }
    }

    func holding(_ node: NodeID, isAfter: Bool) -> RingPlan.Holding {
        let ring = isAfter ? after : before
        let held = partitions.indices.filter { list($0, isAfter: isAfter).contains(node) }
        let vnodes = ring.document.owners.count { $0 == node }
        return RingPlan.Holding(
            vnodes: vnodes,
            share: Double(vnodes) / 64,
            replicas: held.count,
            keys: held.reduce(0) { $0 + partitions[$1].keys },
            bytes: held.reduce(0) { $0 + partitions[$1].bytes }
        )
    }

    private func isNew(_ node: NodeID, in partition: Int) -> Bool {
        list(partition, isAfter: true).contains(node)
            && !list(partition, isAfter: false).contains(node)
    }

    func gained(_ node: NodeID) -> Int {
        partitions.indices.filter { isNew(node, in: $0) }
            .reduce(0) { $0 + partitions[$1].bytes }
    }

    var transfers: Int {
        partitions.indices.reduce(0) { sum, partition in
            sum + list(partition, isAfter: true).count { isNew($0, in: partition) }
        }
    }

    /// Partitions of which a majority is down.
    var short: Int {
        partitions.indices.count { partition in
            let nodes = list(partition, isAfter: false)
            return nodes.count { $0 != down } * 2 <= nodes.count
        }
    }

    var moves: Int {
        zip(before.document.owners, after.document.owners).count { $0 != $1 }
    }

    func sets(isAfter: Bool) -> Int {
        Set(partitions.indices.map { Set(list($0, isAfter: isAfter)) }).count
    }

    func sharedZones(isAfter: Bool) -> Int {
        let ring = isAfter ? after : before
        return partitions.indices.count { partition in
            let zones = list(partition, isAfter: isAfter).compactMap { ring.member($0)?.zone }
                .filter { !$0.isEmpty }
            return Set(zones).count < zones.count
        }
    }
}

enum RandomStage {
    /// Whatever of some random operations can be staged, and maybe one member that is down.
    static func make(
        _ generator: inout SeededGenerator,
        _ ring: RingDocument,
        _ candidates: [RingCandidate]
    ) -> (RingStage, down: NodeID?) {
        let down =
            generator.chance(1, in: 2)
            ? nil : ring.members[generator.below(ring.members.count)].id
        var stage = RingStage()
        for _ in 0...generator.below(6) {
            let member = ring.members[generator.below(ring.members.count)].name
            let candidate = candidates[generator.below(candidates.count)].name
            let operation: RingOperation
            switch generator.below(6) {
            case 0: operation = .add(candidate, weight: nil, zone: nil)
            case 1: operation = .remove(member)
            case 2: operation = .replace(member, with: candidate)
            case 3: operation = .forceRemove(member)
            case 4: operation = .weight(member, 1 + generator.below(4))
            default: operation = .zone(member, "z\(generator.below(3))")
            }
            try? stage.append(operation, to: ring, candidates: candidates) { $0 != down }
        }
        return (stage, down)
    }
}
