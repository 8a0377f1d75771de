import Foundation
import HengeBase
import HengeMessages
import HengeRing
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

@Suite struct CorruptionTests {
    private let directory = TestDirectory()
    private static let whole = ScanRange(
        from: .min,
        through: .max,
        bucket: nil,
        limit: 10_000,
        examinedMax: 10_000,
        wall: TestObjects.wall
    )

    /// Damage of each kind: a wrong bit, a value cut short, a value of another key, and nothing at
    /// all.
    @Test("a record that fails its checksum is corrupt to every reader", arguments: 0..<4)
    func recordChecksum(_ kind: Int) throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        let path = store.options.directory
        let key = TestObjects.key("harmed")
        let object = Array(buffer: TestObjects.object("value"))
        #expect(store.persist(TestObjects.key("whole"), TestObjects.object("v")) == nil)
        store.shutDown()

        let raw = Array(buffer: key.bytes)
        var value = RawDatabase.sealed(object, key: raw)
        switch kind {
        case 0: value[3] ^= 0x10
        case 1: value.removeLast(5)
        case 2: value = RawDatabase.sealed(object, key: raw + [0])
        default: value = []
        }
        do { try RawDatabase(path).put(raw, value, family: 1) }

        let (engine, again) = try reopened(path)
        defer { again.shutDown() }
        #expect(again.load(key) == .failure(.corrupt))
        #expect(again.load(TestObjects.key("whole")) == .success(TestObjects.object("v")))
        #expect(again.scan(Self.whole) == .failure(.corrupt))
        let tally = try #require(again.tally())
        #expect(tally.corruptRecords == 1)
        #expect(tally.partitions.reduce(.nothing, +).records == 1)
        #expect(engine.metrics.failuresCorrupt >= 2)

        // Writing it again heals it.
        #expect(again.persist(key, TestObjects.object("healed")) == nil)
        #expect(again.load(key) == .success(TestObjects.object("healed")))
        #expect(try again.scan(Self.whole).get().keys.count == 2)
    }

    @Test("a record sealed by hand reads as the engine's own")
    func recordForm() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        let path = store.options.directory
        store.shutDown()
        let key = TestObjects.key("by hand")
        let raw = Array(buffer: key.bytes)
        let object = Array(buffer: TestObjects.object("v"))
        do { try RawDatabase(path).put(raw, RawDatabase.sealed(object, key: raw), family: 1) }
        let (_, again) = try reopened(path)
        defer { again.shutDown() }
        #expect(again.load(key) == .success(TestObjects.object("v")))
    }

    @Test("keys and objects that are none are corrupt to a scan, and counted apart")
    func malformed() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        let path = store.options.directory
        store.shutDown()
        let key = Array(buffer: TestObjects.key("k").bytes)
        do {
            let raw = try RawDatabase(path)
            raw.put([1, 2], RawDatabase.sealed([1], key: [1, 2]), family: 1)
            raw.put(key, RawDatabase.sealed([1], key: key), family: 1)
        }
        let (_, again) = try reopened(path)
        defer { again.shutDown() }
        #expect(again.scan(Self.whole) == .failure(.corrupt))
        var range = Self.whole
        range.from = Token(rawValue: 0x0200_0000_0000_0000)
        #expect(again.scan(range) == .failure(.corrupt))
        #expect(try #require(again.tally()).corruptRecords == 2)
    }

    /// Flips bytes all over the table files: whatever is hit (data, index, filter, footer), the
    /// engine must answer every read with the record or with a failure, never with something else.
    @Test("wrong bytes in table files never crash and never give a wrong answer", arguments: 0..<4)
    func tableFiles(_ seed: Int) throws {
        let store = try RocksDBUnderTest(in: directory) { $0.writeBufferBytes = 64 << 10 }
        let path = store.options.directory
        var random = SeededGenerator(seed: UInt64(seed))
        var records: [(StoredKey, ByteBuffer)] = []
        for number in 0..<200 {
            let value = TestObjects.noise(500, &random)
            records.append((TestObjects.key("k\(number)"), TestObjects.object(value)))
            let (key, object) = records[number]
            store.send(.persist(key, object, StorageToken(rawValue: 0)))
        }
        store.endTurn()
        _ = store.settle()
        store.engine.closeClean(state: ByteBuffer())
        let harmed = try harmTables(path, &random)
        #expect(harmed > 0)

        guard let (engine, again) = try? reopened(path) else { return }
        defer { again.shutDown() }
        var failures = 0
        for (key, object) in records {
            switch again.load(key) {
            case .success(let found): #expect(found == object, "seed \(seed)")
            case .failure(let failure):
                failures += 1
                #expect(failure == .corrupt, "seed \(seed)")
            }
        }
        #expect(failures > 0, "seed \(seed): nothing was hit")
        #expect(engine.metrics.failuresCorrupt >= failures)
        if case .success(let page) = again.scan(Self.whole) { #expect(page.keys.count == 200) }
        _ = again.tally()
    }

    /// Flips one byte in every 4 KiB of every table file; how many.
    private func harmTables(_ path: String, _ random: inout SeededGenerator) throws -> Int {
        var harmed = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
            guard name.hasSuffix(".sst") else { continue }
            let url = URL(fileURLWithPath: path + "/" + name)
            var data = try Data(contentsOf: url)
            guard data.count > 16_384 else { continue }
            // The last part holds footer and properties, without which the file isn't opened at
            // all.
            for start in stride(from: 0, to: data.count - 16_384, by: 4_096) {
                data[start + random.below(4_096)] ^= 0x41
                harmed += 1
            }
            try data.write(to: url)
        }
        return harmed
    }

    private func reopened(_ path: String) throws -> (RocksDBEngine, RocksDBUnderTest) {
        var options = RocksDBEngine.Options(directory: path, partitionBits: 6)
        options.blockCacheBytes = 256 << 10
        let store = try RocksDBUnderTest(options)
        return (store.engine, store)
    }
}
