import HengeBase
import HengeRing
import Testing

@Suite struct PlacementSequenceTests {
    @Test(
        "random sequences of changes keep every promise", arguments: [(256, 3), (1024, 3), (64, 5)])
    func sequences(partitions: Int, replicas: Int) {
        for seed in 1...40 as ClosedRange<UInt64> {
            var sequence = PlacementSequence(seed: seed, nodesMax: 60, replicas: replicas)
            var owners = Placement.initial(
                members: sequence.members,
                partitions: partitions,
                replicas: replicas
            ).owners
            for step in 0..<8 {
                let old = sequence.members
                let kind = sequence.change()
                let change = Placement.change(
                    owners: owners,
                    from: old,
                    to: sequence.members,
                    replicas: replicas
                )
                let label: Comment = "seed \(seed) step \(step) \(kind) Q=\(partitions)"
                check(change, old, sequence.members, owners, kind, label)
                if step == 7 {
                    let again = Placement.change(
                        owners: owners,
                        from: old,
                        to: sequence.members,
                        replicas: replicas
                    )
                    #expect(again == change, label)
                }
                owners = change.owners
            }
        }
    }

    private func check(
        _ change: PlacementChange,
        _ old: [Member],
        _ new: [Member],
        _ owners: [NodeID],
        _ kind: PlacementSequence.Kind,
        _ label: Comment
    ) {
        let claims = Dictionary(change.owners.map { ($0, 1) }, uniquingKeysWith: +)
        let claimed = Dictionary(owners.map { ($0, 1) }, uniquingKeysWith: +)
        let total = new.reduce(0) { $0 + $1.weight }
        for member in new {
            let fair = Double(owners.count * member.weight) / Double(total)
            #expect(abs(Double(claims[member.id] ?? 0) - fair) < 1, label)
        }
        #expect(Set(claims.keys).isSubset(of: new.map(\.id)), label)

        let moved = zip(owners, change.owners).count { $0 != $1 }
        #expect(change.vnodeMoves.count == moved, label)
        #expect(change.vnodeMovesLeast == Self.movesLeast(claimed, new, total, owners.count), label)
        #expect(moved >= change.vnodeMovesLeast, label)
        if kind != .zone {
            #expect(Double(moved) <= 1.05 * Double(change.vnodeMovesLeast), label)
        }
        if kind == .replace { #expect(moved == change.vnodeMovesLeast, label) }
        #expect(change.replicaMoves.count >= change.replicaMovesLeast, label)
        #expect(change.before.owners == owners, label)
    }

    /// The least over all fair shares, found another way: sell the positions rounded up one by one,
    /// first to those who would have to move one otherwise.
    private static func movesLeast(
        _ claimed: [NodeID: Int],
        _ new: [Member],
        _ total: Int,
        _ partitions: Int
    ) -> Int {
        let floors = new.map { partitions * $0.weight / total }
        let stay = zip(new, floors).reduce(0) { $0 + min(claimed[$1.0.id] ?? 0, $1.1) }
        let up = partitions - floors.reduce(0, +)
        let savers = zip(new, floors).count {
            partitions * $0.weight % total > 0 && (claimed[$0.id] ?? 0) > $1
        }
        return partitions - stay - min(up, savers)
    }

    @Test("with enough nodes of like weight, every window has distinct nodes after each change")
    func spaced() {
        for seed in 1...30 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var weights = (0..<(8 + generator.below(20))).map { _ in 2 + generator.below(2) }
            var list = members(weights.map { ("", $0) })
            var owners = Placement.initial(members: list, partitions: 512, replicas: 3).owners
            for step in 0..<6 {
                let index = generator.below(weights.count)
                switch generator.below(3) {
                case 0: weights.append(2 + generator.below(2))
                case 1 where weights.count > 8: weights.removeLast()
                default: weights[index] = 2 + generator.below(2)
                }
                let next = members(weights.map { ("", $0) })
                let change = Placement.change(owners: owners, from: list, to: next, replicas: 3)
                #expect(change.after.isSpaceable, "seed \(seed) step \(step)")
                #expect(change.after.spacingViolations == 0, "seed \(seed) step \(step)")
                #expect(
                    change.vnodeMoves.count == change.vnodeMovesLeast,
                    "seed \(seed) step \(step)"
                )
                (list, owners) = (next, change.owners)
            }
        }
    }

    @Test("preference lists of both rings differ by just the replica moves")
    func replicaMoves() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            var sequence = PlacementSequence(seed: seed, nodesMax: 12, replicas: 3)
            var owners = Placement.initial(members: sequence.members, partitions: 64, replicas: 3)
                .owners
            for _ in 0..<6 {
                let old = sequence.members
                _ = sequence.change()
                let change = Placement.change(
                    owners: owners,
                    from: old,
                    to: sequence.members,
                    replicas: 3
                )
                let before = ring(old, owners)
                let after = ring(sequence.members, change.owners)
                for partition in 0..<64 {
                    let was = Set(nodes(before, partition))
                    let then = Set(nodes(after, partition))
                    let moves = change.replicaMoves.filter { $0.partition == partition }
                    #expect(Set(moves.map(\.to)) == then.subtracting(was), "seed \(seed)")
                    #expect(Set(moves.compactMap(\.from)) == was.subtracting(then), "seed \(seed)")
                    #expect(moves.count == then.subtracting(was).count, "seed \(seed)")
                }
                owners = change.owners
            }
        }
    }

    private func ring(_ members: [Member], _ owners: [NodeID]) -> Ring {
        Ring(
            RingDocument(clusterID: 1, epoch: 1, replicas: 3, members: members, owners: owners)
        )
    }

    private func nodes(_ ring: Ring, _ partition: Int) -> [NodeID] {
        var nodes: [NodeID] = []
        ring.preferenceList(partition: partition).forEach { nodes.append($0) }
        return nodes
    }
}
