import HengeBase
import HengeSimulator
import Testing

/// The checker of purges can fail: nodes that believe too much of each other purge what others lack.
@Suite(.offPool) struct SafePurgeTests {
    private func options() -> SimulationOptions {
        var options = SimulationOptions()
        options.faults = [.partitions, .kills]
        options.repair = .off
        options.levels = [.one, .quorum]
        options.hintBytesMax = 0
        options.operations = 1_200
        options.faultEvery = .milliseconds(100)
        return options
    }

    @Test("nodes that take more for known than they were told purge what others lack")
    func inflated() {
        var options = options()
        // What comes of it is found too, and first.
        options.tolerated = Set(Violation.Promise.allCases.filter { $0 != .safePurges })
        let found = (1...40 as ClosedRange<UInt64>).contains { seed in
            let mutant = Mutant.inflatedClocks()
            let simulation = Simulation(seed: seed, options: options, interposer: mutant)
            simulation.run(workloads: [MixedWorkload()])
            return simulation.violation?.promise == .safePurges
        }
        #expect(found)
    }

    @Test("the same runs purge safely otherwise")
    func clean() {
        for seed: UInt64 in 1...5 {
            let simulation = Simulation(seed: seed, options: options())
            simulation.run(workloads: [MixedWorkload()])
            #expect(simulation.violation == nil, "seed \(seed)")
        }
    }
}
