import HengeBase
import HengeRing
import Testing

@Suite struct PreferenceListTests {
    @Test("gives nodes by slot and slots by node")
    func slots() {
        let list = PreferenceList([NodeID(7), NodeID(0), NodeID(900)])
        #expect(list.count == 3 && list[0] == NodeID(7) && list[2] == NodeID(900))
        #expect(list.slot(of: NodeID(0)) == 1 && list.slot(of: NodeID(8)) == nil)
        #expect(list.contains(NodeID(900)) && !list.contains(NodeID(1)))
        #expect(list.description == "[#7, #0, #900]")
        var visited: [NodeID] = []
        list.forEach { visited.append($0) }
        #expect(visited == [NodeID(7), NodeID(0), NodeID(900)])
    }

    @Test("an absent node 0 isn't found in the unused places")
    func unused() {
        #expect(PreferenceList([NodeID(7)]).slot(of: NodeID(0)) == nil)
        #expect(PreferenceList([]).slot(of: NodeID(0)) == nil)
        #expect(PreferenceList([NodeID(7)]) != PreferenceList([NodeID(7), NodeID(0)]))
    }

    @Test("a union keeps the first list's slots and adds what only the second one names")
    func union() {
        let now = PreferenceList([1, 2, 3].map { NodeID($0) })
        let next = PreferenceList([4, 2, 1].map { NodeID($0) })
        let both = now.union(next)
        #expect(both == PreferenceList([1, 2, 3, 4].map { NodeID($0) }))
        #expect(both.slots(of: now) == ReplicaSet(bits: 0b0111))
        #expect(both.slots(of: next) == ReplicaSet(bits: 0b1011))
        #expect(now.union(now) == now && now.union(PreferenceList([])) == now)
        #expect(now.slots(of: next) == ReplicaSet(bits: 0b0011))
    }

    @Test("two lists of N nodes fit into one, whatever they share; slots agree with the nodes")
    func unions() {
        for seed in 1...500 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let most = ReplicaSet.replicasMax
            let nodes = (0..<20).map { NodeID($0) }
            let (now, next) = (nodes.shuffled(using: &generator), nodes.shuffled(using: &generator))
            let a = PreferenceList(Array(now.prefix(generator.below(most + 1))))
            let b = PreferenceList(Array(next.prefix(generator.below(most + 1))))
            let both = a.union(b)
            let named = (0..<both.count).map { both[$0] }
            let sides = [a, b].map { list in Set((0..<list.count).map { list[$0] }) }
            #expect(Set(named) == sides[0].union(sides[1]), "seed \(seed)")
            #expect(Set(named).count == both.count, "seed \(seed): a node twice")
            #expect((0..<a.count).allSatisfy { both[$0] == a[$0] }, "seed \(seed)")
            for (list, side) in zip([a, b], sides) {
                let slots = both.slots(of: list)
                let isRight = (0..<16).allSatisfy { slot in
                    slots.contains(slot) == (slot < both.count && side.contains(both[slot]))
                }
                #expect(isRight, "seed \(seed)")
            }
        }
    }

    @Test("is small and needs no release")
    func layout() {
        #expect(MemoryLayout<PreferenceList>.size <= 40)
        #expect(_isPOD(PreferenceList.self))
    }
}

@Suite struct RingTests {
    @Test("three nodes, 64 partitions: who holds what")
    func story() throws {
        let ring = Ring(try bootstrap(["n1=h:1", "n2=h:2", "n3=h:3"]))
        #expect(ring.partitions == 64 && ring.partitionBits == 6 && ring.replicas == 3)
        let token = Token.of("default", "123456789")
        #expect(ring.partition(of: token) == 12739 * 64 / 16384)
        #expect(ring.slots(partition: 49) == 12544...12799)
        let list = ring.preferenceList(of: token)
        #expect(list == ring.preferenceList(partition: 49))
        #expect(list[0] == ring.document.owners[49] && list.count == 3)
        #expect(ring.member(NodeID(2))?.name == "n2" && ring.member(named: "n3")?.id == NodeID(3))
        #expect(ring.member(NodeID(4)) == nil && ring.member(NodeID(0)) == nil)
        #expect(ring.member(NodeID(.max)) == nil && ring.member(named: "n4") == nil)
        #expect((1...3).map { ring.vnodes(of: NodeID($0)) }.sorted() == [21, 21, 22])
        #expect(ring.vnodes(of: NodeID(4)) == 0)
    }

