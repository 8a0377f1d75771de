import HengeSimulator
import Testing

/// The swarm: the same seeds every time, those that once failed, and a few that nobody has run
/// before.
@Suite(.offPool) struct SeedTests {
    /// Seeds 1 to 200 in parts, so that they run beside each other.
    static let parts = stride(from: UInt64(1), to: 201, by: 25).map { $0...($0 + 24) }

    @Test("200 seeds keep every promise", arguments: parts)
    func fixed(_ seeds: ClosedRange<UInt64>) {
        check(seeds)
    }

    @Test("20 seeds that were never run keep every promise")
    func new() {
        let first = UInt64.random(in: 1_000_000...1_000_000_000_000)
        print("new simulator seeds: \(first)...\(first + 19)")
        check(first...(first + 19))
    }

    @Test("seeds that once failed keep every promise", arguments: RegressionSeeds.all)
    func regression(_ seed: RegressionSeeds.Seed) {
        check(seed.number...seed.number)
    }

    @Test("a seed gives the same run again, event by event")
    func repeats() {
        for seed: UInt64 in 1...10 {
            let first = SimulationRunner.run(seed: seed)
            let second = SimulationRunner.run(seed: seed)
            #expect(first.traceHash == second.traceHash, "seed \(seed)")
            #expect(first.counts == second.counts, "seed \(seed)")
        }
        let hashes = (1...10).map { SimulationRunner.run(seed: $0).traceHash }
        #expect(Set(hashes).count == 10)
    }

    @Test("a run of several rounds goes on where the round before ended")
    func hours() {
        let result = SimulationRunner.run(seed: 7, as: .hours(0.02))
        #expect(result.violation == nil)
        #expect(result.counts.rounds > 1)
        #expect(result.time.milliseconds >= 72_000)
    }

    private func check(_ seeds: ClosedRange<UInt64>) {
        SimulationRunner.run(seeds: seeds) { result in
            #expect(
                result.violation == nil,
                "seed \(result.seed): \(result.summary); replay: \(result.replay)"
            )
            return true
        }
    }
}
