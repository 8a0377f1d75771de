import HengeBase
import HengeReplication

/// W of some slots, for the naive side.
struct Quorum {
    let slots: Set<Int>
    let required: Int

    var whole: WriteQuorum { WriteQuorum(slots: slots.replicas, required: required) }
}

/// A write to one or two quorums, and a second, naive opinion of what must come of it.
struct QuorumScript {
    typealias Input = WriteCoordinator.Input
    typealias Effect = WriteCoordinator.Effect
    typealias Outcome = WriteCoordinator.Outcome
    typealias Rejection = WriteCoordinator.Rejection

    /// One or two, the current one first.
    let quorums: [Quorum]
    let alive: Set<Int>

    /// All that should hold the write.
    var slots: Set<Int> { quorums.reduce(into: []) { $0.formUnion($1.slots) } }

    // MARK: Running

    func machine() -> WriteCoordinator {
        WriteCoordinator(
            alive: alive.replicas,
            current: quorums[0].whole,
            next: quorums.count > 1 ? quorums[1].whole : nil
        )
    }

    func run(_ inputs: [Input]) -> [[Effect]] { Self.run(inputs, on: machine()) }

    /// The effects of each step: of `.begin`, then of each input.
    static func run(_ inputs: [Input], on machine: WriteCoordinator) -> [[Effect]] {
        var machine = machine
        var buffer = EffectBuffer<Effect>(capacity: 8)
        return ([.begin] + inputs).map { input in
            machine.step(input, effects: &buffer)
            var step: [Effect] = []
            buffer.drain { step.append($0) }
            return step
        }
    }

    /// What the client hears, if it has heard anything by then.
    func outcome(_ inputs: [Input]) -> Outcome? { Self.outcome(run(inputs)) }

    private static func outcome(_ steps: [[Effect]]) -> Outcome? {
        for case .reply(let outcome) in steps.joined() { return outcome }
        return nil
    }

    static func kind(of steps: [[Effect]]) -> String {
        switch outcome(steps) {
        case .stored: "stored"
        case .timedOut: "timedOut"
        case .rejected(.staleRing, _, _): "staleRing"
        case .rejected: "rejected"
        case nil: "none"
        }
    }

    // MARK: Judging

    /// What is wrong with the effects of a run, in words.
    ///
    /// - Parameter inputs: with a deadline among them, so that the write comes to an end.
    func complaints(_ steps: [[Effect]], _ inputs: [Input]) -> [String] {
        var complaints: [String] = []
        let all = steps.flatMap { $0 }
        let replies = all.count { if case .reply = $0 { true } else { false } }
        if replies != 1 { complaints.append("\(replies) replies") }
        if let at = steps.firstIndex(where: { $0.contains(.reply(.stored)) }) {
            let stored = firstWords(Array(inputs.prefix(at))).stored
            for quorum in quorums where quorum.slots.intersection(stored).count < quorum.required {
                complaints.append("stored before \(quorum) was met, by \(stored)")
            }
        }
        for (step, (got, wanted)) in zip(steps, expected(inputs)).enumerated() where got != wanted {
            complaints.append("step \(step): \(got), not \(wanted)")
        }
        return complaints
    }

    private struct Words {
        var stored: Set<Int> = []
        /// In the order in which they came.
        var refusals: [(slot: Int, why: Rejection)] = []

        var known: Set<Int> { stored.union(refusals.map(\.slot)) }
    }

    private func firstWords(_ inputs: [Input]) -> Words {
        var words = Words()
        for input in inputs {
            switch input {
            case .begin: break
            case .replicaStored(let slot):
                if !words.known.contains(slot) { words.stored.insert(slot) }
            case .replicaRejected(let slot, let why):
                if !words.known.contains(slot) { words.refusals.append((slot, why)) }
            case .deadlineReached: return words
            }
        }
        return words
    }

    /// The effects of each step, from nothing but what has been said up to it.
    private func expected(_ inputs: [Input]) -> [[Effect]] {
        var steps: [[Effect]] = [[.replicate(to: alive.replicas)]]
        var hasReplied = false
        var hasFinished = false
        for count in inputs.indices.map({ $0 + 1 }) {
            var step: [Effect] = []
            let words = firstWords(Array(inputs.prefix(count)))
            let isOver = inputs[count - 1] == .deadlineReached
            if !hasReplied, let outcome = verdict(words, isOver: isOver) {
                hasReplied = true
                step.append(.reply(outcome))
            }
            if !hasFinished, isOver || (hasReplied && words.known == alive) {
                hasFinished = true
                step.append(.finish(missing: slots.subtracting(words.stored).replicas))
            }
            steps.append(step)
        }
        return steps
    }

