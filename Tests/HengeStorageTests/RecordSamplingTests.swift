import HengeBase
import HengeMessages
import HengeRing
import HengeStorage
import Testing

@Suite struct RecordSamplingTests {
    private func ring() throws -> Ring {
        Ring(
            try RingDocument.bootstrap(
                try BootstrapList.parse("n1=h:1"), replicas: 1, partitions: 64))
    }

    /// Reads a sample to its end.
    private func sample(
        _ spans: [SampleSpan],
        starts: [UInt64],
        of store: RocksDBUnderTest
    ) throws -> (sample: RecordSample, pages: Int) {
        var sampling = RecordSampling(spans, ring: try ring(), starts: starts)
        var pages = 0
        while !sampling.isDone {
            let box = Box<Result<RecordSampling, StorageFailure>>()
            store.engine.read(sampling) { box.put($0) }
            sampling = try box.wait().get()
            pages += 1
            try #require(pages < 10_000)
        }
        return (sampling.sample, pages)
    }

    private func fill(_ store: RocksDBUnderTest, count: Int) -> [StoredKey] {
        var keys: [StoredKey] = []
        for number in 0..<count {
            let key = TestObjects.key("k\(number)")
            let object = TestObjects.object(String(repeating: "v", count: 1 + number % 300))
            store.send(.persist(key, object, StorageToken(rawValue: UInt64(number))))
            keys.append(key)
        }
        store.endTurn()
        _ = store.settle()
        return keys
    }

    @Test("asked for all, it meets each record once, wherever it begins")
    func all() throws {
        let store = try RocksDBUnderTest { _ in }
        defer { store.shutDown() }
        let keys = fill(store, count: 3_000)
        var generator = SeededGenerator(seed: 8)
        let spans = (0..<64).map { SampleSpan(partition: $0, records: 1 << 20) }
        for _ in 0..<5 {
            let starts = spans.map { _ in generator.next() }
            let (sample, pages) = try sample(spans, starts: starts, of: store)
            #expect(sample.records == keys.count && pages > 3)
            #expect(sample.buckets.map(\.load.keys) == [3_000])
            #expect(sample.valueBytes.total == 3_000)
            #expect(sample.largest.count == RecordSample.recordsMax)
            #expect(Set(sample.largest.map(\.key)).count == RecordSample.recordsMax)
        }
    }

    @Test("asked for some, it reads so many of each partition and no others")
    func some() throws {
        let store = try RocksDBUnderTest { _ in }
        defer { store.shutDown() }
        let keys = fill(store, count: 3_000)
        var counts = [Int](repeating: 0, count: 64)
        for key in keys { counts[key.token.partition(bits: 6)] += 1 }
        var generator = SeededGenerator(seed: 9)
        for seed in 1...20 {
            let spans = [
                SampleSpan(partition: 5, records: 7), SampleSpan(partition: 9, records: 3),
            ]
            let starts = spans.map { _ in generator.next() }
            let (sample, _) = try sample(spans, starts: starts, of: store)
            #expect(sample.records == min(7, counts[5]) + min(3, counts[9]), "draw \(seed)")
            for record in sample.largest {
                let key = TestObjects.key(String(decoding: record.key, as: UTF8.self))
                #expect([5, 9].contains(key.token.partition(bits: 6)), "draw \(seed)")
            }
        }
        // A partition that the ring does not have is nothing to read.
        let none = try sample(
            [SampleSpan(partition: 64, records: 1)], starts: [0], of: store)
        #expect(none.sample.records == 0 && none.pages == 0)
    }
}
