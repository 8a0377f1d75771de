import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import Testing

import struct NIOCore.ByteBuffer

@Suite struct MutationPlanTests {
    private static let now = WallTime(milliseconds: 1_000)
    private static let later = WallTime(milliseconds: 2_000)
    private static let latest = WallTime(milliseconds: 3_000)

    @Test("EXPIRE key 2s GT on a key that lives for 3 s changes nothing; LT shortens it")
    func story() {
        let object = Self.object([.live(until: Self.latest)])
        let greater = Mutation(
            content: .unchanged,
            expiry: .at(Self.later),
            condition: .expiryEarlier
        )
        #expect(decide(greater, object) == "not applied")
        let less = Mutation(content: .unchanged, expiry: .at(Self.later), condition: .expiryLater)
        #expect(decide(less, object) == "write value 1 until 2000 replacing 1 leaving 1")
    }

    /// What a key may be to a reader.
    private enum State: CaseIterable {
        case nothing
        case tombstone
        case expired
        case forever
        case shorter
        case same
        case longer

        var siblings: [Kind] {
            switch self {
            case .nothing: []
            case .tombstone: [.tombstone]
            case .expired: [.live(until: now)]
            case .forever: [.live(until: nil)]
            case .shorter: [.live(until: WallTime(milliseconds: 1_500))]
            case .same: [.live(until: later)]
            case .longer: [.live(until: latest)]
            }
        }
    }

    @Test("condition × state, with the new expiry at 2000, as Redis 7 has it")
    func conditions() {
        let rows: [(Mutation.Condition, Set<State>)] = [
            (.always, Set(State.allCases)),
            (.absent, [.nothing, .tombstone, .expired]),
            (.present, [.forever, .shorter, .same, .longer]),
            (.presentWithoutExpiry, [.forever]),
            (.presentWithExpiry, [.shorter, .same, .longer]),
            (.expiryEarlier, [.shorter]),
            (.expiryLater, [.forever, .longer]),
        ]
        for (condition, applies) in rows {
            for state in State.allCases {
                let mutation = Mutation(
                    content: .value(ByteBuffer(string: "new")),
                    expiry: .at(Self.later),
                    condition: condition
                )
                let applied = decide(mutation, Self.object(state.siblings)) != "not applied"
                #expect(applied == applies.contains(state), "\(condition) on \(state)")
            }
        }
    }

    @Test("content × expiry: what is written and how long it lives")
    func contents() {
        let until = Self.object([.live(until: Self.latest)])
        let forever = Self.object([.live(until: nil)])
        let none = Self.object([])
        let new = Mutation.Content.value(ByteBuffer(string: "new"))
        let rows: [(Mutation.Content, Mutation.Expiry, VersionedObject, String)] = [
            (new, .never, until, "write new forever replacing 1 leaving 1"),
            (new, .keep, until, "write new until 3000 replacing 1 leaving 1"),
            (new, .keep, forever, "write new forever replacing 1 leaving 1"),
            (new, .keep, none, "write new forever replacing 0 leaving 1"),
            (new, .at(Self.later), forever, "write new until 2000 replacing 1 leaving 1"),
            (.tombstone, .at(Self.later), until, "write tombstone forever replacing 1 leaving 1"),
            (.tombstone, .keep, none, "write tombstone forever replacing 0 leaving 1"),
            (.unchanged, .never, until, "write value 1 forever replacing 1 leaving 1"),
            (.unchanged, .keep, until, "write value 1 until 3000 replacing 1 leaving 1"),
            (.unchanged, .at(Self.later), none, "not applied"),
        ]
        for (content, expiry, object, expected) in rows {
            let mutation = Mutation(content: content, expiry: expiry)
            #expect(decide(mutation, object) == expected, "\(content) \(expiry)")
        }
    }

    @Test("an unchanged value is the newest live one, not a newer tombstone or expired one")
    func unchangedTakesTheNewestLive() {
        let object = Self.object([
            .live(until: nil), .live(until: Self.latest), .live(until: Self.now), .tombstone,
        ])
        let mutation = Mutation(content: .unchanged, expiry: .never)
        #expect(decide(mutation, object) == "write value 2 forever replacing 4 leaving 1")
    }

