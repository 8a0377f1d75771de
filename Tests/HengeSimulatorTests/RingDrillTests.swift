import HengeBase
import HengeSimulator
import Testing

/// One node fails in the middle of a change of the ring, or a majority for good: every promise
/// holds for what is left, the others go on serving, and the change comes to its end.
@Suite(.offPool) struct RingDrillTests {
    /// `henge simulate --drills` runs all. This is one of eleven, which has no factor in common
    /// with how many there are of anything.
    static let seeds = Array(stride(from: 1, through: UInt64(Drill.count), by: 11))

    /// A node that left got no answer to what it had forwarded just before, and a change to two
    /// replicas of each key came to no end.
    static let onceFailed: [UInt64] = [36, 202, 209, 224]

    @Test("a change ends and keeps every promise", arguments: seeds + onceFailed)
    func drill(_ seed: UInt64) {
        let result = SimulationRunner.run(seed: seed, as: .drill)
        #expect(result.violation == nil, "\(result.summary); replay: \(result.replay)")
    }

    @Test("those that are run here have every part, step, change, failure and trouble")
    func variety() {
        let drills = Self.seeds.map { Drill(seed: $0) }
        var seen = Set<String>()
        for drill in drills {
            switch drill {
            case .failure(let drill):
                seen.formUnion([drill.change.rawValue, drill.role.rawValue])
                seen.formUnion([drill.harm.rawValue, drill.moment.rawValue])
            case .recovery(let drill):
                seen.formUnion([drill.situation.rawValue, drill.trouble.rawValue])
            }
        }
        // 3 changes, 4 parts, 3 failures, 5 moments; 5 situations and 5 troubles of losses.
        #expect(seen.count == 3 + 4 + 3 + 5 + 5 + 5)
        #expect(Set((1...UInt64(Drill.count)).map { Drill(seed: $0).description }).count > 200)
    }

    @Test("the node that is to fail does, but for one that has left before")
    func strikes() {
        let seeds = Self.seeds.prefix(8)
        let faults = seeds.map { SimulationRunner.run(seed: $0, as: .drill).counts.faults }
        #expect(faults.reduce(0, +) >= 6)
    }

    @Test("drills notice rings that nobody agrees to, and those that two nodes differ about")
    func mutants() {
        let losses = (181...183).map { run(UInt64($0), .silentSurvivors()) }
        #expect(losses.contains { "\($0, default: "nothing")".contains("is not recovered") })
        #expect(run(1, .forgedRings())?.promise == .oneRing)
    }

    private func run(_ seed: UInt64, _ mutant: Mutant) -> Violation? {
        let drill = Drill(seed: seed)
        let options = drill.options(seed: seed)
        let simulation = Simulation(seed: seed, options: options, interposer: mutant)
        simulation.run(drill)
        return simulation.violation
    }
}
