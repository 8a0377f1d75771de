import HengeBase
import HengeRing
import Testing

@Suite struct PlacementChangeTests {
    @Test("a fourth node takes a fourth: only moves to it, spaced, three transfers a vnode")
    func fourthNode() {
        let four = members([("", 1), ("", 1), ("", 1), ("", 1)])
        let three = Array(four.prefix(3))
        let old = Placement.initial(members: three, partitions: 1024, replicas: 3)
        let change = Placement.change(owners: old.owners, from: three, to: four, replicas: 3)
        #expect(change.vnodeMoves.count == 256 && change.vnodeMovesLeast == 256)
        #expect(change.vnodeMoves.allSatisfy { $0.to == NodeID(4) })
        #expect(change.before == old)
        #expect(change.after.spacingViolations == 0)
        #expect(change.after.shares.map(\.vnodes) == [256, 256, 256, 256])
        // Everyone held everything; what the fourth doesn't get nobody needs.
        #expect(change.replicaMoves.count == 768 && change.replicaMovesLeast == 768)
        #expect(change.replicaMoves.allSatisfy { $0.to == NodeID(4) && $0.from != nil })
    }

    @Test("nodes come and go one by one, at the lower bound and spaced", arguments: [false, true])
    func oneByOne(hasZones: Bool) {
        var list = nodes(7, zones: hasZones ? 7 : 0)
        var owners = Placement.initial(members: list, partitions: 1024, replicas: 3).owners
        let sizes = Array(8...20) + (7...19).reversed()
        for size in sizes {
            let next = nodes(size, zones: hasZones ? 7 : 0)
            let change = Placement.change(owners: owners, from: list, to: next, replicas: 3)
            #expect(change.vnodeMoves.count <= change.vnodeMovesLeast * 105 / 100, "\(size)")
            #expect(change.after.shareDeviation < 1, "\(size)")
            #expect(change.after.spacingViolations == 0, "\(size)")
            if !hasZones {
                #expect(change.vnodeMoves.count == change.vnodeMovesLeast, "\(size)")
                #expect(change.replicaMoves.count == 3 * change.vnodeMoves.count, "\(size)")
                #expect(change.replicaMoves.count == change.replicaMovesLeast, "\(size)")
            }
            (list, owners) = (next, change.owners)
        }
    }

