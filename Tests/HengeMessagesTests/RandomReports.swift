import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import Testing

/// Random messages for reports.
extension SeededGenerator {
    mutating func anyReportFacts() -> FactsMessage {
        switch below(3) {
        case 0:
            .toldLoads(
                NodeLoads(
                    isComplete: chance(1, in: 2),
                    partitions: (0..<below(20)).map { _ in anyLoad() }
                )
            )
        case 1:
            .askSample(
                (0..<below(20)).map { _ in
                    SampleSpan(partition: below(16_384), records: 1 + below(1 << 30))
                }
            )
        default: .toldSample(anySample())
        }
    }

    mutating func anyLoad() -> KeyLoad {
        KeyLoad(
            keys: below(1 << 40),
            bytes: below(1 << 40),
            siblings: below(1_000),
            tombstones: below(1_000)
        )
    }

    private mutating func anySample() -> RecordSample {
        var sample = RecordSample()
        for _ in 0..<below(30) {
            let object = anyObject()
            anyKey().bytes.withUnsafeReadableBytes { sample.add($0, object) }
        }
        sample.otherBuckets = anyLoad()
        return sample
    }
}

@Suite struct RecordSampleTests {
    @Test("a sample adds up over nodes: counts, histograms, and the records that stand out")
    func merging() {
        for seed in 1...50 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let records = (0..<120).map { _ in (generator.anyKey(), generator.anyObject()) }
            var whole = RecordSample()
            var parts = [RecordSample(), RecordSample(), RecordSample()]
            for (index, (key, object)) in records.enumerated() {
                key.bytes.withUnsafeReadableBytes {
                    whole.add($0, object)
                    parts[index % 3].add($0, object)
                }
            }
            var merged = RecordSample()
            for part in parts { merged.add(part) }
            #expect(merged.records == 120 && merged.records == whole.records, "seed \(seed)")
            #expect(merged.keyBytes == whole.keyBytes, "seed \(seed)")
            #expect(merged.valueBytes == whole.valueBytes, "seed \(seed)")
            #expect(merged.siblings == whole.siblings && merged.tagged == whole.tagged)
            #expect(
                merged.buckets.map(\.load).total == whole.buckets.map(\.load).total,
                "seed \(seed)")
            #expect(merged.largest.map(\.bytes) == whole.largest.map(\.bytes), "seed \(seed)")
            #expect(
                merged.mostSiblings.map(\.siblings) == whole.mostSiblings.map(\.siblings),
                "seed \(seed)")
            let sizes = records.map { $0.0.bytes.readableBytes + $0.1.bytes.readableBytes }
            #expect(
                whole.largest.map(\.bytes)
                    == Array(sizes.sorted(by: >).prefix(RecordSample.recordsMax)), "seed \(seed)")
            let values = records.flatMap { $0.1.decoded().siblings }
                .filter { $0.payload != .tombstone }
            #expect(whole.valueBytes.total == values.count, "seed \(seed)")
        }
    }

    @Test("a sample stands for the population that it was drawn from")
    func scale() {
        var sample = RecordSample()
        sample.records = 200
        sample.population = 1_000
        #expect(sample.scale == 5 && !sample.isComplete)
        let load = KeyLoad(keys: 10, bytes: 33, siblings: 1).scaled(by: sample.scale)
        #expect(load == KeyLoad(keys: 50, bytes: 165, siblings: 5))
        sample.records = 1_001
        #expect(sample.scale == 1 && sample.isComplete)
    }
}
