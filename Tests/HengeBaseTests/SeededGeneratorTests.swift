import HengeBase
import Testing

@Suite struct SeededGeneratorTests {
    @Test("the published values of SplitMix64")
    func knownValues() {
        var generator = SeededGenerator(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect(expected.map { _ in generator.next() } == expected)
        var zero = SeededGenerator(seed: 0)
        #expect(zero.next() == 0xE220_A839_7B1D_CDAF)
    }

    @Test("a split generator is reproducible and differs from its parent")
    func split() {
        var (a, b) = (SeededGenerator(seed: 9), SeededGenerator(seed: 9))
        var (childA, childB) = (a.split(), b.split())
        let fromChild = (0..<100).map { _ in childA.next() }
        #expect(fromChild == (0..<100).map { _ in childB.next() })
        let fromParent = (0..<100).map { _ in a.next() }
        #expect(Set(fromChild).isDisjoint(with: fromParent))
    }

    @Test("numbers below a bound stay below it and reach every value about as often")
    func below() {
        var generator = SeededGenerator(seed: 3)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[generator.below(7)] += 1 }
        // Six standard deviations of a binomial of 70,000 and 1/7 are 556.
        #expect(counts.allSatisfy { abs($0 - 10_000) < 556 }, "\(counts)")
        #expect(generator.below(1) == 0)
    }

    @Test("chances come true as often as they say")
    func chance() {
        var generator = SeededGenerator(seed: 4)
        let hits = (0..<30_000).count { _ in generator.chance(1, in: 3) }
        #expect(abs(hits - 10_000) < 490)
        #expect((0..<100).allSatisfy { _ in generator.chance(2, in: 2) })
        #expect(!(0..<100).contains { _ in generator.chance(0, in: 2) })
    }
}
