import HengeBase
import HengeCausality
import Testing

@Suite struct RandomHistoryTests {
    @Test("after any history a replica holds exactly the writes that no other has replaced")
    func matchesModel() throws {
        for seed in UInt64(0)..<300 {
            var history = RandomHistory(seed: seed)
            let difference = history.run(steps: 60)
            try #require(difference == nil, "seed \(seed)")
        }
    }

    @Test("merge is associative, commutative and idempotent on the states that replicas reach")
    func mergeLaws() throws {
        for seed in UInt64(1_000)..<1_060 {
            var random = SeededGenerator(seed: ~seed)
            var history = RandomHistory(seed: seed)
            try #require(history.run(steps: 60) == nil, "seed \(seed)")
            for states in history.reached {
                for _ in 0..<20 {
                    let a = states[random.below(states.count)].object
                    let b = states[random.below(states.count)].object
                    let c = states[random.below(states.count)].object
                    let left = merged(merged(a, b), c)
                    let right = merged(a, merged(b, c))
                    try #require(merged(a, a) == a, "seed \(seed)")
                    try #require(merged(a, b) == merged(b, a), "seed \(seed)")
                    try #require(left == right, "seed \(seed)")
                    try #require(left.encoded() == right.encoded(), "seed \(seed)")
                    // What was merged once adds nothing again.
                    try #require(merged(left, b) == left, "seed \(seed)")
                }
            }
        }
    }

    @Test("any two reached states merge to what the model says of both")
    func anyMergeMatchesModel() throws {
        for seed in UInt64(2_000)..<2_040 {
            var random = SeededGenerator(seed: ~seed)
            var history = RandomHistory(seed: seed)
            try #require(history.run(steps: 50) == nil, "seed \(seed)")
            for states in history.reached {
                for _ in 0..<20 {
                    let a = states[random.below(states.count)]
                    let b = states[random.below(states.count)]
                    let both = a.model.merged(with: b.model)
                    try #require(
                        merged(a.object, b.object).siblings == both.siblings,
                        "seed \(seed)"
                    )
                }
            }
        }
    }

    @Test("states are equal exactly when their bytes are, and then so are their versions")
    func equalStatesEqualBytes() throws {
        struct Meaning: Hashable {
            let known: Set<Dot>
            let siblings: [Sibling]
        }
        for seed in UInt64(3_000)..<3_060 {
            var history = RandomHistory(seed: seed)
            try #require(history.run(steps: 60) == nil, "seed \(seed)")
            for states in history.reached {
                var bytesOf: [Meaning: EncodedObject] = [:]
                var meaningOf: [EncodedObject: Meaning] = [:]
                for state in states {
                    let meaning = Meaning(known: state.model.known, siblings: state.model.siblings)
                    let bytes = state.object.encoded()
                    try #require(bytesOf[meaning, default: bytes] == bytes, "seed \(seed)")
                    try #require(meaningOf[bytes, default: meaning] == meaning, "seed \(seed)")
                    bytesOf[meaning] = bytes
                    meaningOf[bytes] = meaning
                }
                for a in bytesOf.values {
                    for b in bytesOf.values {
                        try #require(a.hasSameVersion(as: b) == (a == b), "seed \(seed)")
                    }
                }
            }
        }
    }

    @Test("the model tells when a replica sends less than all it knows")
    func partialStatesAreCaught() {
        let rules = RandomHistory.Rules(sendsWholeObjects: false)
        #expect(differences(rules) > 0)
    }

    @Test("the model tells when a replica that lost writes goes on under its old actor")
    func reusedActorsAreCaught() {
        let rules = RandomHistory.Rules(renewsActors: false)
        #expect(differences(rules) > 0)
    }

    private func differences(_ rules: RandomHistory.Rules) -> Int {
        (UInt64(0)..<50).count { seed in
            var history = RandomHistory(seed: seed, rules: rules)
            return history.run(steps: 60) != nil
        }
    }
}
