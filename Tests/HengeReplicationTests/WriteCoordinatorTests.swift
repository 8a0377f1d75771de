import HengeBase
import HengeMessages
import HengeReplication
import Testing

@Suite struct WriteCoordinatorTests {
    @Test("hints are for those that were asked and did not store, save for refused timestamps")
    func hintable() {
        var write = WriteCoordinator(
            replicaCount: 5,
            alive: ReplicaSet(bits: 0b01111),
            required: 1
        )
        var effects = EffectBuffer<WriteCoordinator.Effect>()
        write.step(.begin, effects: &effects)
        write.step(.replicaStored(slot: 0), effects: &effects)
        write.step(.replicaRejected(slot: 1, .clockDrift), effects: &effects)
        write.step(.replicaRejected(slot: 2, .overloaded), effects: &effects)
        write.step(.deadlineReached, effects: &effects)
        #expect(write.hintable == ReplicaSet(bits: 0b01100))
    }

    typealias Input = WriteCoordinator.Input
    typealias Effect = WriteCoordinator.Effect
    typealias Outcome = WriteCoordinator.Outcome

    @Test("W=2 of N=3: the second acknowledgement answers, the straggler has missed the write")
    func secondAcknowledgementAnswers() {
        let effects = run(
            [.begin, .replicaStored(slot: 0), .replicaStored(slot: 2), .deadlineReached],
            replicas: 3,
            alive: .first(3),
            required: 2
        )
        #expect(
            effects == [
                .replicate(to: .first(3)),
                .reply(.stored),
                .finish(missing: .only(1)),
            ]
        )
    }

    @Test("every N, W, set of live replicas, order, outcome and deadline agrees with the oracle")
    func exhaustive() {
        var runs = 0
        for replicas in 1...3 {
            for bits in 1..<(1 << replicas) {
                let alive = ReplicaSet(bits: UInt16(bits))
                for required in 1...alive.count {
                    runs += exhaust(replicas, alive, required)
                }
            }
        }
        #expect(runs > 5_000)
    }

    private func exhaust(_ replicas: Int, _ alive: ReplicaSet, _ required: Int) -> Int {
        var slots: [Int] = []
        alive.forEach { slots.append($0) }
        var runs = 0
        for order in permutations(slots) {
            for answers in sequences(of: Answer.allCases, count: slots.count) {
                for deadline in 0...slots.count {
                    var script = zip(order, answers).map { slot, answer in answer.input(slot) }
                    script.insert(.deadlineReached, at: deadline)
                    // Each answer is followed by its opposite: a replica's first word must win.
                    let doubled = [.begin] + script.flatMap { [$0, contradicted($0)] }
                    let effects = run(
                        doubled,
                        replicas: replicas,
                        alive: alive,
                        required: required
                    )
                    let expected = Self.oracle(script, replicas, alive, required)
                    if effects != expected {
                        Issue.record("\(script), W=\(required): \(effects), not \(expected)")
                    }
                    runs += 1
                }
            }
        }
        return runs
    }

    /// A second, naive implementation: look at the script's prefixes until one settles it.
    private static func oracle(
        _ script: [Input],
        _ replicas: Int,
        _ alive: ReplicaSet,
        _ required: Int
    ) -> [Effect] {
        var effects: [Effect] = [.replicate(to: alive)]
        var stored: [Int] = []
        var reasons: [WriteCoordinator.Rejection] = []
        var answered = false
        for input in script {
            var outcome: Outcome?
            switch input {
            case .begin: break
            case .replicaStored(let slot): stored.append(slot)
            case .replicaRejected(_, let why): reasons.append(why)
            case .deadlineReached:
                outcome = .timedOut(stored: stored.count, required: required)
            }
            if stored.count == required { outcome = .stored }
            if alive.count - reasons.count < required {
                let why = reasons.first { $0 != .lost }
                outcome =
                    why.map { .rejected($0, stored: stored.count, required: required) }
                    ?? .timedOut(stored: stored.count, required: required)
            }
            if let outcome, !answered {
                answered = true
                effects.append(.reply(outcome))
            }
            if input == .deadlineReached || stored.count + reasons.count == alive.count { break }
        }
        var missing = ReplicaSet.first(replicas)
        for slot in stored { missing.remove(slot) }
        return effects + [.finish(missing: missing)]
    }

    @Test("state × input: what each phase does with each input")
    func table() {
        let begun: [Input] = [.begin]
        let answered: [Input] = [.begin, .replicaStored(slot: 0)]
        let done: [Input] = answered + [.deadlineReached]
        let rows: [(state: [Input], input: Input, effects: [Effect])] = [
            ([], .begin, [.replicate(to: .first(2))]),
            (begun, .replicaStored(slot: 0), [.reply(.stored)]),
            (begun, .replicaRejected(slot: 0, .lost), []),
            (
                begun, .deadlineReached,
                [.reply(.timedOut(stored: 0, required: 1)), .finish(missing: .first(2))]
            ),
            (answered, .replicaStored(slot: 0), []),
            (answered, .replicaStored(slot: 1), [.finish(missing: ReplicaSet())]),
            (answered, .replicaRejected(slot: 1, .clockDrift), [.finish(missing: .only(1))]),
            (answered, .deadlineReached, [.finish(missing: .only(1))]),
            (done, .replicaStored(slot: 1), []),
            (done, .replicaRejected(slot: 1, .lost), []),
            (done, .deadlineReached, []),
        ]
        for row in rows {
            let before = run(row.state, replicas: 2, alive: .first(2), required: 1).count
            let effects = run(row.state + [row.input], replicas: 2, alive: .first(2), required: 1)
            #expect(Array(effects.dropFirst(before)) == row.effects, "\(row.state), \(row.input)")
        }
    }

    @Test("outstanding names those that were asked and have not answered, until the end")
    func outstanding() {
        var machine = WriteCoordinator(replicaCount: 3, alive: ReplicaSet(bits: 0b101), required: 1)
        var effects = EffectBuffer<Effect>()
        #expect(machine.outstanding.isEmpty)
        machine.step(.begin, effects: &effects)
        #expect(machine.outstanding == ReplicaSet(bits: 0b101))
        machine.step(.replicaStored(slot: 2), effects: &effects)
        #expect(machine.outstanding == .only(0) && machine.hasAnswered)
        machine.step(.replicaRejected(slot: 0, .lost), effects: &effects)
        #expect(machine.outstanding.isEmpty)
    }

    @Test("Dynamo 4.5: put succeeds once W-1 others have answered besides the coordinator")
    func paperQuorum() {
        for required in 1...3 {
            let acknowledgements = (0..<required).map { Input.replicaStored(slot: $0) }
            let effects = run(
                [.begin] + acknowledgements,
                replicas: 3,
                alive: .first(3),
                required: required
            )
            #expect(effects.contains(.reply(.stored)))
            let fewer = run(
                [.begin] + acknowledgements.dropLast(),
                replicas: 3,
                alive: .first(3),
                required: required
            )
            #expect(!fewer.contains(.reply(.stored)))
        }
    }

    @Test("Dynamo 4.6: replicas that were down or failed are named, so that they can be made up to")
    func paperHandoff() {
        let effects = run(
            [
                .begin, .replicaStored(slot: 0), .replicaRejected(slot: 3, .storage(.io)),
                .replicaStored(slot: 1),
            ],
            replicas: 4,
            alive: ReplicaSet(bits: 0b1011),
            required: 2
        )
        #expect(effects.suffix(2) == [.reply(.stored), .finish(missing: ReplicaSet(bits: 0b1100))])
    }

    private enum Answer: CaseIterable {
        case stored
        case full
        case drift
        case lost

        func input(_ slot: Int) -> Input {
            switch self {
            case .stored: .replicaStored(slot: slot)
            case .full: .replicaRejected(slot: slot, .storage(.noSpace))
            case .drift: .replicaRejected(slot: slot, .clockDrift)
            case .lost: .replicaRejected(slot: slot, .lost)
            }
        }
    }

    private func contradicted(_ input: Input) -> Input {
        switch input {
        case .replicaStored(let slot): .replicaRejected(slot: slot, .overloaded)
        case .replicaRejected(let slot, _): .replicaStored(slot: slot)
        case .deadlineReached: .deadlineReached
        case .begin: .begin
        }
    }

    private func run(
        _ script: [Input],
        replicas: Int,
        alive: ReplicaSet,
        required: Int
    ) -> [Effect] {
        var machine = WriteCoordinator(replicaCount: replicas, alive: alive, required: required)
        var buffer = EffectBuffer<Effect>(capacity: 8)
        var seen: [Effect] = []
        for input in script {
            machine.step(input, effects: &buffer)
            buffer.drain { seen.append($0) }
        }
        return seen
    }
}