    @Test("generated: basis, cap and siblings against a count of what the context covers")
    func generated() {
        for seed in 1...4_000 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let count = generator.below(8)
            let object = Self.object((0..<count).map { _ in .live(until: nil) })
            let seen = VersionVector(
                sorted: (0..<count).filter { _ in generator.chance(1, in: 2) }
                    .map { Dot(actor: ActorID(rawValue: UInt64($0 + 1)), counter: 1) }
            )
            let limit = 1 + generator.below(8)
            let bases: [(Mutation.Basis, Int)] = [
                (.coordinator, 0), (.context(seen), count - seen.entries.count), (.nothing, count),
            ]
            for (basis, left) in bases {
                let mutation = Mutation(content: .tombstone, basis: basis)
                let expected =
                    left + 1 > limit
                    ? "conflict \(left + 1)"
                    : "write tombstone forever replacing \(count - left) leaving \(left + 1)"
                let actual = decide(mutation, object, siblingsMax: limit)
                #expect(actual == expected, "seed \(seed), \(basis)")
            }
        }
    }

    @Test("generated: a write that needs no value leaves what it leaves on the whole object")
    func withoutValues() throws {
        var replaced = 0
        for seed in 1...2_000 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let count = generator.below(4)
            let object = Self.object((0..<count).map { _ in .live(until: Self.latest) })
            let mutation = Self.anyMutation(seeing: count, &generator)
            let header = try #require(EncodedVersion.headerBytes(of: object.encoded().bytes))
            let version = try EncodedVersion(header)
            guard MutationPlan.needsNoValue(mutation),
                MutationPlan.replacesAll(of: version, mutation)
            else { continue }
            replaced += 1
            let rest = VersionedObject(context: version.context, siblings: [])
            let whole = written(mutation, on: object)
            #expect(whole != nil && written(mutation, on: rest) == whole, "seed \(seed)")
        }
        #expect(replaced > 200)
    }

    @Test("generated: a plain write leaves what it leaves by its decision, whatever it finds")
    func replacements() {
        var plain = 0
        for seed in 1...2_000 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let count = generator.below(4)
            let mutation = Self.anyMutation(seeing: count, &generator)
            guard let new = MutationPlan.replacement(mutation) else {
                guard case .coordinator = mutation.basis else { continue }
                #expect(!MutationPlan.needsNoValue(mutation), "seed \(seed)")
                continue
            }
            plain += 1
            #expect(MutationPlan.needsNoValue(mutation), "seed \(seed)")
            let kinds: [Kind] = [.tombstone, .live(until: nil), .live(until: Self.now)]
            let object = Self.object((0..<count).map { _ in kinds[generator.below(3)] })
            let sibling = Sibling(
                dot: dot(99, 1),
                timestamp: HybridTimestamp(rawValue: 1),
                expiry: new.expiry,
                payload: new.payload
            )
            var context = object.context
            context.record(sibling.dot)
            let left = VersionedObject(context: context, siblings: [sibling])
            #expect(written(mutation, on: object) == left, "seed \(seed)")
        }
        #expect(plain > 100)
    }

    private static func anyMutation(
        seeing count: Int,
        _ generator: inout SeededGenerator
    ) -> Mutation {
        let seen = VersionVector(
            sorted: (0..<count).filter { _ in generator.chance(3, in: 4) }
                .map { Dot(actor: ActorID(rawValue: UInt64($0 + 1)), counter: 1) }
        )
        let bases: [Mutation.Basis] = [.coordinator, .context(seen), .nothing]
        let new = Mutation.Content.value(ByteBuffer(string: "new"))
        return Mutation(
            content: [new, .tombstone, .unchanged][generator.below(3)],
            basis: bases[generator.below(3)],
            expiry: [.never, .at(later), .keep][generator.below(3)],
            condition: generator.chance(1, in: 4) ? .present : .always,
            returnsPrevious: generator.chance(1, in: 4)
        )
    }

    private func written(_ mutation: Mutation, on object: VersionedObject) -> VersionedObject? {
        let decision = MutationPlan.decide(mutation, on: object, wall: Self.now, siblingsMax: 1)
        guard case .write(let payload, let expiry, let replacing) = decision else { return nil }
        var object = object
        let sibling = Sibling(
            dot: dot(99, 1),
            timestamp: HybridTimestamp(rawValue: 1),
            expiry: expiry,
            payload: payload
        )
        object.write(sibling, replacing: replacing)
        return object
    }

    @Test("DVV 4: a put replaces exactly the versions that its context covers")
    func paperContext() {
        let object = Self.object([.live(until: nil), .live(until: nil), .live(until: nil)])
        let seen = VersionVector(sorted: [dot(2, 1)])
        let mutation = Mutation(content: .tombstone, basis: .context(seen))
        #expect(decide(mutation, object) == "write tombstone forever replacing 1 leaving 3")
    }

    private enum Kind {
        case tombstone
        case live(until: WallTime?)
    }

    /// Siblings by actors 1, 2, …, each newer than the one before.
    private static func object(_ kinds: [Kind]) -> VersionedObject {
        var object = VersionedObject()
        for (index, kind) in kinds.enumerated() {
            let number = UInt64(index + 1)
            var expiry: WallTime?
            var payload = Sibling.Payload.tombstone
            if case .live(let until) = kind {
                expiry = until
                payload = .value(ByteBuffer(string: "value \(number)"))
            }
            let sibling = Sibling(
                dot: dot(number, 1),
                timestamp: HybridTimestamp(rawValue: number),
                expiry: expiry,
                payload: payload
            )
            object.write(sibling, replacing: VersionVector())
        }
        return object
    }

    private func decide(
        _ mutation: Mutation,
        _ object: VersionedObject,
        siblingsMax: Int = 100
    ) -> String {
        let decision = MutationPlan.decide(
            mutation,
            on: object,
            wall: Self.now,
            siblingsMax: siblingsMax
        )
        switch decision {
        case .notApplied: return "not applied"
        case .conflict(let siblings): return "conflict \(siblings)"
        case .write(let payload, let expiry, let replacing):
            let left = object.siblingCount(afterWriteReplacing: replacing)
            let replaced = object.siblings.count { replacing.covers($0.dot) }
            let until = expiry.map { "until \($0.milliseconds)" } ?? "forever"
            var text = "tombstone"
            if case .value(let value, _) = payload { text = String(buffer: value) }
            return "write \(text) \(until) replacing \(replaced) leaving \(left)"
        }
    }
}
