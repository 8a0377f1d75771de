import HengeBase
import HengeReplication
import Testing

/// Writes while the ring changes: two quorums at once.
@Suite struct WriteQuorumTests {
    typealias Input = WriteCoordinator.Input
    typealias Effect = WriteCoordinator.Effect
    typealias Rejection = WriteCoordinator.Rejection

    /// N=3 and W=2; the node at slot 3 comes in place of the one at slot 2.
    private static let replacing = QuorumScript(
        quorums: [Quorum(slots: [0, 1, 2], required: 2), Quorum(slots: [0, 1, 3], required: 2)],
        alive: [0, 1, 2, 3]
    )

    @Test("one node takes another's place: W of the replicas of now alone are not enough")
    func story() {
        let effects = Self.replacing.run([
            .replicaStored(slot: 0), .replicaStored(slot: 2), .replicaStored(slot: 3),
            .deadlineReached,
        ])
        #expect(
            effects == [
                [.replicate(to: .first(4))],
                [],
                [],
                [.reply(.stored)],
                [.finish(missing: .only(1))],
            ]
        )
    }

    @Test("a quorum out of reach fails the write, with its numbers and its reason")
    func fails() {
        let rows: [(answers: [Input], outcome: WriteCoordinator.Outcome)] = [
            (
                [
                    .replicaStored(slot: 0), .replicaStored(slot: 2),
                    .replicaRejected(slot: 1, .overloaded),
                    .replicaRejected(slot: 3, .storage(.noSpace)),
                ],
                .rejected(.overloaded, stored: 1, required: 2)
            ),
            (
                [
                    .replicaStored(slot: 0), .replicaRejected(slot: 2, .storage(.noSpace)),
                    .replicaRejected(slot: 1, .lost), .replicaRejected(slot: 3, .lost),
                ],
                .rejected(.storage(.noSpace), stored: 1, required: 2)
            ),
            (
                // One full node leaves enough, so it is not why time ran out.
                [
                    .replicaStored(slot: 0), .replicaStored(slot: 2),
                    .replicaRejected(slot: 3, .storage(.noSpace)), .deadlineReached,
                ],
                .timedOut(stored: 1, required: 2)
            ),
            (
                [.replicaStored(slot: 3), .replicaStored(slot: 2), .deadlineReached],
                .timedOut(stored: 1, required: 2)
            ),
        ]
        for row in rows { #expect(Self.replacing.outcome(row.answers) == row.outcome) }
        let uneven = QuorumScript(
            quorums: [Quorum(slots: [0, 1], required: 1), Quorum(slots: [2, 3, 4], required: 3)],
            alive: [0, 1, 2, 3, 4]
        )
        // Both are short: the numbers are of the one that lacks more.
        #expect(
            uneven.outcome([.replicaStored(slot: 2), .deadlineReached])
                == .timedOut(stored: 1, required: 3)
        )
        // A reason of the other quorum's replica is not why this one fell short.
        #expect(
            uneven.outcome([
                .replicaRejected(slot: 0, .overloaded), .replicaRejected(slot: 2, .lost),
            ]) == .timedOut(stored: 0, required: 3)
        )
    }

    @Test("an old ring is the outcome where W is out of reach because of it, and only there")
    func staleRing() {
        let one = QuorumScript(quorums: [Quorum(slots: [0, 1, 2], required: 2)], alive: [0, 1, 2])
        func refused(_ slot: Int, _ why: Rejection) -> Input { .replicaRejected(slot: slot, why) }
        let stale = WriteCoordinator.Outcome.rejected(.staleRing, stored: 0, required: 2)
        let full = Rejection.storage(.noSpace)
        #expect(one.outcome([refused(0, .staleRing), refused(1, .staleRing)]) == stale)
        #expect(one.outcome([refused(0, .lost), refused(1, .staleRing)]) == stale)
        #expect(one.outcome([refused(0, .staleRing), refused(1, full)]) == stale)
        // It would be out of reach on the newest ring as well.
        #expect(
            one.outcome([refused(0, full), refused(1, full)])
                == .rejected(full, stored: 0, required: 2)
        )
        // One refusal leaves enough; it is not why time ran out.
        #expect(
            one.outcome([refused(0, .staleRing), .deadlineReached])
                == .timedOut(stored: 0, required: 2)
        )
        #expect(
            one.outcome([
                refused(0, .staleRing), .replicaStored(slot: 1), .replicaStored(slot: 2),
            ]) == .stored
        )
        // Each quorum has one full node; the next one alone is fenced.
        #expect(
            Self.replacing.outcome([
                refused(2, full), refused(3, .staleRing), .replicaStored(slot: 0), refused(1, full),
            ]) == .rejected(.staleRing, stored: 1, required: 2)
        )
    }

    @Test("those that refused for the ring are named, and are to get a hint like any other")
    func refusedRing() {
        var write = Self.replacing.machine()
        var effects = EffectBuffer<Effect>()
        write.step(.begin, effects: &effects)
        write.step(.replicaRejected(slot: 3, .staleRing), effects: &effects)
        write.step(.replicaRejected(slot: 1, .clockDrift), effects: &effects)
        write.step(.deadlineReached, effects: &effects)
        #expect(write.refusedRing == .only(3))
        #expect(write.hintable == ReplicaSet(bits: 0b1101))
        // The first word counts: it has not stored it after all.
        write.step(.replicaStored(slot: 3), effects: &effects)
        #expect(write.refusedRing == .only(3) && write.outstanding == .only(0).union(.only(2)))
    }

    @Test("a node is replaced: every W, order, outcome and deadline agrees with the oracle")
    func exhaustive() {
        let answers: [Rejection?] = [nil, .storage(.noSpace), .lost, .staleRing]
        var runs = 0
        for required in 1...3 {
            let script = QuorumScript(
                quorums: [[0, 1, 2], [0, 1, 3]].map { Quorum(slots: $0, required: required) },
                alive: [0, 1, 2, 3]
            )
            for order in permutations([0, 1, 2, 3]) {
                for answers in sequences(of: answers, count: 4) {
                    let inputs = zip(order, answers).map { slot, why in
                        why.map { Input.replicaRejected(slot: slot, $0) }
                            ?? .replicaStored(slot: slot)
                    }
                    for deadline in 0...4 {
                        var inputs = inputs
                        inputs.insert(.deadlineReached, at: deadline)
                        check(script.complaints(script.run(inputs), inputs), "\(inputs)")
                        runs += 1
                    }
                }
            }
        }
        #expect(runs == 3 * 24 * 256 * 5)
    }

    @Test("random quorums of up to 8 replicas each: answered once, and stored only when both are")
    func generated() {
        var isSeen: [String: Int] = [:]
        for seed in 1...10_000 as ClosedRange<UInt64> {
            let (script, inputs) = QuorumScript.random(seed: seed)
            let steps = script.run(inputs)
            check(script.complaints(steps, inputs), "seed \(seed)")
            isSeen[QuorumScript.kind(of: steps), default: 0] += 1
        }
        // Each kind of outcome came up, so none of them went unchecked.
        for kind in ["stored", "timedOut", "staleRing", "rejected"] {
            #expect(isSeen[kind, default: 0] > 300, "\(kind): \(isSeen)")
        }
    }

    @Test("one quorum is a coordinator of N replicas, whichever way it is made")
    func oneQuorum() {
        for seed in 1...5_000 as ClosedRange<UInt64> {
            let (script, inputs) = QuorumScript.random(seed: seed, quorums: 1)
            let quorum = script.quorums[0]
            let plain = WriteCoordinator(
                replicaCount: quorum.slots.count,
                alive: script.alive.replicas,
                required: quorum.required
            )
            #expect(plain.required == quorum.required && plain.next == nil)
            let steps = QuorumScript.run(inputs, on: plain)
            check(script.complaints(steps, inputs), "seed \(seed)")
        }
    }

    @Test("is as small as it was: two quorums are held inline")
    func layout() {
        #expect(MemoryLayout<WriteCoordinator>.size <= 32)
        #expect(_isPOD(WriteCoordinator.self))
    }

    // MARK: Machines that are wrong

    @Test("counting all replicas as one lot is caught", arguments: [false, true])
    func unionMutant(addsRequired: Bool) {
        expectCaught { script in
            let counts = script.quorums.map(\.required)
            let sum = min(counts.reduce(0, +), script.alive.count)
            let required = addsRequired ? sum : counts.max() ?? 1
            return WriteCoordinator(
                replicaCount: script.slots.count,
                alive: script.alive.replicas,
                required: required
            )
        }
    }

    @Test("counting the current replicas alone, or the next, is caught", arguments: [0, 1])
    func oneSidedMutant(side: Int) {
        expectCaught { script in
            let quorum = script.quorums[side]
            // One of the others has to do, since no quorum may ask for none.
            let lenient = script.quorums[1 - side]
            let one = WriteQuorum(slots: lenient.slots.replicas, required: 1)
            return WriteCoordinator(
                alive: script.alive.replicas,
                current: side == 0 ? quorum.whole : one,
                next: side == 0 ? one : quorum.whole
            )
        }
    }

    /// Runs the random scripts of two quorums on a machine that is made wrong, until one complains.
    private func expectCaught(_ make: (QuorumScript) -> WriteCoordinator) {
        var caught = 0
        var early = 0
        for seed in 1...2_000 as ClosedRange<UInt64> {
            let (script, inputs) = QuorumScript.random(seed: seed, quorums: 2)
            // A machine with one quorum takes as many replicas as one ring may have.
            guard script.slots.count <= ReplicaSet.replicasMax else { continue }
            let steps = QuorumScript.run(inputs, on: make(script))
            let complaints = script.complaints(steps, inputs)
            if !complaints.isEmpty { caught += 1 }
            if complaints.contains(where: { $0.hasPrefix("stored before") }) { early += 1 }
        }
        #expect(caught > 0, "the tests would not have noticed")
        #expect(early > 0, "no write was called stored too early")
    }

    private func check(_ complaints: [String], _ place: String) {
        if !complaints.isEmpty { Issue.record("\(place): \(complaints)") }
    }
}
