import HengeBase
import HengeSimulator
import Testing

/// Faults and how runs are made with fewer of them.
@Suite(.offPool) struct FaultTests {
    static let striking: [FaultKinds] = [
        .kills, .powerFailures, .cleanStops, .partitions, .oneWayPartitions, .droppedConnections,
        .diskErrors, .rot, .slowDisks, .clockJumps, .pauses, .slowNodes, .hourJumps, .wipes,
        [.cleanStops, .oldCopies],
    ]

    private static func options(_ kind: FaultKinds) -> SimulationOptions {
        var options = SimulationOptions()
        options.faults = kind
        options.faultEvery = .milliseconds(40)
        options.levels = [.one, .quorum, .all]
        return options
    }

    @Test("each kind of fault strikes, changes the run and breaks nothing", arguments: striking)
    func strikes(_ kind: FaultKinds) {
        var hashes: Set<String> = []
        for seed: UInt64 in 1...3 {
            let simulation = Simulation(seed: seed, options: Self.options(kind))
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            #expect(simulation.counts.faults > 0, "seed \(seed)")
            let calm = Simulation(
                seed: seed,
                options: Self.options(kind),
                skippedFaults: SkippedFaults(allBut: [])
            )
            calm.run()
            #expect(calm.violation == nil, "seed \(seed)")
            #expect(calm.counts.faults == 0)
            hashes.formUnion([simulation.trace.digits, calm.trace.digits])
        }
        #expect(hashes.count == 6)
    }

    @Test("runs reach what they are meant to: hints, stand-ins, silence, old copies, purges")
    func reach() {
        var sum = SimulationCounts()
        for seed: UInt64 in 1...60 {
            let simulation = Simulation(seed: seed)
            simulation.run()
            sum.hintsDelivered += simulation.counts.hintsDelivered
            sum.standInsHandedOver += simulation.counts.standInsHandedOver
            sum.nodesGivenUp += simulation.counts.nodesGivenUp
            sum.oldCopiesFound += simulation.counts.oldCopiesFound
            sum.hintsExpired += simulation.counts.hintsExpired
            sum.disksWiped += simulation.counts.disksWiped
            sum.recordsRotted += simulation.counts.recordsRotted
            sum.recordsPurged += simulation.counts.recordsPurged
            sum.obsoleteDropped += simulation.counts.obsoleteDropped
        }
        #expect(sum.hintsDelivered > 200)
        #expect(sum.standInsHandedOver > 50)
        #expect(sum.nodesGivenUp > 50)
        #expect(sum.oldCopiesFound > 2)
        #expect(sum.hintsExpired > 20)
        #expect(sum.disksWiped > 10)
        #expect(sum.recordsRotted > 5)
        #expect(sum.recordsPurged > 100)
        #expect(sum.obsoleteDropped > 10)
    }

    @Test("a good share of seeds draws what comparisons are there for")
    func shares() {
        let drawn = (1...1_000).map { Simulation(seed: $0).options }
        let few = 100
        #expect(drawn.count { $0.hintBytesMax == 0 } > few)
        #expect(
            drawn.count { options in
                options.hintBytesMax > 0 && options.hintAgeMax <= .seconds(1)
                    && options.faults.contains(.partitions)
            } > few
        )
        #expect(drawn.count { $0.faults.contains(.wipes) } > few)
        #expect(drawn.count { $0.faults.contains(.rot) } > few)
        #expect(drawn.count { $0.lossPerThousand > 0 } > few)
    }

    @Test("a run without some faults has the others at the same times")
    func skipping() throws {
        var options = SimulationOptions()
        options.faults = .all.subtracting(.rot)
        options.faultEvery = .milliseconds(30)
        options.operations = 900
        // All of them at once, so that none makes way for another.
        options.faultsMax = 100
        let whole = Simulation(seed: 3, options: options)
        whole.run()
        let first = try #require(whole.strikes.first?.number)
        let skipped = try #require(SkippedFaults("\(first)"))
        let less = Simulation(seed: 3, options: options, skippedFaults: skipped)
        less.run()
        #expect(!less.strikes.contains { $0.number == first })
        let common = Set(whole.strikes.map(\.number)).intersection(less.strikes.map(\.number))
        #expect(common.count > 2)
        for number in common {
            #expect(
                whole.strikes.first { $0.number == number }
                    == less.strikes.first { $0.number == number }
            )
        }
    }

    @Test("a list of faults is written as it is read")
    func lists() throws {
        let skipped = try #require(SkippedFaults("1-4,6,9-"))
        #expect(skipped.text == "1-4,6,9-")
        #expect((1...12).filter { !skipped.contains($0) } == [5, 7, 8])
        #expect(SkippedFaults(allBut: [8, 5, 7, 5]).text == "1-4,6,9-")
        #expect(SkippedFaults(allBut: []).text == "1-")
        #expect(SkippedFaults.none.isEmpty)
        for text in ["", "0", "x", "3-1", "1,,2", "1-2-3", "-4", "1;2"] {
            #expect(SkippedFaults(text) == nil, "\(text)")
        }
    }
}
