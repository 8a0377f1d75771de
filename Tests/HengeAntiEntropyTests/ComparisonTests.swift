import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

@Suite struct ComparisonTests {
    private static let seeds: UInt64 = 3_000

    @Test("random replicas: agreed means what it says, and passes in peace make both equal")
    func randomReplicas() {
        print("ComparisonTests.randomReplicas: seeds 0..<\(Self.seeds)")
        for seed in 0..<Self.seeds {
            var world = randomWorld(seed)
            for _ in 0..<world.random.below(4) {
                world.chances = .init(
                    write: world.random.below(6),
                    failure: world.random.below(2) * 12,
                    end: world.random.below(3) * 10
                )
                _ = world.pass()
            }
            world.chances = .init()
            let outcome = world.pass()
            let all = Array(0..<1 << world.partitionBits)
            guard outcome == .done, world.agreed.sorted() == all, world.settled.sorted() == all,
                world.problems.isEmpty, world.asker.records == world.answerer.records
            else {
                Issue.record("seed \(seed): \(outcome), \(world.agreed), \(world.problems)")
                return
            }
            let before = world.messages
            _ = world.pass()
            #expect(world.messages - before == 3, "seed \(seed): equal, and more than the roots")
        }
    }

    @Test("an unready partition is not agreed, and the others are")
    func unready() {
        var world = randomWorld(7)
        world.unready = [1]
        #expect(world.pass() == .done)
        #expect(!world.agreed.contains(1) && world.settled.contains(1))
        #expect(world.agreed.count == world.asker.trees.count - 1)
    }

    @Test("rotten and unreadable records keep a partition from being agreed")
    func rotten() {
        let key = StoredKey(bucket: ByteBuffer(string: "b"), key: ByteBuffer(string: "rotten"))
        let rotten = ListPage(rotten: [key])
        let unreadable = ListPage(unreadable: [.min ... .max])
        let question = VersionQuestion(partition: 0, from: .min, through: .max, fingerprints: [])
        for page in [rotten, unreadable] {
            #expect(ComparisonAnswers.answer(question, with: page) == .failed)
            var script = Script(leafBits: 0)
            script.begin()
            script.step(.listed(.success(page)))
            script.step(.allowed)
            let answer = VersionAnswer.page(through: script.through, matched: [], records: [])
            script.step(.answered(.versionsCompared(answer)))
            #expect(script.words.suffix(2) == ["settled false", "finish done"])
        }
    }

    @Test("answers that don't fit the question fail the pass", arguments: 0..<10)
    func badAnswers(kind: Int) {
        var script = Script(leafBits: 1)
        if kind == 0 {
            script.step(.begin([PartitionRoot(partition: 0, root: 5)], clocks: ToldClocks([])))
            script.step(
                .answered(.rootsCompared(differing: [1], unready: [], clocks: ToldClocks([]))))
        } else if kind == 1 {
            script.step(.begin([PartitionRoot(partition: 0, root: 5)], clocks: ToldClocks([])))
            script.step(
                .answered(.rootsCompared(differing: [0], unready: [0], clocks: ToldClocks([]))))
        } else {
            script.begin()
            let bad = [
                LeafAnswer(bits: 2, differing: [0], isEmpty: false),
                LeafAnswer(bits: 1, differing: [1, 0], isEmpty: false),
                LeafAnswer(bits: 1, differing: [2], isEmpty: false),
            ]
            if kind < 5 {
                script.step(.answered(.leavesCompared(bad[kind - 2])))
            } else if kind == 5 {
                script.step(.answered(.held(true)))
            } else {
                let good = LeafAnswer(bits: 0, differing: [0], isEmpty: false)
                script.step(.answered(.leavesCompared(good)))
                script.step(.listed(.success(ListPage())))
                script.step(.allowed)
                script.step(.answered(.versionsCompared(badPage(kind, script.through))))
            }
        }
        #expect(script.words.last == "finish failed(HengeAntiEntropy.Comparison.Failure.badAnswer)")
        #expect(script.machine.isIdle)
    }

    private func badPage(_ kind: Int, _ through: Token) -> VersionAnswer {
        var random = SeededGenerator(seed: 1)
        var foreign: StoredKey
        repeat {
            foreign = StoredKey(
                bucket: ByteBuffer(string: "b"), key: ByteBuffer(integer: random.next()))
        } while foreign.token <= through
        let record = HandedRecord(key: foreign, object: VersionedObject().encoded())
        return switch kind {
        case 6: .page(through: .max, matched: [], records: [])
        case 7: .page(through: through, matched: [true], records: [])
        case 8: .page(through: through, matched: [], records: [record])
        default: .page(through: .max, matched: [true], records: [record])
        }
    }

