import HengeBase
import HengeCausality
import Testing

@Suite struct VersionVectorTests {
    @Test("record, join, covers and descends agree with a dictionary")
    func oracle() throws {
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            var vectors = [VersionVector(), VersionVector(), VersionVector()]
            var oracles: [[ActorID: UInt64]] = [[:], [:], [:]]
            for _ in 0..<40 {
                let a = random.below(3)
                let b = random.below(3)
                if random.chance(1, in: 4) {
                    vectors[a].join(vectors[b])
                    oracles[a].merge(oracles[b]) { max($0, $1) }
                } else {
                    let actor = ActorID(rawValue: UInt64(random.below(6)))
                    let counter = UInt64(1 + random.below(9))
                    vectors[a].record(Dot(actor: actor, counter: counter))
                    oracles[a][actor] = max(oracles[a][actor, default: 0], counter)
                }
                check(vectors[a], oracles[a], seed)
                try #require(
                    vectors[a].descends(from: vectors[b])
                        == oracles[b].allSatisfy { oracles[a][$0.key, default: 0] >= $0.value },
                    "seed \(seed)"
                )
                try #require(
                    (vectors[a] == vectors[b]) == (oracles[a] == oracles[b]),
                    "seed \(seed)"
                )
            }
        }
    }

    @Test("the minimum covers exactly what both cover")
    func minimum() {
        for seed in UInt64(0)..<300 {
            var random = SeededGenerator(seed: seed)
            let (a, b) = (random.anyVector(), random.anyVector())
            let least = VersionVector.minimum(a, b)
            #expect(least == VersionVector.minimum(b, a), "seed \(seed)")
            let actors = Set((a.entries + b.entries).map(\.actor)).sorted()
            let expected = actors.compactMap { actor in
                let counter = min(a.counter(of: actor), b.counter(of: actor))
                return counter == 0 ? nil : Dot(actor: actor, counter: counter)
            }
            #expect(least.entries == expected, "seed \(seed)")
        }
    }

    @Test("a dot is covered up to its actor's counter, and no other actor's")
    func covers() {
        let some = vector(dot(3, 7))
        #expect(some.covers(dot(3, 1)) && some.covers(dot(3, 7)))
        #expect(!some.covers(dot(3, 8)) && !some.covers(dot(2, 1)) && !some.covers(dot(4, 1)))
        #expect(VersionVector().isEmpty && !some.isEmpty)
        #expect(some.descends(from: VersionVector()))
        #expect(!VersionVector().descends(from: some))
    }

    private func check(_ vector: VersionVector, _ oracle: [ActorID: UInt64], _ seed: UInt64) {
        let expected = oracle.map { Dot(actor: $0.key, counter: $0.value) }.sorted()
        #expect(vector.entries == expected, "seed \(seed)")
        for rawValue in UInt64(0)..<7 {
            let actor = ActorID(rawValue: rawValue)
            #expect(vector.counter(of: actor) == oracle[actor, default: 0], "seed \(seed)")
            for counter in UInt64(1)...10 {
                #expect(
                    vector.covers(Dot(actor: actor, counter: counter))
                        == (oracle[actor, default: 0] >= counter),
                    "seed \(seed)"
                )
            }
        }
    }
}