    private func verdict(_ words: Words, isOver: Bool) -> Outcome? {
        func held(_ quorum: Quorum) -> Int { quorum.slots.intersection(words.stored).count }
        func left(_ quorum: Quorum, _ isGone: (Rejection) -> Bool) -> Int {
            let gone = words.refusals.filter { isGone($0.why) }.map(\.slot)
            return quorum.slots.intersection(alive).subtracting(gone).count
        }
        /// The first of those that lack most.
        func neediest(_ quorums: [Quorum]) -> Quorum? {
            let most = quorums.map { $0.required - held($0) }.max()
            return quorums.first { $0.required - held($0) == most }
        }
        let unmet = quorums.filter { held($0) < $0.required }
        if unmet.isEmpty { return .stored }
        let hopeless = unmet.filter { left($0) { _ in true } < $0.required }
        let fenced = hopeless.filter { left($0) { $0 != .staleRing } >= $0.required }
        if let quorum = neediest(fenced) {
            return .rejected(.staleRing, stored: held(quorum), required: quorum.required)
        }
        if let quorum = neediest(hopeless) {
            let why = words.refusals.first { refusal in
                quorum.slots.contains(refusal.slot)
                    && refusal.why != .lost && refusal.why != .staleRing
            }
            return why.map { .rejected($0.why, stored: held(quorum), required: quorum.required) }
                ?? .timedOut(stored: held(quorum), required: quorum.required)
        }
        guard isOver, let quorum = neediest(unmet) else { return nil }
        return .timedOut(stored: held(quorum), required: quorum.required)
    }

    // MARK: Making

    /// A script and what its replicas and the clock say, repeated and contradictory words and some
    /// after the end among them. The same for the same seed.
    static func random(seed: UInt64, quorums: Int? = nil) -> (QuorumScript, [Input]) {
        var generator = SeededGenerator(seed: seed)
        let hasTwo = quorums.map { $0 == 2 } ?? generator.chance(3, in: 4)
        let script = make(hasTwo: hasTwo, &generator)
        let failsInTen = generator.below(9)
        var inputs: [Input] = []
        for slot in script.alive.sorted().shuffled(using: &generator) {
            inputs.append(word(of: slot, failsInTen, &generator))
            while generator.chance(1, in: 4) {
                let slots = script.alive.sorted()
                let early = inputs.count - 1
                let any = slots[generator.below(slots.count)]
                // Also one that comes before that replica's turn, and then is its first word.
                inputs.insert(word(of: any, failsInTen, &generator), at: early)
            }
        }
        // Mostly late, and sometimes twice.
        let isLate = generator.chance(2, in: 3)
        inputs.insert(
            .deadlineReached,
            at: isLate ? inputs.count : generator.below(inputs.count + 1)
        )
        if generator.chance(1, in: 3) {
            inputs += inputs.prefix(3)
            inputs.append(.deadlineReached)
        }
        return (script, inputs)
    }

    private static func make(hasTwo: Bool, _ generator: inout SeededGenerator) -> QuorumScript {
        let most = ReplicaSet.replicasMax
        let count = 1 + generator.below(generator.chance(1, in: 2) ? 3 : most)
        var quorums = [Quorum(slots: Set(0..<count), required: 1 + generator.below(count))]
        if hasTwo {
            let nextCount = 1 + generator.below(generator.chance(1, in: 2) ? 3 : most)
            let shared = generator.below(min(count, nextCount) + 1)
            let kept = (0..<count).shuffled(using: &generator).prefix(shared)
            let slots = Set(kept).union(count..<(count + nextCount - shared))
            quorums.append(Quorum(slots: slots, required: 1 + generator.below(nextCount)))
        }
        var alive = quorums.reduce(into: Set<Int>()) { $0.formUnion($1.slots) }
        for slot in alive.sorted() where generator.chance(1, in: 6) {
            let fewer = alive.subtracting([slot])
            let isEnough = quorums.allSatisfy {
                $0.slots.intersection(fewer).count >= $0.required
            }
            if isEnough { alive = fewer }
        }
        return QuorumScript(quorums: quorums, alive: alive)
    }

    private static func word(
        of slot: Int,
        _ failsInTen: Int,
        _ generator: inout SeededGenerator
    ) -> Input {
        guard generator.chance(failsInTen, in: 10) else { return .replicaStored(slot: slot) }
        let reasons: [Rejection] = [
            .storage(.noSpace), .storage(.io), .clockDrift, .overloaded, .lost, .staleRing,
            .staleRing,
        ]
        return .replicaRejected(slot: slot, reasons[generator.below(reasons.count)])
    }
}

extension Set<Int> {
    var replicas: ReplicaSet { reduce(into: ReplicaSet()) { $0.insert($1) } }
}
