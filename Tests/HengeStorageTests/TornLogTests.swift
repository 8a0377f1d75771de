import Foundation
import HengeBase
import HengeMessages
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

/// A log whose end did not reach the disk, or reached it wrong. The store must open and hold
/// exactly a prefix of the batches: each whole or not at all, and none missing before the damage.
@Suite struct TornLogTests {
    private static let batchCount = 40

    /// A store's files as a killed process leaves them, with what was durable at which length of
    /// the log.
    private struct Written {
        let directory: TestDirectory
        let options: RocksDBEngine.Options
        let original: String
        let log: String
        let keys: [StoredKey]
        let targets: [NodeID]
        /// After 0, 1, … batches.
        var states: [StoreOracle]
        var lengths: [Int]

        /// How many batches were whole in the first bytes of the log.
        func batches(within length: Int) -> Int { lengths.lastIndex { $0 <= length } ?? 0 }
    }

    @Test("a log cut anywhere opens with exactly the batches before the cut", arguments: 1...2)
    func cuts(_ seed: Int) throws {
        let written = try write(seed: UInt64(seed))
        var random = SeededGenerator(seed: UInt64(seed))
        let (first, end) = (written.lengths[0], written.lengths[Self.batchCount])
        var cuts = written.lengths + (0..<60).map { _ in first + random.below(end - first) }
        for length in written.lengths.dropFirst() { cuts += [length - 1, length - 3] }
        for cut in cuts {
            let (store, found) = try reopened(written) { $0.prefix(cut) }
            defer { store.shutDown() }
            let expected = written.states[written.batches(within: cut)]
            #expect(found == expected, "seed \(seed), cut at \(cut)")
            #expect(store.hintBacklogs == expected.backlogs, "seed \(seed), cut at \(cut)")
            #expect(store.startNumber == 2)
        }
    }

    @Test("zeros in place of a log's end leave exactly the batches before them", arguments: 1...2)
    func zeros(_ seed: Int) throws {
        let written = try write(seed: UInt64(seed) &+ 10)
        var random = SeededGenerator(seed: UInt64(seed))
        let (first, end) = (written.lengths[0], written.lengths[Self.batchCount])
        var cuts = written.lengths + (0..<60).map { _ in first + random.below(end - first) }
        for length in written.lengths.dropFirst() { cuts += [length - 1, length - 3] }
        for cut in cuts {
            var whole = 0
            let (store, found) = try reopened(written) { log in
                let blocks = 8 + log.count >> 15
                let harmed = log.prefix(cut) + Data(count: blocks << 15 - cut)
                // What ends in zeros by itself has lost nothing by some.
                whole = zip(log, harmed).prefix { $0 == $1 }.count
                return harmed
            }
            defer { store.shutDown() }
            let expected = written.states[written.batches(within: whole)]
            #expect(found == expected, "seed \(seed), zeros from \(cut)")
        }
    }

    @Test("wrong bytes in a log end it at the latest whole batch, or do nothing", arguments: 1...2)
    func flips(_ seed: Int) throws {
        let written = try write(seed: UInt64(seed))
        var random = SeededGenerator(seed: UInt64(seed) &+ 99)
        let (first, end) = (written.lengths[0], written.lengths[Self.batchCount])
        for _ in 0..<80 {
            let place = first + random.below(end - first)
            let mask = UInt8(1 + random.below(255))
            let (store, found) = try reopened(written) { data in
                var harmed = data
                harmed[place] ^= mask
                return harmed
            }
            defer { store.shutDown() }
            // Zeros that fill a block of the log up are covered by no checksum.
            let count = written.states.lastIndex(of: found)
            let text = "seed \(seed), byte \(place), mask \(mask)"
            #expect((count ?? -1) >= written.batches(within: place), "\(text)")
        }
    }

    @Test("after a torn log the store takes writes, which outlast the next kill")
    func goesOn() throws {
        let written = try write(seed: 3)
        let cut = written.lengths[20] + 5
        let (store, found) = try reopened(written) { $0.prefix(cut) }
        defer { store.shutDown() }
        #expect(found == written.states[20])
        let key = TestObjects.key("after")
        #expect(store.persist(key, TestObjects.object("v")) == nil)
        _ = try store.restartAfterKill()
        var expected = written.states[20]
        expected.records[key] = TestObjects.object("v")
        let again = try StoreOracle.found(
            in: store,
            keys: written.keys + [key],
            targets: written.targets
        )
        #expect(again == expected)
        #expect(store.startNumber == 3)
    }

    private func write(seed: UInt64) throws -> Written {
        let directory = TestDirectory()
        let store = try RocksDBUnderTest(in: directory) { options in
            options.writeBufferBytes = 8 << 20
            // How long the log is tells how much of it was written.
            options.keepsLogAhead = false
        }
        var writes = RandomWrites(seed: seed)
        let path = store.options.directory
        let log = try #require(
            try FileManager.default.contentsOfDirectory(atPath: path).sorted()
                .last { $0.hasSuffix(".log") }
        )
        var oracle = StoreOracle()
        var written = Written(
            directory: directory,
            options: store.options,
            original: path + "-original",
            log: log,
            keys: writes.keys,
            targets: writes.targets,
            states: [oracle],
            lengths: [try length(of: path + "/" + log)]
        )
        for _ in 0..<Self.batchCount {
            for _ in 0...writes.random.below(6) {
                let request = writes.next()
                store.send(request)
                oracle.apply(request)
            }
            store.endTurn()
            for case .persisted(_, let failure) in store.settle() { #expect(failure == nil) }
            written.states.append(oracle)
            written.lengths.append(try length(of: path + "/" + log))
        }
        #expect(store.engine.metrics.batches == Self.batchCount)
        try FileManager.default.copyItem(atPath: path, toPath: written.original)
        store.engine.close()
        return written
    }

    private func reopened(
        _ written: Written,
        harm: (Data) -> Data
    ) throws -> (RocksDBUnderTest, StoreOracle) {
        let path = written.options.directory
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.copyItem(atPath: written.original, toPath: path)
        let url = URL(fileURLWithPath: path + "/" + written.log)
        try harm(try Data(contentsOf: url)).write(to: url)
        let store = try RocksDBUnderTest(written.options)
        let found = try StoreOracle.found(in: store, keys: written.keys, targets: written.targets)
        return (store, found)
    }

    private func length(of path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.size] as? Int)
    }
}
