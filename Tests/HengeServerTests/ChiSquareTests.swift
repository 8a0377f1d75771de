import HengeBase
import HengeServer
import Testing

@Suite struct ChiSquareTests {
    /// Critical values of chi-square: NIST/SEMATECH *e-Handbook of Statistical Methods*, 1.3.6.7.4.
    @Test("published critical values have the published probabilities")
    func critical() {
        let table: [(degrees: Int, p: Double, value: Double)] = [
            (1, 0.10, 2.706), (1, 0.05, 3.841), (1, 0.001, 10.828), (2, 0.05, 5.991),
            (3, 0.01, 11.345), (5, 0.025, 12.833), (10, 0.05, 18.307), (10, 0.001, 29.588),
            (30, 0.05, 43.773), (50, 0.01, 76.154), (100, 0.10, 118.498), (100, 0.05, 124.342),
            (100, 0.001, 149.449), (100, 0.95, 77.929), (100, 0.99, 70.065), (10, 0.95, 3.940),
        ]
        for row in table {
            let test = ChiSquareTest(statistic: row.value, degrees: row.degrees)
            // The table's values have three places.
            #expect(abs(test.p - row.p) < 0.0006 * max(0.05, row.p) + 1e-6, "\(row) \(test.p)")
        }
    }

    /// Abramowitz and Stegun, table 26.7, and 6.5.13 for whole shapes.
    @Test("exact values: of one and two degrees, and sums of Poisson terms")
    func exact() {
        let known: [(a: Double, x: Double, q: Double)] = [
            (0.5, 0.5, 0.317_310_507_862_914), (0.5, 2, 0.045_500_263_896_358),
            (1, 1, 0.367_879_441_171_442), (1, 10, 4.539_992_976_248_485e-5),
            (2, 1, 0.735_758_882_342_885), (3, 5, 0.124_652_019_483_081),
            (5, 5, 0.440_493_285_065_212), (10, 10, 0.457_929_714_471_852),
        ]
        for row in known {
            let q = RegularizedGamma.upper(row.a, row.x)
            #expect(abs(q - row.q) <= 1e-12 + 1e-11 * row.q, "\(row) \(q)")
        }
    }

    @Test("it falls from 1 to 0, meets itself where the methods change, and refuses nonsense")
    func shape() {
        for a in [0.5, 1, 7.5, 31.5, 511.5, 8191.5] {
            var last = 1.0
            for step in 0...400 {
                let q = RegularizedGamma.upper(a, a * Double(step) / 100)
                #expect(q >= 0 && q <= last + 1e-12, "\(a) \(step)")
                last = q
            }
            #expect(RegularizedGamma.upper(a, 0) == 1)
            #expect(RegularizedGamma.upper(a, .infinity) == 0)
            let (low, high) = (a + 1 - 1e-9, a + 1 + 1e-9)
            let gap = RegularizedGamma.upper(a, low) - RegularizedGamma.upper(a, high)
            #expect(abs(gap) < 1e-8, "\(a)")
        }
        // The median of a large gamma distribution is a third below its shape.
        #expect(abs(RegularizedGamma.upper(8191.5, 8191.5 - 1.0 / 3) - 0.5) < 1e-4)
        #expect(RegularizedGamma.upper(0, 1).isNaN && RegularizedGamma.upper(1, -1).isNaN)
    }

    @Test("even counts pass, uneven ones don't, and too few have no verdict")
    func counts() throws {
        var generator = SeededGenerator(seed: 11)
        var passed = 0
        for _ in 0..<200 {
            var counts = [Int](repeating: 0, count: 64)
            for _ in 0..<6_400 { counts[generator.below(64)] += 1 }
            let test = try #require(ChiSquareTest(equal: counts))
            #expect(test.degrees == 63)
            if test.p > 0.05 { passed += 1 }
        }
        // 190 expected, with a standard deviation of 3.
        #expect((178...199).contains(passed))
        var skewed = [Int](repeating: 100, count: 64)
        skewed[3] = 250
        let test = try #require(ChiSquareTest(equal: skewed))
        #expect(test.p < 1e-6)
        // Neighbours are put together until five are expected in each.
        #expect(ChiSquareTest(equal: [Int](repeating: 1, count: 64))?.degrees == 7)
        #expect(ChiSquareTest(equal: [1, 2, 3, 3]) == nil)
        #expect(ChiSquareTest(equal: [0, 0]) == nil)
    }
}