    @Test("fewer nodes than N hold everything")
    func fewNodes() throws {
        let one = Ring(try bootstrap(["n1=h:1"]))
        #expect(
            one.replicas == 1 && one.preferenceList(partition: 9) == PreferenceList([NodeID(1)])
        )
        let two = Ring(try bootstrap(["n1=h:1", "n2=h:2"], replicas: 8))
        #expect(two.replicas == 2 && two.preferenceList(partition: 9).count == 2)
    }

    @Test("ranges of tokens and slots tile the ring", arguments: [64, 1024, 16384])
    func ranges(partitions: Int) throws {
        let ring = Ring(try bootstrap(["n1=h:1"], partitions: partitions))
        var nextToken: UInt64? = 0
        var nextSlot = 0
        for partition in 0..<partitions {
            let tokens = ring.tokenRange(partition: partition)
            let slots = ring.slots(partition: partition)
            #expect(tokens.lowerBound.rawValue == nextToken && slots.lowerBound == nextSlot)
            for token in [tokens.lowerBound, tokens.upperBound] {
                #expect(ring.partition(of: token) == partition && slots.contains(token.slot))
            }
            let (next, overflow) = tokens.upperBound.rawValue.addingReportingOverflow(1)
            nextToken = overflow ? nil : next
            nextSlot = slots.upperBound + 1
        }
        #expect(nextToken == nil && nextSlot == HashSlot.count)
    }

    @Test("preference lists agree with a naive walk", arguments: 1...60 as ClosedRange<UInt64>)
    func againstOracle(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let document = randomDocument(&generator)
        let ring = Ring(document)
        for partition in 0..<ring.partitions {
            let list = ring.preferenceList(partition: partition)
            let names = (0..<list.count).map { list[$0] }
            let expected = walk(document, from: partition)
            #expect(names == expected, "seed \(seed), partition \(partition)")
        }
    }

    @Test("and so do those of a ring that has most of its positions owned by one node")
    func unfair() throws {
        var document = try bootstrap(
            (1...9).map { "n\($0)=h:\($0)/zone=z\($0 % 3)" }, partitions: 256)
        for position in 9..<256 { document.owners[position] = NodeID(1) }
        for (position, member) in document.members.enumerated() {
            document.owners[position] = member.id
        }
        let ring = Ring(document)
        for partition in 0..<256 {
            let list = ring.preferenceList(partition: partition)
            #expect((0..<list.count).map { list[$0] } == walk(document, from: partition))
        }
    }

    /// Any owners, not only well placed ones, and ids with gaps.
    private func randomDocument(_ generator: inout SeededGenerator) -> RingDocument {
        let zones = generator.below(5)
        var id = 0
        let members = (0...generator.below(12)).map { index in
            id += 1 + generator.below(3)
            let zone = zones == 0 || generator.chance(1, in: 6) ? "" : "z\(generator.below(zones))"
            return Member(
                id: NodeID(UInt16(id)),
                name: "n\(index)",
                peerAddress: "h:\(index + 1)",
                zone: zone
            )
        }
        let few = 1 + generator.below(members.count)
        let owners = (0..<64).map { _ in members[generator.below(few)].id }
        return RingDocument(
            clusterID: 1,
            epoch: 1,
            replicas: 1 + generator.below(8),
            members: members,
            owners: owners
        )
    }

    /// Step by step, as DESIGN puts it: a node joins the list unless it is on it, or its zone is
    /// and the places left are needed for zones that aren't.
    private func walk(_ document: RingDocument, from partition: Int) -> [NodeID] {
        func domain(_ id: NodeID) -> String {
            let zone = document.members.first { $0.id == id }?.zone ?? ""
            return zone.isEmpty ? id.description : zone
        }
        let owners = Set(document.owners)
        let wanted = min(document.replicas, owners.count)
        let zonesWanted = min(wanted, Set(owners.map(domain)).count)
        var list: [NodeID] = []
        for step in 0..<document.owners.count where list.count < wanted {
            let node = document.owners[(partition + step) % document.owners.count]
            if list.contains(node) { continue }
            let zones = Set(list.map(domain))
            let placesAfter = wanted - list.count - 1
            if zones.contains(domain(node)), placesAfter < zonesWanted - zones.count { continue }
            list.append(node)
        }
        return list
    }
}
