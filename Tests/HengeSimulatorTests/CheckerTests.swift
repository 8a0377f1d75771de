import HengeBase
import HengeReplication
import HengeSimulator
import Testing

/// The checkers can fail: for each promise there are nodes that break it, and the checkers say so.
@Suite(.offPool) struct CheckerTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let promise: Violation.Promise
        let faults: FaultKinds
        let levels: [Consistency]
        let repair: ReadRepair
        let tune: @Sendable (inout SimulationOptions) -> Void
        let make: @Sendable () -> Mutant

        init(
            _ name: String,
            breaks promise: Violation.Promise,
            faults: FaultKinds = [],
            levels: [Consistency] = [.quorum],
            repair: ReadRepair = .blocking,
            tune: @escaping @Sendable (inout SimulationOptions) -> Void = { _ in },
            _ make: @escaping @Sendable () -> Mutant
        ) {
            self.name = name
            self.promise = promise
            self.faults = faults
            self.levels = levels
            self.repair = repair
            self.tune = tune
            self.make = make
        }

        var testDescription: String { name }

        var options: SimulationOptions {
            var options = SimulationOptions()
            options.faults = faults
            options.levels = levels
            options.repair = repair
            options.faultEvery = .milliseconds(100)
            tune(&options)
            return options
        }

        /// Without the carts where one client is to be alone.
        var workloads: [any Workload] {
            options.clients == 1 ? [MixedWorkload()] : [MixedWorkload(), CartWorkload()]
        }

        /// One client that writes a few keys, most of them once.
        static func fewWrites(_ options: inout SimulationOptions) {
            options.clients = 1
            options.keys = 8
            options.operations = 6
            options.calmOperations = 1
            options.weights = MixedWorkload.Kind.allCases.map { $0 == .set ? 1 : 0 }
        }

        /// Nothing compares replicas, and what finds a wrong disk first is not looked at.
        static func alone(_ options: inout SimulationOptions) {
            options.comparesReplicas = false
            options.tolerated = [.agreement, .handedOver]
        }

        /// Many keys with writes that not all replicas get, and nobody keeps hints.
        static func withoutHints(_ options: inout SimulationOptions) {
            options.keys = 8
            options.hintBytesMax = 0
            options.think = .milliseconds(20)
        }

        /// One key, and a network that loses much, so that writes often reach only some replicas.
        static func lossy(_ options: inout SimulationOptions) {
            options.transport = .datagrams
            options.lossPerThousand = 150
            options.keys = 1
            options.operations = 900
            options.timeout = .milliseconds(20)
        }
    }

    static let cases = [
        Case(
            "acknowledges writes that it drops",
            breaks: .nothingLost,
            tune: {
                Case.fewWrites(&$0)
                Case.alone(&$0)
            }
        ) {
            .forgetfulDisk(every: 1)
        },
        Case("the newest write wins", breaks: .exactSiblings) { .lastWriterWins() },
        Case("claims what others hold", breaks: .honestContexts, faults: .kills) {
            .boastfulContexts()
        },
        Case("reuses actors after a crash", breaks: .honestContexts, faults: [.kills, .cleanStops])
        {
            .staleActors()
        },
        Case("forges values", breaks: .uniqueDots) { .forgedValues() },
        Case("reads fewer replicas", breaks: .freshReads, faults: .partitions) { .lazyReads() },
        Case("answers before W", breaks: .freshReads) { .hastyWrites() },
        Case("reads fewer replicas than its writer", breaks: .readYourWrites, faults: .partitions) {
            .lazyReads()
        },
        Case("skips read repair", breaks: .monotonicReads, tune: Case.lossy) { .noReadRepair() },
        Case(
            "purges tombstones",
            breaks: .noResurrection,
            faults: .partitions,
            // That the delete itself is gone shows first.
            tune: {
                $0.comparesReplicas = false
                $0.tolerated = [.exactSiblings, .freshReads, .readYourWrites, .honestContexts]
            }
        ) {
            .purgedTombstones()
        },
        Case("takes versions for nothing", breaks: .exactSiblings) { .forgetsVersions() },
        Case(
            "drops what others send",
            breaks: .convergence,
            tune: {
                Case.fewWrites(&$0)
                Case.alone(&$0)
            }
        ) {
            .forgetfulDisk(every: 1, node: NodeID(2))
        },
        Case(
            "forgets hints",
            breaks: .handedOver,
            faults: .droppedConnections,
            repair: .off,
            tune: { $0.faultEvery = .milliseconds(20) }
        ) {
            .forgetsHints()
        },
        Case(
            "goes on with an old copy",
            breaks: .honestContexts,
            faults: [.oldCopies, .cleanStops],
            tune: {
                $0.comparesReplicas = false
                $0.keys = 1
                $0.operations = 900
                $0.faultEvery = .milliseconds(30)
            }
        ) {
            .credulous()
        },
        Case(
            "takes all roots for equal",
            breaks: .agreement,
            faults: .partitions,
            repair: .off,
            tune: { $0.hintBytesMax = 0 }
        ) {
            .equalRoots()
        },
        Case(
            "says that all is equal",
            breaks: .settled,
            faults: .partitions,
            repair: .off,
            tune: {
                $0.hintBytesMax = 0
                $0.awaitsSettled = true
            }
        ) {
            .equalRoots()
        },
        Case("purges at once", breaks: .safePurges) { .purgesAtOnce() },
        Case(
            "claims to have what it lacks",
            breaks: .safePurges,
            faults: .partitions,
            levels: [.one],
            repair: .off,
            tune: {
                Case.withoutHints(&$0)
                $0.operations = 1_200
                $0.purgeGrace = .milliseconds(1)
                $0.housekeepingInterval = .milliseconds(20)
                $0.faultEvery = .milliseconds(40)
                $0.weights = MixedWorkload.Kind.allCases.map {
                    $0 == .delete || $0 == .setOver ? 1 : 0
                }
                // What it takes for obsolete is missing at once.
                $0.tolerated = [
                    .exactSiblings, .honestContexts, .noResurrection, .freshReads, .nothingLost,
                    .fullCarts, .agreement,
                ]
            }
        ) {
            .boastfulClocks()
        },
        Case(
            "brings back what it purges",
            breaks: .noResurrection,
            tune: {
                $0.keys = 8
                $0.think = .milliseconds(60)
                $0.weights = MixedWorkload.Kind.allCases.map {
                    $0 == .delete ? 4 : $0 == .set || $0 == .read ? 1 : 0
                }
                // Its counts and trees are wrong then, too.
                $0.tolerated = [.agreement, .exactTallies, .honestContexts, .exactScans]
            }
        ) {
            .bringsBack()
        },
        Case(
            "starts with wrong hash trees",
            breaks: .agreement,
            faults: .cleanStops,
            // Else it would be mended before the end.
            tune: { $0.scrubInterval = .seconds(3_600) }
        ) {
            .wrongTrees()
        },
        Case("answers twice", breaks: .oneAnswer) { .answersTwice() },
        Case("answers all but some", breaks: .oneAnswer) { .answersOften(every: 40) },
        Case("is late", breaks: .oneAnswer, faults: .partitions) { .noTicks() },
        Case("forwards twice", breaks: .carriedOutOnce, tune: { $0.nodes = 5 }) {
            .doubleForwards()
        },
        Case("stamps the past", breaks: .soundClocks, faults: .clockSkew) { .pastStamps() },
        Case("denies writes", breaks: .nothingWritten, faults: .partitions) { .deniesWrites() },
        Case("counts too many", breaks: .honestFailures, faults: .partitions, levels: [.all]) {
            .boastfulFailures()
        },
        Case("refuses reads", breaks: .liveness) { .refusesReads() },
        Case("forgets what it works at", breaks: .quiescence) { .lostLoads(every: 30) },
        Case("counts wrong", breaks: .exactTallies) { .miscounts() },
        Case("lists too few keys", breaks: .exactScans) { .forgetfulScans() },
        Case("counts one more", breaks: .exactScans) { .countsOneMore() },
        Case("stamps the future", breaks: .soundClocks) { .runawayClock() },
        Case(
            "tells of a ring that was not decided",
            breaks: .oneRing,
            tune: {
                $0.spares = 1
                $0.ringChangeEvery = .milliseconds(200)
            }
        ) {
            .forgedRings()
        },
        Case("stores garbage", breaks: .codec) { .garbage() },
        Case(
            "steals from carts",
            breaks: .fullCarts,
            levels: [.one, .quorum],
            tune: { $0.tolerated = [.nothingLost] }
        ) {
            .cartThief()
        },
    ]

    @Test("a checker reports", arguments: cases)
    func reports(_ wrong: Case) {
        var found: [Violation] = []
        for seed: UInt64 in 1...20 {
            let simulation = Simulation(
                seed: seed,
                options: wrong.options,
                interposer: wrong.make()
            )
            simulation.run(workloads: wrong.workloads)
            guard let violation = simulation.violation else { continue }
            found.append(violation)
            if violation.promise == wrong.promise { return }
        }
        Issue.record("\(wrong.name): found only \(found)")
    }

    @Test("the same runs without the fault are clean", arguments: cases)
    func cleanOtherwise(_ wrong: Case) {
        for seed: UInt64 in 1...3 {
            let simulation = Simulation(seed: seed, options: wrong.options)
            simulation.run(workloads: wrong.workloads)
            #expect(simulation.violation == nil, "seed \(seed)")
        }
    }

    @Test("every promise has a mutant that breaks it")
    func complete() {
        for promise in Violation.Promise.allCases {
            #expect(Self.cases.contains { $0.promise == promise }, "\(promise)")
        }
    }
}
