import HengeBase
import HengeMessages
import HengeRing

/// Random values of what nodes say to each other for anti-entropy.
extension SeededGenerator {
    static let entropyKinds = 9

    mutating func anyEntropy() -> EntropyMessage {
        switch below(Self.entropyKinds) {
        case 0:
            let roots = (0..<below(6)).map { _ in
                PartitionRoot(partition: below(16_384), root: next())
            }
            return .roots(roots, clocks: anyTold())
        case 1:
            return .rootsCompared(
                differing: anyPartitions(),
                unready: anyPartitions(),
                clocks: anyTold()
            )
        case 2: return .leaves(anyLeafQuestion())
        case 3:
            let bits = below(LeafSums.bitsMax + 1)
            let differing = anyRising(upTo: 5, below: 1 << bits)
            return .leavesCompared(
                LeafAnswer(bits: bits, differing: differing, isEmpty: chance(1, in: 2))
            )
        case 4:
            let range = anyScanRange()
            return .versions(
                VersionQuestion(
                    partition: below(16_384),
                    from: range.from,
                    through: range.through,
                    fingerprints: (0..<below(6)).map { _ in next() }
                )
            )
        case 5: return .versionsCompared(anyVersionAnswer())
        case 6: return .agreed(anyPartitions(), clocks: anyClocks())
        case 7: return .askHeld
        default: return .held(chance(1, in: 2))
        }
    }

    private mutating func anyPartitions() -> [Int] {
        (0..<below(6)).map { _ in below(16_384) }
    }

    private mutating func anyTold() -> ToldClocks {
        ToldClocks(anyClocks(), isAll: chance(1, in: 2), wantsAll: chance(1, in: 2))
    }

    private mutating func anyClocks() -> [PartitionClock] {
        (0..<below(4)).map { _ in
            PartitionClock(partition: below(16_384), clock: anyVector())
        }
    }

    private mutating func anyRising(upTo count: Int, below bound: Int) -> [Int] {
        Set((0..<below(count + 1)).map { _ in below(bound) }).sorted()
    }

    private mutating func anyLeafQuestion() -> LeafQuestion {
        let bits = below(LeafSums.bitsMax + 1)
        let parentBits = max(0, bits - below(4))
        let parents = anyRising(upTo: 4, below: 1 << parentBits)
        return LeafQuestion(
            partition: below(16_384),
            parentBits: parentBits,
            parents: parents,
            bits: bits,
            sums: (0..<parents.count << (bits - parentBits)).map { _ in next() }
        )
    }

    private mutating func anyVersionAnswer() -> VersionAnswer {
        guard chance(3, in: 4) else { return .failed }
        return .page(
            through: Token(rawValue: next()),
            matched: (0..<below(20)).map { _ in chance(1, in: 2) },
            records: (0..<below(4)).map { _ in HandedRecord(key: anyKey(), object: anyObject()) }
        )
    }
}
