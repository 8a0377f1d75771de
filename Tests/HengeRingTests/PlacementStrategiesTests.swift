import HengeRing
import Testing

@Suite struct PlacementStrategiesTests {
    @Test("section 6.2: equal shares balance better than random tokens, Henge's best of all")
    func figureEight() {
        var dynamo = PlacementStrategies(nodes: 30, replicas: 3, seed: 1)
        for entries in [1024, 4096] {
            let sample = dynamo.sample(entries: entries)
            #expect(sample.randomTokens < sample.equalShares)
            #expect(sample.randomTokensEqualPartitions < sample.equalShares)
            #expect(sample.equalShares < sample.henge)
            #expect(abs(sample.henge - dynamo.efficiencyMost(entries: entries)) < 1e-9)
        }
        #expect(dynamo.efficiencyMost(entries: 4096) > 0.99)
    }

    @Test("the same seed draws the same")
    func seeded() {
        var a = PlacementStrategies(nodes: 5, replicas: 2, seed: 7)
        var b = PlacementStrategies(nodes: 5, replicas: 2, seed: 7)
        #expect(a.sample(entries: 64) == b.sample(entries: 64))
        #expect(a.sample(entries: 64) != b.sample(entries: 32))
    }
}
