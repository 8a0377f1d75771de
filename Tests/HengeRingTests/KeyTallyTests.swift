import HengeBase
import HengeRing
import Testing

@Suite struct KeyTallyTests {
    private func tally(_ keys: [String], bucket: String = "default") -> KeyTally {
        var tally = Array(bucket.utf8).withUnsafeBytes { KeyTally(bucket: $0) }
        for key in keys { Array(key.utf8).withUnsafeBytes { tally.add($0) } }
        return tally
    }

    @Test("keys are counted where their tokens are, by any number of partitions")
    func tokens() {
        let keys = (0..<5000).map { "user:\($0)" } + ["", "{a}1", "{a}2", "x{}y"]
        let tally = tally(keys, bucket: "b")
        var partitions = [Int](repeating: 0, count: 256)
        var fine = [Int](repeating: 0, count: KeyTally.fineParts)
        for key in keys {
            let token = Array("b".utf8).withUnsafeBytes { bucket in
                Array(key.utf8).withUnsafeBytes { Token.of(bucket: bucket, key: $0) }
            }
            partitions[token.partition(bits: 8)] += 1
            fine[Int((token.rawValue << 14) >> 54)] += 1
        }
        #expect(DistributionSurvey.spread(tally.slots, over: 256).map(\.keys) == partitions)
        #expect(tally.fine == fine)
        #expect(tally.slots.total.keys == keys.count)
        #expect(tally.slots.total.bytes == keys.reduce(0) { $0 + $1.utf8.count })
        #expect(tally.keyBytes.total == keys.count && tally.keyBytes.counts[0] == 1)
    }

    @Test("hash tags are counted, and the fullest slots come with one of their tags")
    func tags() {
        let keys =
            (0..<30).map { "{big}\($0)" } + (0..<4).map { "{small}\($0)" }
            + (0..<100).map { "plain\($0)" } + ["{}empty", "open{"]
        let tags = tally(keys).hashTags
        #expect(tags.keys == 34 && tags.isExact)
        #expect(tags.largest.map { String(decoding: $0.tag, as: UTF8.self) } == ["big", "small"])
        #expect(tags.largest.map(\.keys) == [30, 4])
        let slot = Array("big".utf8).withUnsafeBytes { Int(HashSlot.of($0)) }
        #expect(tags.largest[0].slot == slot)
    }

    @Test("numbers are counted by their powers of two")
    func histogram() {
        var histogram = BinaryHistogram()
        for number in [0, 1, 2, 3, 4, 7, 8] { histogram.add(number) }
        #expect(histogram.counts == [1, 1, 2, 2, 1])
        for (index, count) in histogram.counts.enumerated() {
            let range = BinaryHistogram.range(of: index)
            #expect([0, 1, 2, 3, 4, 7, 8].count { range.contains($0) } == count, "\(index)")
        }
        var most = BinaryHistogram()
        most.add(.max)
        #expect(most.counts.count == 64 && BinaryHistogram.range(of: 63).upperBound == .max)
        most.add(histogram)
        #expect(most.total == 8)
        #expect(BinaryHistogram(counts: [1, -1]) == nil)
    }
}
