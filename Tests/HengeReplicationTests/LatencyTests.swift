import HengeBase
import HengeReplication
import Testing

@Suite struct LatencyTests {
    private func at(_ milliseconds: UInt64) -> Instant {
        Instant(nanoseconds: 1_000_000_000 + milliseconds * 1_000_000)
    }

    // MARK: Quantile

    @Test("p95 is within an eighth above the exact one, for times from 1 µs to a minute")
    func quantileIsClose() {
        var generator = SeededGenerator(seed: 1)
        for magnitude in 0..<8 {
            var scale: UInt64 = 1_000
            for _ in 0..<magnitude { scale *= 10 }
            var quantile = LatencyQuantile()
            var times: [UInt64] = []
            for _ in 0..<960 {
                let time = scale + UInt64(generator.below(Int(scale) * 4))
                times.append(time)
                quantile.record(Interval(nanoseconds: time))
            }
            let exact = times.sorted()[times.count * 95 / 100 - 1]
            let p95 = quantile.p95?.nanoseconds ?? 0
            #expect(p95 >= exact - exact / 50, "of \(scale)")
            #expect(p95 <= exact + exact / 7 + 128, "of \(scale)")
        }
    }

    @Test("no p95 before 64 times; extremes are counted in the outer buckets")
    func quantileBounds() {
        var quantile = LatencyQuantile()
        for _ in 0..<63 { quantile.record(.zero) }
        #expect(quantile.p95 == nil)
        quantile.record(.zero)
        #expect(quantile.p95 == Interval(nanoseconds: 128))
        for _ in 0..<10_000 { quantile.record(Interval(nanoseconds: .max)) }
        #expect((quantile.p95?.nanoseconds ?? 0) >= 1 << 40)
    }

    @Test("what was is forgotten: after a slow time p95 follows the fast one within thousands")
    func quantileForgets() {
        var quantile = LatencyQuantile()
        for _ in 0..<100_000 { quantile.record(.milliseconds(100)) }
        for _ in 0..<8_192 { quantile.record(.milliseconds(1)) }
        #expect((quantile.p95 ?? .zero) < .microseconds(1_200))
    }

    // MARK: Score

    @Test("a score moves by an eighth of the difference, and the first observation is all")
    func scoreAverages() {
        var score = LatencyScore()
        #expect(score.latest(at: at(0)) == 0)
        score.record(.microseconds(800), at: at(0))
        #expect(score.latest(at: at(0)) == 800_000)
        score.record(.microseconds(1_600), at: at(0))
        #expect(score.latest(at: at(0)) == 900_000)
        score.record(.microseconds(100), at: at(0))
        #expect(score.latest(at: at(0)) == 800_000)
    }

    @Test("what is not refreshed drifts to the best, by half each 8.6 s, and never past it")
    func scoreFades() {
        var score = LatencyScore()
        score.record(.milliseconds(101), at: at(0))
        let best: UInt64 = 1_000_000
        #expect(score.estimate(at: at(0), best: best) == 101_000_000)
        let half = score.estimate(at: at(8_590), best: best)
        #expect(half > 50_000_000 && half < 52_000_000)
        var last = UInt64.max
        for second in stride(from: 0, through: 200, by: 1) as StrideThrough<UInt64> {
            let estimate = score.estimate(at: at(second * 1_000), best: best)
            #expect(estimate <= last && estimate >= best)
            last = estimate
        }
        #expect(last < best + 100)
        // A fast one does not become slower by being left alone.
        score = LatencyScore()
        score.record(.microseconds(500), at: at(0))
        #expect(score.estimate(at: at(100_000), best: best) == 500_000)
    }

    @Test("a peer that is fast again after a minute is taken at its word")
    func scoreRecovers() {
        var score = LatencyScore()
        score.record(.milliseconds(100), at: at(0))
        score.record(.microseconds(300), at: at(60_000))
        #expect(score.latest(at: at(60_000)) < 1_200_000)
    }

    @Test("a fetch that lags counts as its age until its answer comes, also a late one")
    func scoreWatches() {
        var score = LatencyScore()
        score.record(.microseconds(300), at: at(0))
        score.lags(7, since: at(10), at: at(12))
        #expect(score.latest(at: at(50)) == 40_000_000)
        score.lags(8, since: at(11), at: at(50))
        #expect(score.estimate(at: at(110), best: 1) >= 100_000_000)
        score.answered(8, at: at(110))
        #expect(score.latest(at: at(110)) == 100_000_000)
        score.answered(7, at: at(110))
        #expect(score.latest(at: at(110)) > 12_000_000)
        #expect(score.latest(at: at(10_000)) < 100_000_000)
    }

    @Test("an answer that never comes fades as a second's would, and the next lag is watched")
    func scoreForgetsTheLost() {
        var score = LatencyScore()
        score.record(.microseconds(300), at: at(0))
        score.lags(7, since: at(0), at: at(2))
        #expect(score.latest(at: at(5_000)) == 1_000_000_000)
        #expect(score.estimate(at: at(200_000), best: 300_000) < 800_000)
        score.lags(9, since: at(200_000), at: at(200_002))
        score.answered(9, at: at(200_100))
        #expect(score.latest(at: at(200_100)) > 10_000_000)
    }

    @Test("an age below what is known says nothing")
    func scoreIgnoresYoungAges() {
        var score = LatencyScore()
        score.record(.milliseconds(100), at: at(0))
        score.lags(7, since: at(10), at: at(12))
        #expect(score.latest(at: at(12)) == 100_000_000)
    }

    // MARK: Budget

    @Test("whatever the order, extra requests stay within a tenth, and bursts within 32")
    func budget() {
        var generator = SeededGenerator(seed: 3)
        var budget = RetryBudget()
        var earned = 0
        var spent = budget.spend() ? 1 : 0
        #expect(spent == 0)
        for _ in 0..<50_000 {
            for _ in 0..<generator.below(20) {
                budget.earn()
                earned += 1
            }
            for _ in 0..<generator.below(4) where budget.spend() { spent += 1 }
            #expect(spent * 10 <= earned)
        }
        #expect(spent * 11 > earned)
        for _ in 0..<10_000 { budget.earn() }
        var burst = 0
        while budget.spend() { burst += 1 }
        #expect(burst == RetryBudget.tokensMax)
    }
}
