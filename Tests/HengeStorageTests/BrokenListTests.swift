import Foundation
import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

/// Lists over damage, on the real engine.
@Suite struct BrokenListTests {
    private let directory = TestDirectory()

    @Test("a record that fails its checksum is named, and the others are listed", arguments: 0..<4)
    func rottenRecord(_ kind: Int) throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        let path = store.options.directory
        var expected: [StoredKey] = []
        for number in 0..<100 {
            expected.append(TestObjects.key("k\(number)"))
            #expect(store.persist(expected[number], TestObjects.object("v")) == nil)
        }
        store.shutDown()
        let harmed = expected.remove(at: 50)
        let raw = Array(buffer: harmed.bytes)
        var value = RawDatabase.sealed(Array(buffer: TestObjects.object("v")), key: raw)
        switch kind {
        case 0: value[3] ^= 0x10
        case 1: value.removeLast(5)
        case 2: value = RawDatabase.sealed([1], key: raw)
        default: value = []
        }
        do { try RawDatabase(path).put(raw, value, family: 1) }

        let again = try reopened(path)
        defer { again.shutDown() }
        let failures = again.engine.metrics.failuresCorrupt
        let range = ListRange(from: .min, through: .max, kind: .objects(except: []))
        let page = try again.list(range).get()
        #expect(page.rotten == [harmed])
        #expect(page.unreadable.isEmpty)
        #expect(page.records.map(\.key) == expected.sorted { $0.token < $1.token })
        #expect(again.engine.metrics.failuresCorrupt == failures + 1)
        #expect(again.engine.metrics.lists == 1)

        #expect(again.remove(harmed) == nil)
        #expect(try again.list(range).get().rotten.isEmpty)
    }

    @Test("a key that is none is a stretch of its own, and the rest is listed")
    func malformedKey() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        let path = store.options.directory
        let key = TestObjects.key("k")
        #expect(store.persist(key, TestObjects.object("v")) == nil)
        store.shutDown()
        do { try RawDatabase(path).put([1, 2], [3], family: 1) }
        let again = try reopened(path)
        defer { again.shutDown() }
        let page = try again.list(ListRange(from: .min, through: .max, kind: .versions)).get()
        let token = Token(rawValue: 0x0102 << 48)
        #expect(page.unreadable == [token...token])
        #expect(page.records.map(\.key) == [key])
    }

    /// Flips a byte in some of the blocks of a table file. All that isn't in a stretch that is
    /// reported must be listed, whole; and what is reported must be small.
    @Test("broken blocks are reported, and all that lies outside is listed", arguments: 1...12)
    func brokenBlocks(_ breaks: Int) throws {
        let store = try RocksDBUnderTest(in: directory) { $0.writeBufferBytes = 8 << 20 }
        let path = store.options.directory
        var random = SeededGenerator(seed: UInt64(breaks))
        var records: [StoredKey: ByteBuffer] = [:]
        for number in 0..<2_000 {
            let key = TestObjects.key("k\(number)")
            records[key] = TestObjects.object(TestObjects.noise(500, &random))
            store.send(.persist(key, records[key] ?? ByteBuffer(), StorageToken(rawValue: 0)))
        }
        store.endTurn()
        _ = store.settle()
        store.engine.closeClean(state: ByteBuffer())
        try harmTables(path, breaks: breaks, &random)

        let again = try reopened(path)
        defer { again.shutDown() }
        // What was written since lies elsewhere.
        let fresh = TestObjects.key("fresh")
        records[fresh] = TestObjects.object("v")
        #expect(again.persist(fresh, TestObjects.object("v")) == nil)
        var range = ListRange(from: .min, through: .max, kind: .objects(except: []))
        range.examinedMax = 300
        var found: [ListedRecord] = []
        var stretches: [ClosedRange<Token>] = []
        var pages = 0
        while pages < 100 {
            let page = try again.list(range).get()
            pages += 1
            found += page.records
            stretches += page.unreadable
            #expect(page.rotten.isEmpty)
            guard let next = page.next else { break }
            #expect(next > range.from)
            range.from = next
        }
        #expect(pages < 100)
        #expect(stretches.count >= 1 && stretches.count <= breaks, "seed \(breaks)")
        for listed in found { #expect(listed.object?.bytes == records[listed.key]) }
        let lost = Set(records.keys).subtracting(found.map(\.key))
        #expect(!lost.isEmpty, "seed \(breaks): nothing was hit")
        #expect(lost.allSatisfy { key in stretches.contains { $0.contains(key.token) } })
        // A block of 4 KiB holds at most eight.
        #expect(lost.count <= 8 * breaks, "seed \(breaks): \(lost.count) lost")
        #expect(zip(found, found.dropFirst()).allSatisfy { $0.key.token < $1.key.token })

        // The same, for each stretch alone: nothing of it can be read, and that is no failure.
        let stretch = try #require(stretches.first)
        let inside = ListRange(
            from: stretch.lowerBound,
            through: stretch.upperBound,
            kind: .versions
        )
        let page = try again.list(inside).get()
        #expect(page.unreadable.last?.upperBound == stretch.upperBound)
        #expect(page.next == nil)
    }

    @Test("a rotten watermark is left out, removed and counted; the others stay")
    func rottenWatermark() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        let path = store.options.directory
        for partition in [1, 2, 3] {
            #expect(store.saveWatermark(partition, ByteBuffer(string: "w\(partition)")) == nil)
        }
        store.shutDown()
        let key = Array("watermark".utf8) + [0, 2]
        do {
            let raw = try RawDatabase(path)
            raw.put(key, [1, 2, 3, 4, 5, 6, 7, 8, 9], family: 2)
            raw.put(key + [0], RawDatabase.sealed([1], key: key + [0]), family: 2)
        }
        let expected = [1: ByteBuffer(string: "w1"), 3: ByteBuffer(string: "w3")]
        for failures in [1, 0] {
            let again = try reopened(path)
            #expect(again.watermarks == expected)
            #expect(again.engine.metrics.failuresCorrupt == failures)
            again.shutDown()
        }
    }

    private func harmTables(
        _ path: String,
        breaks: Int,
        _ random: inout SeededGenerator
    ) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        let urls = names.filter { $0.hasSuffix(".sst") }.map {
            URL(fileURLWithPath: path + "/" + $0)
        }
        let sizes = try urls.map { try Data(contentsOf: $0).count }
        let largest = try #require(zip(urls, sizes).max { $0.1 < $1.1 }?.0)
        var data = try Data(contentsOf: largest)
        // Behind the data lie filter, index and footer.
        let dataBytes = data.count * 9 / 10
        #expect(dataBytes > 500_000)
        for place in 0..<breaks {
            let offset = dataBytes / breaks * place + random.below(dataBytes / breaks)
            data[offset] ^= 0x41
        }
        try data.write(to: largest)
    }

    private func reopened(_ path: String) throws -> RocksDBUnderTest {
        var options = RocksDBEngine.Options(directory: path, partitionBits: 6)
        options.blockCacheBytes = 256 << 10
        return try RocksDBUnderTest(options)
    }
}
