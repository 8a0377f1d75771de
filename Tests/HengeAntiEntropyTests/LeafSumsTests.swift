import HengeBase
import HengeMessages
import HengeRing
import Testing

@Suite struct LeafSumsTests {
    @Test("the tokens of a leaf are those that fall in it, at every resolution of every ring")
    func leavesAndTokens() {
        var generator = SeededGenerator(seed: 1)
        for partitionBits in 6...14 {
            for bits in 0...LeafSums.bitsMax {
                for _ in 0..<20 {
                    let token = Token(rawValue: generator.next())
                    check(token, bits: bits, partitionBits: partitionBits)
                }
            }
        }
    }

    private func check(_ token: Token, bits: Int, partitionBits: Int) {
        let partition = token.partition(bits: partitionBits)
        let leaf = LeafSums.leaf(of: token, bits: bits, partitionBits: partitionBits)
        let tokens = LeafSums.tokens(
            of: leaf...leaf,
            bits: bits,
            partition: partition,
            partitionBits: partitionBits
        )
        #expect(tokens.contains(token), "\(partitionBits) \(bits) \(token)")
        for end in [tokens.lowerBound, tokens.upperBound] {
            #expect(end.partition(bits: partitionBits) == partition)
            #expect(LeafSums.leaf(of: end, bits: bits, partitionBits: partitionBits) == leaf)
        }
        let width = UInt64(1) << UInt64(64 - partitionBits - bits)
        #expect(tokens.upperBound.rawValue - tokens.lowerBound.rawValue == width - 1)
    }

    @Test("a folded tree is the coarser tree, and the root that of every resolution")
    func folds() {
        for seed in 1...30 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let partitionBits = 6 + generator.below(9)
            var trees = (0...10).map { LeafSums(bits: $0) }
            for _ in 0..<200 {
                let token = Token(rawValue: generator.next() >> UInt64(partitionBits))
                let change = generator.next()
                for bits in trees.indices {
                    trees[bits].add(change, at: token, partitionBits: partitionBits)
                }
            }
            for bits in trees.indices {
                #expect(trees[10].folded(to: bits) == trees[bits], "seed \(seed)")
                #expect(trees[bits].root == trees[0].root, "seed \(seed)")
                #expect(trees[bits].folded(to: 16) == trees[bits], "seed \(seed)")
            }
        }
    }

    @Test("trees of different resolution are equal when folded exactly when the contents are")
    func comparison() {
        for seed in 1...100 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let bits = [generator.below(9), generator.below(9)]
            var trees = bits.map { LeafSums(bits: $0) }
            var contents: [[UInt64: UInt64]] = [[:], [:]]
            for _ in 0..<60 {
                let side = generator.below(2)
                let place = UInt64(generator.below(4))
                let token = Token(rawValue: place << 47)
                let sum = UInt64(generator.below(2)) * 77
                let change = sum &- contents[side][place, default: 0]
                trees[side].add(change, at: token, partitionBits: 14)
                contents[side][place] = sum == 0 ? nil : sum
                let common = min(bits[0], bits[1])
                let isEqual = trees[0].folded(to: common) == trees[1].folded(to: common)
                // A root alone can't tell apart records of one fingerprint; three leaves' bits can.
                if common >= 3 || contents[0] == contents[1] {
                    #expect(isEqual == (contents[0] == contents[1]), "seed \(seed)")
                }
            }
        }
    }

    @Test("sums of a foreign shape are refused")
    func foreign() {
        #expect(LeafSums(sums: []) == nil)
        #expect(LeafSums(sums: [1, 2, 3]) == nil)
        #expect(LeafSums(sums: Array(repeating: 0, count: 1 << 17)) == nil)
        #expect(LeafSums(sums: [1, 2, 3, 4])?.bits == 2)
    }
}