    @Test("a node that replaces another of its weight takes exactly its positions")
    func replacement() {
        for seed in 1...40 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let list = members(
                (0..<(3 + generator.below(20))).map { _ in
                    ("z\(generator.below(4))", 1 + generator.below(5))
                }
            )
            let old = Placement.initial(members: list, partitions: 256, replicas: 3)
            // One to three at once, in any order of weights.
            var next = list
            var heirs: [NodeID: NodeID] = [:]
            for number in 0...generator.below(3) {
                let leaver = next.remove(at: generator.below(list.count - number))
                next.append(like(leaver, id: 500 + UInt16(number)))
            }
            let change = Placement.change(owners: old.owners, from: list, to: next, replicas: 3)
            for (was, owner) in zip(old.owners, change.owners) {
                if next.contains(where: { $0.id == was }) {
                    #expect(owner == was, "seed \(seed)")
                } else {
                    #expect(heirs[was, default: owner] == owner, "seed \(seed)")
                    heirs[was] = owner
                }
            }
            #expect(Set(heirs.values).count == heirs.count, "seed \(seed)")
            #expect(change.vnodeMoves.count == change.vnodeMovesLeast, "seed \(seed)")
            for (was, owner) in heirs {
                let weight = list.first { $0.id == was }?.weight
                #expect(next.first { $0.id == owner }?.weight == weight, "seed \(seed)")
            }
        }
    }

    @Test("nothing that changes moves nothing")
    func nothing() {
        let list = members([("a", 3), ("b", 2), ("c", 1), ("", 4), ("a", 1)])
        let old = Placement.initial(members: list, partitions: 512, replicas: 3)
        // Twice the weights are the same shares.
        let next = list.map { like($0, id: $0.id.rawValue, weight: 2 * $0.weight) }
        let change = Placement.change(owners: old.owners, from: list, to: next, replicas: 3)
        #expect(change.owners == old.owners)
        #expect(change.vnodeMoves.isEmpty && change.replicaMoves.isEmpty)
        #expect(change.vnodeMovesLeast == 0 && change.replicaMovesLeast == 0)
    }

    @Test("all but N leave, then all but one")
    func fewLeft() {
        let list = nodes(12, zones: 3)
        let old = Placement.initial(members: list, partitions: 1024, replicas: 3)
        let three = [list[0], list[5], list[10]]
        let change = Placement.change(owners: old.owners, from: list, to: three, replicas: 3)
        #expect(change.after.shares.allSatisfy { $0.vnodes >= 341 && $0.replicas == 1024 })
        #expect(change.vnodeMoves.count <= change.vnodeMovesLeast * 105 / 100)
        #expect(change.replicaMoves.count == change.replicaMovesLeast)
        let last = Placement.change(
            owners: change.owners,
            from: three,
            to: [three[1]],
            replicas: 3
        )
        #expect(last.owners.allSatisfy { $0 == three[1].id })
        // It held everything: lists get shorter, and nothing is transferred.
        #expect(last.replicaMoves.isEmpty && last.after.shares[0].replicas == 1024)
    }

    @Test("nodes that get zones are spread over them, at some price")
    func zones() {
        let old = nodes(12, zones: 0)
        let ring = Placement.initial(members: old, partitions: 1024, replicas: 3)
        let change = Placement.change(
            owners: ring.owners,
            from: old,
            to: nodes(12, zones: 6),
            replicas: 3
        )
        #expect(change.vnodeMovesLeast == 0)
        #expect(change.after.zoneViolations == 0 && change.after.spacingViolations == 0)
        #expect(change.after.shareDeviation < 1)
        // Of the windows a third or so had a zone twice.
        #expect(change.vnodeMoves.count < 512)
    }

    @Test("another node's place that is taken is told, slot by slot")
    func pairs() {
        let list = nodes(5, zones: 0)
        let old = Placement.initial(members: list, partitions: 64, replicas: 3)
        let next = Array(list.dropLast()) + [like(list[4], id: 9)]
        let change = Placement.change(owners: old.owners, from: list, to: next, replicas: 3)
        #expect(change.replicaMoves.allSatisfy { $0.from == NodeID(5) && $0.to == NodeID(9) })
        #expect(change.replicaMoves.count == old.shares[4].replicas)
        let partitions = change.vnodeMoves.map(\.partition)
        #expect(partitions == partitions.sorted())
    }

    @Test("the largest ring changes in bounded time", .timeLimit(.minutes(1)))
    func large() {
        let list = nodes(200, zones: 10)
        let old = Placement.initial(members: list, partitions: 16384, replicas: 3)
        let change = Placement.change(
            owners: old.owners,
            from: list,
            to: nodes(210, zones: 10),
            replicas: 3
        )
        #expect(change.vnodeMoves.count == change.vnodeMovesLeast)
        #expect(change.after.zoneViolations == 0)
    }

    @Test("the ring after a change is part of the format")
    func pinned() {
        let list = members([("a", 1), ("b", 2), ("c", 1), ("d", 1)])
        let next = members([("a", 1), ("b", 1), ("c", 2), ("d", 1), ("e", 2)])
        let old = Placement.initial(members: list, partitions: 64, replicas: 3)
        let change = Placement.change(owners: old.owners, from: list, to: next, replicas: 3)
        #expect(
            change.owners.map { "\($0.rawValue)" }.joined()
                == "2132532532431532152345135435135145345345315324532451351353215435")
    }

    private func nodes(_ count: Int, zones: Int) -> [Member] {
        members((0..<count).map { (zones == 0 ? "" : "z\($0 % zones)", 1) })
    }
}

func like(_ member: Member, id: UInt16, weight: Int? = nil) -> Member {
    Member(
        id: NodeID(id),
        name: "n\(id)",
        peerAddress: "h:\(id)",
        zone: member.zone,
        weight: weight ?? member.weight
    )
}
