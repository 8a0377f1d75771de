import HengeBase
import HengeReplication
import HengeSimulator
import Testing

/// Where a promise is not given it is not kept either: the checkers, made to ask for it all the
/// same, find runs that break it. So `docs/consistency.md` is right about what is not promised.
@Suite(.offPool) struct GuaranteeTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let promise: Violation.Promise
        let tune: @Sendable (inout SimulationOptions) -> Void

        init(
            _ name: String,
            breaks promise: Violation.Promise,
            tune: @escaping @Sendable (inout SimulationOptions) -> Void
        ) {
            self.name = name
            self.promise = promise
            self.tune = tune
        }

        var testDescription: String { name }

        var options: SimulationOptions {
            var options = SimulationOptions()
            // What is not promised is mended by comparisons before long.
            options.comparesReplicas = false
            options.faultEvery = .milliseconds(100)
            tune(&options)
            return options
        }

        /// R + W ≤ N, without anything that makes replicas equal.
        static func oneByOne(_ options: inout SimulationOptions) {
            options.levels = [.one]
            options.repair = .off
            options.faults = [.partitions, .kills]
        }

        /// Many writes that reach only some replicas.
        static func lossy(_ options: inout SimulationOptions) {
            options.transport = .datagrams
            options.lossPerThousand = 250
            options.keys = 1
            options.operations = 1_500
            options.timeout = .milliseconds(20)
        }

        /// R + W > N, with others in the places of replicas that can't be reached.
        static func sloppy(_ options: inout SimulationOptions) {
            options.nodes = 6
            options.sloppyPercent = 100
            options.faults = .partitions
            options.operations = 900
            options.gossipInterval = .milliseconds(30)
            options.faultEvery = .milliseconds(200)
        }

        static func powerCuts(_ options: inout SimulationOptions) {
            options.durability = .interval
            options.faults = .powerFailures
            options.faultsMax = 3
        }

        /// Crashes in the midst of writes that others hold already.
        static func crashes(_ options: inout SimulationOptions) {
            options.faults = [.kills, .powerFailures, .cleanStops, .slowDisks, .wipes]
            options.faultEvery = .milliseconds(30)
            options.faultsMax = 4
            options.keys = 1
            options.operations = 900
        }
    }

    static let cases = [
        Case("R + W ≤ N, fresh reads", breaks: .freshReads, tune: Case.oneByOne),
        Case("R + W ≤ N, read your writes", breaks: .readYourWrites, tune: Case.oneByOne),
        Case("R + W ≤ N, no resurrection", breaks: .noResurrection, tune: Case.oneByOne),
        Case("no repair, monotonic reads", breaks: .monotonicReads) { options in
            Case.lossy(&options)
            options.repair = .off
        },
        Case("async repair, monotonic reads", breaks: .monotonicReads) { options in
            Case.lossy(&options)
            options.repair = .async
        },
        Case("sloppy requests, fresh reads", breaks: .freshReads, tune: Case.sloppy),
        Case("sloppy requests, read your writes", breaks: .readYourWrites, tune: Case.sloppy),
        Case("interval and power cuts, nothing lost", breaks: .nothingLost, tune: Case.powerCuts),
    ]

    @Test("a promise that is not given is not kept", arguments: cases)
    func breaks(_ wrong: Case) {
        var options = wrong.options
        options.forced = [wrong.promise]
        #expect(firstBreach(of: wrong.promise, options) != nil)
    }

    @Test("the same runs keep what is promised", arguments: cases)
    func keeps(_ right: Case) {
        for seed: UInt64 in 1...5 {
            let simulation = Simulation(seed: seed, options: right.options)
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
        }
    }

    @Test("actors that are not renewed after a crash lose an acknowledged write")
    func keptActors() {
        var options = SimulationOptions()
        Case.crashes(&options)
        // What names two writes alike is found at once; what comes of it is the point here.
        options.tolerated = [.uniqueDots, .honestContexts, .exactSiblings, .soundClocks]
        // They would find two writes of one name, and never agree.
        options.comparesReplicas = false
        let seed = firstBreach(of: .nothingLost, options) { .keptActors() }
        #expect(seed != nil)
        options.tolerated = []
        #expect(firstBreach(of: .nothingLost, options) == nil)
    }

    @Test("an old copy that is believed loses an acknowledged write")
    func oldCopies() {
        var options = SimulationOptions()
        options.comparesReplicas = false
        options.faults = [.cleanStops, .oldCopies]
        options.faultEvery = .milliseconds(30)
        options.faultsMax = 2
        options.keys = 1
        options.operations = 900
        options.tolerated = [.uniqueDots, .honestContexts, .exactSiblings, .soundClocks]
        #expect(firstBreach(of: .nothingLost, options, seeds: 100) { .credulous() } != nil)
        #expect(firstBreach(of: .nothingLost, options) == nil)
    }

    /// The first of some seeds that breaks a promise.
    private func firstBreach(
        of promise: Violation.Promise,
        _ options: SimulationOptions,
        seeds: UInt64 = 20,
        _ make: () -> Mutant? = { nil }
    ) -> UInt64? {
        for seed in 1...seeds {
            let simulation = Simulation(seed: seed, options: options, interposer: make())
            simulation.run()
            if simulation.violation?.promise == promise { return seed }
        }
        return nil
    }
}
