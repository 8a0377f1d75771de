import HengeBase
import HengeSimulator
import Testing

/// The shrinker finds the few faults that matter.
@Suite(.offPool) struct ShrinkerTests {
    /// Faults in a list, of which some set breaks a promise.
    private func shrink(
        _ count: Int,
        runsMax: Int = .max,
        breaking: @escaping (Set<Int>) -> Bool
    ) -> FaultShrinker.Result? {
        var runs = 0
        return FaultShrinker.shrink(while: { runs < runsMax }) { skipped in
            runs += 1
            let left = (1...count).filter { !skipped.contains($0) }
            let strikes = left.map {
                Strike(number: $0, time: Instant(nanoseconds: UInt64($0)), description: "fault")
            }
            let isBroken = breaking(Set(left))
            return FaultShrinker.Outcome(
                violation: isBroken ? Violation(.nothingLost, "gone") : nil,
                strikes: strikes
            )
        }
    }

    @Test("any two, one or none of many faults are found")
    func minimal() throws {
        for (a, b) in [(1, 2), (3, 40), (17, 18), (39, 40)] {
            let result = try #require(shrink(40) { $0.isSuperset(of: [a, b]) })
            #expect(result.strikes.map(\.number) == [a, b])
            #expect(result.isMinimal)
            #expect(result.runs < 60)
            #expect(result.strikesBefore == 40)
        }
        #expect(try #require(shrink(40) { $0.contains(7) }).strikes.map(\.number) == [7])
        #expect(try #require(shrink(40) { _ in true }).strikes.isEmpty)
        #expect(shrink(40) { _ in false } == nil)
    }

    @Test("when time runs out it tells what it has")
    func timeOut() throws {
        let result = try #require(shrink(40, runsMax: 4) { $0.isSuperset(of: [3, 40]) })
        #expect(!result.isMinimal)
        #expect(result.runs == 4)
        #expect(result.strikes.map(\.number).contains(3))
    }

    @Test("a bug that needs a crash shrinks to few faults, and their replay shows it again")
    func bug() throws {
        var options = SimulationOptions()
        options.faults = [
            .kills, .cleanStops, .partitions, .droppedConnections, .slowDisks, .clockSkew,
            .clockJumps, .pauses, .slowNodes, .wipes,
        ]
        options.faultEvery = .milliseconds(30)
        options.faultsMax = 4
        options.operations = 900
        func run(_ seed: UInt64, without skipped: SkippedFaults) -> FaultShrinker.Outcome {
            let simulation = Simulation(
                seed: seed,
                options: options,
                skippedFaults: skipped,
                interposer: Mutant.staleActors()
            )
            simulation.run()
            return FaultShrinker.Outcome(
                violation: simulation.violation,
                strikes: simulation.strikes
            )
        }
        let seed = try #require(
            (UInt64(1)...20).first {
                let outcome = run($0, without: .none)
                return outcome.violation != nil && outcome.strikes.count > 12
            }
        )
        let result = try #require(
            FaultShrinker.shrink(while: { true }, run: { run(seed, without: $0) })
        )
        #expect(result.isMinimal)
        #expect(result.strikes.count <= 12)
        #expect(result.strikes.count < result.strikesBefore / 2)
        let text = result.skipped.text
        let skipped = try #require(SkippedFaults(text))
        #expect(run(seed, without: skipped).violation == result.violation)
    }
}
