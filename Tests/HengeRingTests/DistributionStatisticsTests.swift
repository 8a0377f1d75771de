import HengeRing
import Testing

@Suite struct DistributionStatisticsTests {
    @Test("a small example by hand")
    func example() {
        let s = DistributionStatistics(counts: [2, 4, 4, 4, 5, 5, 7, 9])
        #expect(s.total == 40 && s.mean == 5 && s.standardDeviation == 2)
        #expect(s.minimum == 2 && s.maximum == 9 && s.maximumToFair == 1.8)
        #expect(abs(s.efficiency - 5.0 / 9) < 1e-12)
        #expect(abs(s.chiSquare - 32.0 / 5) < 1e-12 && s.degreesOfFreedom == 7)
    }

    @Test("loads in proportion to shares are perfect")
    func weighted() {
        let s = DistributionStatistics(counts: [10, 20, 30], fairShares: [1, 2, 3])
        #expect(s.maximumToFair == 1 && s.efficiency == 1 && s.chiSquare == 0)
        let t = DistributionStatistics(counts: [20, 20, 20], fairShares: [1, 2, 3])
        #expect(t.maximumToFair == 2 && t.efficiency == 0.5)
        #expect(abs(t.chiSquare - (10 + 0 + 100.0 / 30)) < 1e-12)
    }

    @Test("nothing at all, one thing, and no share are no trouble")
    func edges() {
        let nothing = DistributionStatistics(counts: [0, 0])
        #expect(nothing.efficiency == 1 && nothing.chiSquare == 0 && nothing.maximumToFair == 0)
        let one = DistributionStatistics(counts: [5])
        #expect(one.degreesOfFreedom == 0 && one.chiSquareDeviation == 0 && one.efficiency == 1)
        let unshared = DistributionStatistics(counts: [5, 5, 0], fairShares: [1, 1, 0])
        #expect(unshared.degreesOfFreedom == 1 && unshared.efficiency == 1)
    }
}
