import HengeBase
import HengeRing
import Testing

@Suite struct PlacementTests {
    @Test("weights 1, 1, 2 with N=2: the heavy node takes every other position")
    func heavyNode() {
        let result = place(weights: [1, 1, 2], partitions: 64, replicas: 2)
        #expect(result.shares.map(\.vnodes) == [16, 16, 32])
        #expect(result.spacingViolations == 0)
        #expect(!result.shares.contains { $0.isOverweight })
        #expect(result.shares.map(\.replicas) == [32, 32, 64])
    }

    @Test("weights 1 to 5 with N=3: a third is rounded down, so that it can be spaced")
    func roundedDown() {
        let result = place(weights: [1, 2, 3, 4, 5], partitions: 1024, replicas: 3)
        #expect(result.shares.map(\.vnodes) == [68, 137, 205, 273, 341])
        #expect(result.spacingViolations == 0)
    }

    @Test("100 nodes on 1024 positions: fair, spaced, and each with many neighbours")
    func hundredNodes() {
        let result = place(weights: [Int](repeating: 1, count: 100), partitions: 1024, replicas: 3)
        #expect(result.shares.allSatisfy { $0.vnodes == 10 || $0.vnodes == 11 })
        #expect(result.spacingViolations == 0)
        #expect(result.shares.allSatisfy { $0.replicas == 3 * $0.vnodes })
        for node in 1...100 {
            let next = result.owners.indices.filter { result.owners[$0] == NodeID(UInt16(node)) }
                .map { result.owners[($0 + 1) % 1024] }
            #expect(Set(next).count >= 7, "node \(node)")
        }
    }

    @Test("as many nodes as replicas: perfect but where the ring doesn't divide", arguments: 1...8)
    func exactlyReplicas(count: Int) {
        for partitions in [64, 128, 256] {
            let result = place(
                weights: [Int](repeating: 1, count: count),
                partitions: partitions,
                replicas: count
            )
            // Each of the remainder's nodes comes again too early in so many windows.
            let remainder = partitions % count
            let expected = remainder * (count - remainder)
            #expect(result.spacingViolations == expected, "\(count) nodes, \(partitions)")
            #expect(result.shares.allSatisfy { $0.replicas == partitions })
        }
    }

    @Test("one node more than replicas is always enough", arguments: 1...8)
    func oneMore(replicas: Int) {
        for partitions in [64, 128, 256] {
            let result = place(
                weights: [Int](repeating: 1, count: replicas + 1),
                partitions: partitions,
                replicas: replicas
            )
            #expect(result.spacingViolations == 0, "N=\(replicas), \(partitions)")
        }
    }

    @Test("fewer nodes than replicas are spread as far as they go")
    func tooFew() {
        let result = place(weights: [1, 1], partitions: 64, replicas: 3)
        #expect(result.spacingViolations == 0 && result.shares.map(\.replicas) == [64, 64])
    }

    @Test("an overweight node keeps its share, and windows hold it twice as rarely as can be")
    func overweight() {
        let result = place(weights: [1, 1, 2], partitions: 64, replicas: 3)
        #expect(result.shares.map(\.vnodes) == [16, 16, 32])
        #expect(result.shares.map(\.isOverweight) == [false, false, true])
        #expect(result.spacingViolations == 32)
        #expect(result.shares.map(\.replicas) == [64, 64, 64])
    }

    @Test("zones of equal weight are never twice in a window, but where the ring doesn't divide")
    func equalZones() {
        let nine = members((0..<9).map { ("abc".zone($0), 1) })
        let three = Placement.initial(members: nine, partitions: 256, replicas: 3)
        #expect(three.spacingViolations == 0 && three.zoneViolations == 2)
        let two = Placement.initial(members: nine, partitions: 256, replicas: 2)
        #expect(two.spacingViolations == 0 && two.zoneViolations == 0)
        let twelve = members((0..<12).map { ("abcd".zone($0), 1 + $0 % 4 * 2) })
        let four = Placement.initial(members: twelve, partitions: 256, replicas: 4)
        #expect(four.spacingViolations == 0)
    }

    @Test("three zones of unequal nodes but equal weight")
    func unequalNodes() {
        let list = members([("a", 6), ("b", 3), ("b", 3), ("c", 2), ("c", 2), ("c", 2)])
        let two = Placement.initial(members: list, partitions: 256, replicas: 2)
        #expect(two.spacingViolations == 0 && two.zoneViolations == 0)
        let three = Placement.initial(members: list, partitions: 256, replicas: 3)
        #expect(three.zoneViolations == 2)
    }

    @Test("two zones and three replicas: each window has both")
    func twoZones() {
        let even = members((0..<6).map { ($0 < 3 ? "a" : "b", 1) })
        // Zone b has a third of the weight: just enough for one position in three.
        let uneven = members((0..<6).map { ($0 < 4 ? "a" : "b", 1) })
        for list in [even, uneven] {
            let result = Placement.initial(members: list, partitions: 1024, replicas: 3)
            #expect(result.spacingViolations == 0 && result.zoneViolations == 0)
        }
    }

    @Test("a zone too large for its windows costs spacing between zones, not between nodes")
    func largeZone() {
        let list = members((0..<9).map { ($0 < 5 ? "a" : $0 < 8 ? "b" : "c", 1) })
        let result = Placement.initial(members: list, partitions: 256, replicas: 3)
        #expect(result.spacingViolations == 0 && result.zoneViolations > 0)
        // The lists span all three zones all the same, so the only node of c is on each.
        #expect(result.shares[8].replicas == 256)
    }

    @Test("members too light for a whole position get none, and count in nothing")
    func tooLight() {
        let weights = [Int](repeating: 1000, count: 4) + [1]
        let result = place(weights: weights, partitions: 64, replicas: 3)
        #expect(result.shares.map(\.vnodes) == [16, 16, 16, 16, 0])
        #expect(result.spacingViolations == 0 && result.shares[4].replicas == 0)
        let many = place(weights: [Int](repeating: 1, count: 1000), partitions: 64, replicas: 3)
        #expect(many.shares.count { $0.vnodes == 1 } == 64 && many.spacingViolations == 0)
    }

    private func place(weights: [Int], partitions: Int, replicas: Int) -> PlacementResult {
        Placement.initial(
            members: members(weights.map { ("", $0) }),
            partitions: partitions,
            replicas: replicas
        )
    }
}

/// Members with ids from 1 on.
func members(_ zonesAndWeights: [(zone: String, weight: Int)]) -> [Member] {
    zonesAndWeights.enumerated().map { index, entry in
        Member(
            id: NodeID(UInt16(index + 1)),
            name: "n\(index + 1)",
            peerAddress: "h:\(index + 1)",
            zone: entry.zone,
            weight: entry.weight
        )
    }
}

extension String {
    /// One of the characters, round and round.
    fileprivate func zone(_ index: Int) -> String { String(Array(self)[index % count]) }
}