    @Test("stopped while the storage works, it ends when that has answered")
    func stopping() {
        var script = Script(leafBits: 0)
        script.begin()
        #expect(script.words.last == "list")
        script.step(.stop)
        #expect(script.words.last == "list" && !script.machine.isIdle)
        script.step(.listed(.success(ListPage())))
        #expect(script.words.last == "finish stopped" && script.machine.isIdle)
        script.step(.answered(.held(true)))
        script.step(.pushed(.overloaded))
        #expect(script.words.last == "finish stopped")
    }

    @Test("questions that contradict themselves are not answered")
    func unsoundQuestions() {
        let own = LeafSums(bits: 3)
        func ask(_ parentBits: Int, _ parents: [Int], _ bits: Int, _ sums: Int) -> LeafAnswer? {
            let question = LeafQuestion(
                partition: 0,
                parentBits: parentBits,
                parents: parents,
                bits: bits,
                sums: Array(repeating: 0, count: sums)
            )
            return ComparisonAnswers.compare(question, with: own)
        }
        #expect(ask(1, [0, 1], 2, 4) == LeafAnswer(bits: 2, differing: [], isEmpty: true))
        #expect(ask(4, [2, 9], 5, 4) == LeafAnswer(bits: 4, differing: [2, 9], isEmpty: true))
        #expect(ask(1, [0, 1], 2, 3) == nil && ask(1, [1, 0], 2, 4) == nil)
        #expect(ask(1, [2], 2, 2) == nil && ask(2, [0], 1, 1) == nil)
        #expect(ask(0, [0], 17, 1 << 17) == nil && ask(-1, [0], 0, 2) == nil)
        let question = VersionQuestion(partition: 0, from: .min, through: .max, fingerprints: [])
        #expect(
            ComparisonAnswers.list(for: question, partitionBits: 1, limits: EntropyLimits()) == nil
        )
    }

    // MARK: Worlds

    /// A machine of one partition of two that is driven by hand.
    private struct Script {
        var machine: Comparison
        var words: [String] = []
        let leafBits: Int
        let through = Token(rawValue: .max >> 1)

        init(leafBits: Int) {
            machine = Comparison(partitionBits: 1, limits: EntropyLimits())
            self.leafBits = leafBits
        }

        /// To where the leaves are asked, or with one leaf, the range is listed.
        mutating func begin() {
            step(.begin([PartitionRoot(partition: 0, root: 5)], clocks: ToldClocks([])))
            step(.answered(.rootsCompared(differing: [0], unready: [], clocks: ToldClocks([]))))
            var tree = LeafSums(bits: leafBits)
            tree.set(5, leaf: 0)
            step(.leaves(tree))
        }

        mutating func step(_ input: Comparison.Input) {
            var effects = EffectBuffer<Comparison.Effect>()
            machine.step(input, now: Instant(nanoseconds: 1), effects: &effects)
            effects.drain { effect in
                switch effect {
                case .ask: words.append("ask")
                case .needLeaves: words.append("leaves")
                case .list: words.append("list")
                case .merge: words.append("merge")
                case .push: words.append("push")
                case .ready: words.append("ready")
                case .settled(_, let agreed): words.append("settled \(agreed)")
                case .tellAgreed: words.append("agreed")
                case .finish(let outcome): words.append("finish \(outcome)")
                }
            }
        }
    }

    /// Small limits, so that every step takes several messages.
    private func randomWorld(_ seed: UInt64) -> ComparisonWorld {
        var random = SeededGenerator(seed: seed)
        var limits = EntropyLimits()
        limits.leavesMax = 2 + random.below(30)
        limits.versionsMax = 1 + random.below(40)
        limits.batchBytes = 1 + random.below(2_000)
        limits.batchRecords = 1 + random.below(20)
        var world = ComparisonWorld(
            partitionBits: 1 + random.below(3),
            leafBits: (random.below(9), random.below(9)),
            limits: limits,
            seed: seed
        )
        let tag = random.chance(1, in: 3) ? "{tag}" : ""
        let count = random.below(random.chance(1, in: 4) ? 400 : 40) + 1
        world.keys = (0..<count).map {
            StoredKey(bucket: ByteBuffer(string: "b"), key: ByteBuffer(string: "\(tag)\($0)"))
        }
        // Of ten records so many are common to both, and the others are on one side or both.
        let common = random.below(11)
        let side = random.below(4)
        for key in world.keys {
            if random.chance(common, in: 10) {
                world.asker.write(key, bytes: random.below(60))
                if let object = world.asker.records[key] {
                    world.answerer.merge(HandedRecord(key: key, object: object))
                }
            }
            guard random.chance(1, in: 4) || common == 0 else { continue }
            if side != 0 { world.asker.write(key, bytes: random.below(60)) }
            if side != 1 { world.answerer.write(key, bytes: random.below(60)) }
        }
        return world
    }
}
