import HengeBase
import HengeCommand
import Testing

@Suite struct KeyDistributionTests {
    private static let draws = 400_000

    /// Draws counted by rank, and Pearson's statistic against the expected frequencies.
    private static func chiSquare(count: Int, exponent: Double, seed: UInt64) -> Double {
        let sampler = ZipfianSampler(count: count, exponent: exponent)
        var generator = SeededGenerator(seed: seed)
        var observed = Array(repeating: 0, count: count)
        for _ in 0..<draws { observed[sampler.next(using: &generator)] += 1 }

        let weights = (1...count).map { power(Double($0), -exponent) }
        let sum = weights.reduce(0, +)
        return zip(observed, weights).reduce(0) { statistic, pair in
            let expected = Double(draws) * pair.1 / sum
            let difference = Double(pair.0) - expected
            return statistic + difference * difference / expected
        }
    }

    private static func power(_ base: Double, _ exponent: Double) -> Double {
        // x^y = 2^(y log2 x) without a math library: exact enough by repeated square roots.
        var result = 1.0
        var root = base
        var rest = abs(exponent)
        while rest >= 1 {
            result *= base
            rest -= 1
        }
        for _ in 0..<52 {
            root = root.squareRoot()
            rest *= 2
            if rest >= 1 {
                result *= root
                rest -= 1
            }
        }
        return exponent < 0 ? 1 / result : result
    }

    /// With 99 degrees of freedom 1 run in 100,000 exceeds 174.
    @Test(arguments: [0.5, 0.99, 1.0, 1.5], [UInt64(1), 2, 3])
    func zipfianRanksComeAsOftenAsTheyShould(exponent: Double, seed: UInt64) {
        let statistic = Self.chiSquare(count: 100, exponent: exponent, seed: seed)
        #expect(statistic < 174, "exponent \(exponent), seed \(seed)")
        // And not suspiciously well either: 1 in 100,000 stays below 53.
        #expect(statistic > 50, "exponent \(exponent), seed \(seed)")
    }

    @Test func zipfianOfOneOrManyRanksStaysInside() {
        var generator = SeededGenerator(seed: 7)
        let one = ZipfianSampler(count: 1)
        let many = ZipfianSampler(count: 1_000_000_000_000)
        for _ in 0..<10_000 {
            #expect(one.next(using: &generator) == 0)
            #expect((0..<1_000_000_000_000).contains(many.next(using: &generator)))
        }
    }

    @Test func uniformKeysFillTheirRangeEvenly() {
        var chooser = KeyChooser(.uniform, count: 10)
        var generator = SeededGenerator(seed: 3)
        var observed = Array(repeating: 0, count: 10)
        for _ in 0..<100_000 { observed[chooser.next(using: &generator)] += 1 }
        // Five standard deviations of a binomial with p = 0.1.
        #expect(observed.allSatisfy { abs($0 - 10_000) < 475 }, "\(observed)")
    }

    @Test(arguments: [(10, 1), (10, 3), (100, 7), (2, 5), (1, 1), (9, 3)])
    func loopsInSequenceShareTheKeys(count: Int, shares: Int) {
        var generator = SeededGenerator(seed: 1)
        var seen = Array(repeating: 0, count: count)
        for share in 0..<shares {
            var chooser = KeyChooser(.sequential, count: count, share: share, shares: shares)
            // As a phase of `count` operations divides them.
            let operations = count / shares + (share < count % shares ? 1 : 0)
            for _ in 0..<operations { seen[chooser.next(using: &generator)] += 1 }
        }
        #expect(seen.allSatisfy { $0 == 1 }, "\(seen)")
    }

    @Test func sequenceBeginsAgain() {
        var chooser = KeyChooser(.sequential, count: 3)
        var generator = SeededGenerator(seed: 1)
        #expect((0..<7).map { _ in chooser.next(using: &generator) } == [0, 1, 2, 0, 1, 2, 0])
    }
}
