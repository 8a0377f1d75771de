import HengeBase
import HengeRing
import Testing

@Suite struct ShardSliceTests {
    private static let all = ShardSlice.counts.filter { ShardSlice.isCount($0) }

    @Test("the counts are the powers of two up to the fewest partitions that a ring has")
    func powersOfTwo() {
        #expect(Self.all == [1, 2, 4, 8, 16, 32, 64])
        #expect(ShardSlice.counts.upperBound == RingDocument.partitionCounts.lowerBound)
        for count in [-1, 0, 3, 6, 63, 128] { #expect(!ShardSlice.isCount(count)) }
        #expect(ShardSlice.whole == ShardSlice(index: 0, count: 1))
    }

    @Test("the slices are equal stretches of the partitions, one after another", arguments: all)
    func partitions(count: Int) {
        for total in [64, 1_024, 16_384] {
            let slices = (0..<count).map { ShardSlice(index: $0, count: count) }
            let ranges = slices.map { $0.partitions(of: total) }
            #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == total)
            #expect(ranges.allSatisfy { $0.count == total / count })
            for (one, next) in zip(ranges, ranges.dropFirst()) {
                #expect(one.upperBound == next.lowerBound)
            }
        }
    }

    @Test("each token is of one slice, that of its partition", arguments: all)
    func tokens(count: Int) {
        var dice = SeededGenerator(seed: UInt64(count))
        let edges = (0..<UInt64(count)).flatMap { index in
            let first = count == 1 ? 0 : index << (64 - count.trailingZeroBitCount)
            return [first, first &- 1]
        }
        for raw in edges + (0..<200).map({ _ in dice.next() }) {
            let token = Token(rawValue: raw)
            let index = ShardSlice.index(of: token, count: count)
            for other in 0..<count {
                #expect(ShardSlice(index: other, count: count).contains(token) == (other == index))
            }
            let slice = ShardSlice(index: index, count: count)
            for bits in [6, 10, 14] {
                #expect(slice.partitions(of: 1 << bits).contains(token.partition(bits: bits)))
            }
        }
    }

    @Test("all keys of one hash slot are of one slice")
    func slots() {
        for count in Self.all {
            let pair = ["{user1000}.following", "{user1000}.followers"].map { name in
                ShardSlice.index(of: Token.of("default", name), count: count)
            }
            #expect(pair[0] == pair[1])
        }
    }
}
