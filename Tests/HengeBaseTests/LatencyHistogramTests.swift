import HengeBase
import Testing

@Suite struct LatencyHistogramTests {
    /// Bounds of buckets, in microseconds, as metrics use them.
    private static let bounds: [UInt64] =
        (6...23).flatMap { (power: UInt64) -> [UInt64] in [1 << power, 3 << (power - 1)] }
        + [1 << 24]

    @Test("counts up to a bound are exact, the bound included")
    func counts() {
        var generator = SeededGenerator(seed: 11)
        var histogram = LatencyHistogram()
        var times: [UInt64] = [0, 1, 999, 1_000, 1_001, 64_000, 64_001, 96_000, 96_001]
        for _ in 0..<20_000 {
            times.append(generator.next() >> (30 + UInt64(generator.below(34))))
        }
        for time in times { histogram.record(Interval(nanoseconds: time)) }
        #expect(histogram.count == UInt64(times.count))
        for bound in [1, 2, 3, 7, 8, 9] + Self.bounds {
            let expected = times.filter { $0 <= bound * 1_000 }.count
            #expect(histogram.count(atMost: bound) == UInt64(expected), "\(bound) µs, seed 11")
        }
        #expect(histogram.sumNanoseconds == times.reduce(0, +))
    }

    @Test("a quantile is no shorter than it is, and at most an eighth longer")
    func quantiles() throws {
        var generator = SeededGenerator(seed: 12)
        for round in 0..<50 {
            var histogram = LatencyHistogram()
            #expect(histogram.quantile(0.5) == nil)
            // From some microseconds to some minutes.
            var times = (0..<(1 + generator.below(300))).map { _ in
                1 + generator.next() >> (36 + UInt64(generator.below(20)))
            }
            for time in times { histogram.record(.microseconds(time)) }
            times.sort()
            for fraction in [0.01, 0.5, 0.9, 0.99, 1] {
                let rank = max(1, Int((Double(times.count) * fraction).rounded(.up)))
                let exact = times[rank - 1]
                let told = try #require(histogram.quantile(fraction)).microseconds
                guard exact < 1 << 25 else { continue }
                #expect(told >= exact && told <= exact + max(1, exact / 8), "round \(round)")
            }
        }
    }

    @Test("what is taken apart goes together again")
    func parts() {
        var generator = SeededGenerator(seed: 13)
        var histogram = LatencyHistogram()
        for _ in 0..<500 { histogram.record(.microseconds(generator.next() >> 44)) }
        let filled = histogram.filled
        #expect(
            filled.allSatisfy { $0.count > 0 }
                && filled.map(\.bucket) == filled.map(\.bucket).sorted())
        let again = LatencyHistogram(filled: filled, sumNanoseconds: histogram.sumNanoseconds)
        #expect(again == histogram)
        #expect(LatencyHistogram(filled: [], sumNanoseconds: 0) == LatencyHistogram())
    }

    @Test("what is longer than all buckets counts in the last, and in the sum in full")
    func long() {
        var histogram = LatencyHistogram()
        histogram.record(.seconds(3_600))
        #expect(histogram.count == 1)
        #expect(histogram.count(atMost: 1 << 24) == 0)
        #expect(histogram.sumNanoseconds == 3_600_000_000_000)
    }

    @Test("a difference holds what came after the copy, and a sum both")
    func differences() {
        var histogram = LatencyHistogram()
        #expect(histogram.since(LatencyHistogram()).count == 0)
        histogram.record(.microseconds(70))
        let before = histogram
        histogram.record(.microseconds(700))
        histogram.record(.microseconds(70))
        let recent = histogram.since(before)
        #expect(recent.count == 2)
        #expect(recent.count(atMost: 96) == 1)
        #expect(recent.sumNanoseconds == 770_000)
        var sum = before
        sum.add(recent)
        #expect(sum == histogram)
    }

    @Test("samples are within an eighth of what was recorded, as often as it was")
    func samples() throws {
        #expect(LatencySampler(LatencyHistogram()) == nil)
        var histogram = LatencyHistogram()
        for _ in 0..<90 { histogram.record(.microseconds(100)) }
        for _ in 0..<10 { histogram.record(.milliseconds(10)) }
        let sampler = try #require(LatencySampler(histogram))
        var generator = SeededGenerator(seed: 3)
        var slow = 0
        for _ in 0..<10_000 {
            let sample = sampler.draw(&generator)
            let isSlow = sample > 1_000
            slow += isSlow ? 1 : 0
            let recorded = isSlow ? 10_000.0 : 100
            #expect(abs(sample - recorded) <= recorded / 8, "\(sample), seed 3")
        }
        #expect((900...1_100).contains(slow), "seed 3")
    }
}
