import HengeBase
import HengeRing
import Testing

@Suite struct DistributionChangeTests {
    private func survey(_ ring: RingDocument, cells: Int = 1024) -> DistributionSurvey {
        let loads = (0..<cells).map { KeyLoad(keys: 1 + $0 % 7, bytes: 10 + $0 % 13) }
        let ring = Ring(ring)
        return DistributionSurvey(
            source: .keys,
            ring: ring,
            cells: loads,
            held: DistributionSurvey.holdings(of: loads, on: ring)
        )
    }

    private let four = ["n1=h:1", "n2=h:2", "n3=h:3", "n4=h:4"]

    @Test("what moves is what lies where it did not before, counted cell by cell")
    func moves() throws {
        let before = survey(try bootstrap(four))
        for operations: [RingOperation] in [
            [.add("n5", weight: nil, zone: nil)],
            [.add("n5", weight: nil, zone: nil), .remove("n2"), .weight("n1", 3)],
            [.replace("n3", with: "n9")], [.weight("n1", 2)], [],
        ] {
            for partitions in [nil, 256, 64] {
                let change = try DistributionChange(
                    before, operations: operations, partitions: partitions)
                let after = change.after.ring
                var moved = KeyLoad.nothing
                var touched = KeyLoad.nothing
                for (index, load) in before.cells.enumerated() {
                    let old = before.ring.preferenceList(partition: index * 64 / 1024)
                    let new = after.preferenceList(partition: index * after.partitions / 1024)
                    var isTouched = false
                    new.forEach { node in
                        guard !old.contains(node) else { return }
                        moved += load
                        isTouched = true
                    }
                    if isTouched { touched += load }
                }
                let name = "\(operations) \(partitions ?? 0)"
                #expect(change.moved == moved && change.touched == touched, "\(name)")
                #expect(change.nodes.map(\.received).total == moved, "\(name)")
                #expect(change.nodes.map(\.given).total == moved, "\(name)")
                #expect(after.partitions == partitions ?? 64, "\(name)")
                #expect((change.vnodeMoves == nil) == (partitions == 256), "\(name)")
                // Nobody loses or gains a key.
                let held = change.after.held.compactMap(\.self).total.keys
                #expect(held == 3 * before.cells.total.keys, "\(name)")
            }
        }
    }

    @Test("nothing moves when nothing changes, and a new node gets its share")
    func extent() throws {
        let before = survey(try bootstrap(four))
        let nothing = try DistributionChange(before, operations: [])
        #expect(nothing.moved == .nothing && nothing.vnodeMoves == 0)
        let fifth = try DistributionChange(
            before, operations: [.add("n5", weight: nil, zone: nil)])
        #expect(fifth.nodes.last?.name == "n5" && fifth.vnodeMoves == fifth.vnodeMovesLeast)
        let share =
            Double(fifth.nodes.last?.received.keys ?? 0)
            / Double(3 * before.cells.total.keys)
        #expect(abs(share - 0.2) < 0.02)
    }

    @Test("what an operator could not stage is refused in the same words")
    func refused() throws {
        let before = survey(try bootstrap(four))
        #expect(throws: RingStageFault.unknownNode("n9")) {
            try DistributionChange(before, operations: [.remove("n9")])
        }
        #expect(throws: RingStageFault.alreadyMember("n1")) {
            try DistributionChange(before, operations: [.add("n1", weight: nil, zone: nil)])
        }
    }

    @Test("a cell that is larger than a partition is spread evenly, to the last key")
    func spread() {
        let cells = [KeyLoad(keys: 7, bytes: 100), KeyLoad(keys: 0, tombstones: 3)]
        let spread = DistributionSurvey.spread(cells, over: 8)
        #expect(spread.count == 8)
        #expect(spread[..<4].total == cells[0] && spread[4...].total == cells[1])
        #expect(spread[..<4].allSatisfy { (1...2).contains($0.keys) && $0.bytes == 25 })
        #expect(DistributionSurvey.spread(spread, over: 2) == cells)
    }

    @Test("a curve of equal cells is a straight line, around the end too")
    func curve() {
        var even = PlacementStrategies(
            nodes: 10,
            replicas: 3,
            seed: 4,
            curve: LoadCurve(cells: [Double](repeating: 2, count: 64))
        )
        var plain = PlacementStrategies(nodes: 10, replicas: 3, seed: 4)
        let (a, b) = (even.sample(entries: 128), plain.sample(entries: 128))
        for value in [
            \PlacementStrategies.Sample.randomTokens, \.randomTokensEqualPartitions, \.equalShares,
            \.henge,
        ] {
            #expect(abs(a[keyPath: value] - b[keyPath: value]) < 1e-6)
        }
        // All keys in one cell: three of ten nodes have all of them.
        var cells = [Double](repeating: 0, count: 64)
        cells[17] = 5
        var single = PlacementStrategies(
            nodes: 10, replicas: 3, seed: 4, curve: LoadCurve(cells: cells))
        #expect(abs(single.sample(entries: 64).henge - 0.3) < 1e-6)
    }
}
