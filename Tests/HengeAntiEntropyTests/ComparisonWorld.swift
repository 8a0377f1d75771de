import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Two replicas, a wire that counts, and chance that writes and breaks things between two steps.
struct ComparisonWorld {
    struct Chances {
        /// Of so many steps one has a write on either side, a failure, or an end of the pass.
        var write = 0
        var failure = 0
        var end = 0
    }

    var asker: ModelReplica
    var answerer: ModelReplica
    var limits: EntropyLimits
    var random: SeededGenerator
    var machine: Comparison
    var chances = Chances()
    /// Keys that are written in between.
    var keys: [StoredKey] = []
    var unready: Set<Int> = []
    var now = Instant(nanoseconds: 1)
    private(set) var messages = 0
    private(set) var bytes = 0
    private(set) var lists = 0
    private(set) var agreed: [Int] = []
    private(set) var settled: [Int] = []
    private(set) var problems: [String] = []
    private var startA: [StoredKey: EncodedObject] = [:]
    private var startB: [StoredKey: EncodedObject] = [:]
    private var outcome: Comparison.Outcome?

    init(
        partitionBits: Int,
        leafBits: (asker: Int, answerer: Int),
        limits: EntropyLimits = EntropyLimits(),
        seed: UInt64
    ) {
        asker = ModelReplica(actor: 1, partitionBits: partitionBits, leafBits: leafBits.asker)
        answerer = ModelReplica(actor: 2, partitionBits: partitionBits, leafBits: leafBits.answerer)
        self.limits = limits
        random = SeededGenerator(seed: seed)
        machine = Comparison(partitionBits: partitionBits, limits: limits)
    }

    var partitionBits: Int { asker.partitionBits }

    /// One pass over all partitions.
    mutating func pass() -> Comparison.Outcome {
        startA = asker.records
        startB = answerer.records
        agreed = []
        settled = []
        outcome = nil
        let roots = asker.trees.enumerated().map {
            PartitionRoot(partition: $0.offset, root: $0.element.root)
        }
        var inputs = [Comparison.Input.begin(roots, clocks: ToldClocks([]))]
        var effects = EffectBuffer<Comparison.Effect>()
        while outcome == nil, !inputs.isEmpty {
            machine.step(inputs.removeFirst(), now: now, effects: &effects)
            var list: [Comparison.Effect] = []
            effects.drain { list.append($0) }
            for effect in list {
                if outcome != nil { problems.append("an effect after finish") }
                if let input = carryOut(effect) { inputs.append(input) }
            }
            writeSometimes()
            if outcome == nil, chances.end > 0, random.chance(1, in: chances.end) {
                end(&inputs)
            }
        }
        if !machine.isIdle { problems.append("not idle at the end") }
        return outcome ?? .stopped
    }

    /// Loses the answer, or stops.
    private mutating func end(_ inputs: inout [Comparison.Input]) {
        if random.chance(1, in: 2) {
            inputs.insert(.stop, at: 0)
        } else if machine.isAsking || machine.isPushing {
            now = now + limits.timeout
            inputs = [.tick]
        }
    }

    private mutating func writeSometimes() {
        guard chances.write > 0, !keys.isEmpty, random.chance(1, in: chances.write) else { return }
        let key = keys[random.below(keys.count)]
        let isBlind = random.chance(1, in: 3)
        if random.chance(1, in: 2) {
            asker.write(key, bytes: random.below(60), isBlind: isBlind)
        } else {
            answerer.write(key, bytes: random.below(60), isBlind: isBlind)
        }
    }

    private mutating func fails() -> Bool {
        chances.failure > 0 && random.chance(1, in: chances.failure)
    }

    private mutating func carryOut(_ effect: Comparison.Effect) -> Comparison.Input? {
        switch effect {
        case .ask(let question):
            guard let heard = send(question), let answer = answer(heard), let said = send(answer)
            else { return nil }
            return .answered(said)
        case .needLeaves(let partition): return .leaves(asker.trees[partition])
        case .list(let range):
            lists += 1
            return .listed(fails() ? .failure(.io) : .success(asker.list(range)))
        case .merge(let records):
            if fails() { return .merged(changed: 0, refused: 0, success: false) }
            let refused = fails() ? 1 : 0
            let changed = records.dropFirst(refused).filter { asker.merge($0) }.count
            return .merged(changed: changed, refused: refused, success: true)
        case .push(let pushes): return .pushed(push(pushes))
        case .ready: return .allowed
        case .settled(let partition, let isAgreed):
            settled.append(partition)
            if isAgreed { check(partition) }
            return nil
        case .tellAgreed(let partitions):
            agreed += partitions
            _ = send(.agreed(partitions, clocks: []))
            return nil
        case .finish(let outcome):
            self.outcome = outcome
            return nil
        }
    }

    private mutating func push(_ pushes: [Comparison.Push]) -> HandOffResult {
        if fails() { return random.chance(1, in: 2) ? .failed(.io) : .overloaded }
        if pushes.count > limits.batchRecords { problems.append("a batch of \(pushes.count)") }
        let refused = fails() ? 1 : 0
        var batch: [HandedRecord] = []
        for push in pushes {
            guard let object = push.object ?? asker.records[push.key],
                push.known != RecordFingerprint.of(push.key, object)
            else { continue }
            batch.append(HandedRecord(key: push.key, object: object))
        }
        guard !batch.isEmpty else { return .durable(refused: 0) }
        count(.handOff(RequestID(rawValue: 1), batch))
        for record in batch.dropFirst(refused) { answerer.merge(record) }
        count(.handedOff(RequestID(rawValue: 1), .durable(refused: refused)))
        return .durable(refused: refused)
    }

    private mutating func answer(_ question: EntropyMessage) -> EntropyMessage? {
        switch question {
        case .roots(let roots, _):
            let answer = ComparisonAnswers.compare(roots) {
                unready.contains($0) ? nil : answerer.trees[$0].root
            }
            return .rootsCompared(
                differing: answer.differing,
                unready: answer.unready,
                clocks: ToldClocks([])
            )
        case .leaves(let question):
            if question.sums.count > limits.leavesMax { problems.append("too many leaves") }
            return ComparisonAnswers.compare(question, with: answerer.trees[question.partition])
                .map { .leavesCompared($0) }
        case .versions(let question):
            let range = ComparisonAnswers.list(
                for: question,
                partitionBits: partitionBits,
                limits: limits
            )
            guard let range, !fails() else { return .versionsCompared(.failed) }
            let page = answerer.list(range)
            return .versionsCompared(ComparisonAnswers.answer(question, with: page))
        default: return nil
        }
    }

    private mutating func send(_ message: EntropyMessage) -> EntropyMessage? {
        let payload = count(.entropy(RequestID(rawValue: 1), message))
        guard case .entropy(_, let read) = try? PeerMessageCodec.read(payload), read == message
        else {
            problems.append("changed by the wire: \(message)")
            return nil
        }
        return read
    }

    @discardableResult
    private mutating func count(_ message: PeerMessage) -> ByteBuffer {
        var payload = ByteBuffer()
        PeerMessageCodec.write(message, into: &payload)
        messages += 1
        bytes += payload.readableBytes
        return payload
    }

    /// What agreed promises: each has all that the other had when the pass began.
    private mutating func check(_ partition: Int) {
        for (start, end) in [(startA, answerer), (startB, asker)] {
            for (key, object) in start where key.token.partition(bits: partitionBits) == partition {
                if !end.holds(key, atLeast: object) {
                    problems.append("agreed on \(partition) without \(key.token.rawValue)")
                    return
                }
            }
        }
    }
}
