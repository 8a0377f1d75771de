import Foundation
import HengeBase
import HengeMessages
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

/// Zeros ahead of what is appended to the log.
@Suite struct LogAheadTests {
    private static let blockBytes = 32 << 10

    /// The log that is appended to.
    private func log(of store: RocksDBUnderTest) throws -> Data {
        let path = store.options.directory
        let logs = try FileManager.default.contentsOfDirectory(atPath: path)
            .filter { $0.hasSuffix(".log") }
        let newest = try #require(logs.max())
        return try Data(contentsOf: URL(fileURLWithPath: path + "/" + newest))
    }

    private func zeroCount(atEndOf log: Data) -> Int {
        log.count - (log.lastIndex { $0 != 0 } ?? -1) - 1
    }

    /// Each a commit of its own. What the writer's thread does after all but the last answer is
    /// done on return.
    private func persist(
        _ count: Int,
        of bytes: Int,
        from first: Int = 0,
        in store: RocksDBUnderTest,
        _ random: inout SeededGenerator
    ) -> [StoredKey: ByteBuffer] {
        var objects: [StoredKey: ByteBuffer] = [:]
        for index in first..<first + count {
            let key = TestObjects.key("k\(index)")
            let object = TestObjects.object(TestObjects.noise(bytes, &random))
            #expect(store.persist(key, object) == nil)
            objects[key] = object
        }
        return objects
    }

    @Test("after small commits the log ends in whole blocks of zeros, and loses nothing by them")
    func small() throws {
        let store = try RocksDBUnderTest { $0.writeBufferBytes = 8 << 20 }
        defer { store.shutDown() }
        var random = SeededGenerator(seed: 1)
        var expected: [StoredKey: ByteBuffer] = [:]
        for round in 0..<3 {
            let written = persist(150, of: 1_000, from: 150 * round, in: store, &random)
            expected.merge(written) { $1 }
            let log = try log(of: store)
            #expect(log.count % Self.blockBytes == 0, "round \(round)")
            #expect(zeroCount(atEndOf: log) > 64 << 10, "round \(round)")
            _ = try store.restartAfterKill()
            for (key, object) in expected { #expect(store.load(key) == .success(object)) }
        }
    }

    @Test("where logs change all the time nothing is lost by zeros")
    func manyLogs() throws {
        let store = try RocksDBUnderTest { $0.writeBufferBytes = 64 << 10 }
        defer { store.shutDown() }
        var random = SeededGenerator(seed: 2)
        let expected = persist(1_500, of: 600, in: store, &random)
        _ = try store.restartAfterKill()
        for (key, object) in expected { #expect(store.load(key) == .success(object)) }
    }

    @Test("zeros at the end of logs that others follow lose nothing", arguments: [0, 3])
    func olderLogs(_ rest: Int) throws {
        // As after a kill: RocksDB cuts logs to their length when it closes them, not when they
        // are full.
        let store = try RocksDBUnderTest { $0.writeBufferBytes = 8 << 20 }
        var random = SeededGenerator(seed: 4)
        let expected = persist(5_000, of: 1_000, in: store, &random)
        let (files, path) = (FileManager.default, store.options.directory)
        try files.copyItem(atPath: path, toPath: path + "-killed")
        store.engine.close()
        try files.removeItem(atPath: path)
        try files.moveItem(atPath: path + "-killed", toPath: path)
        let logs = try files.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".log") }
        try #require(logs.count > 1)
        for log in logs {
            let url = URL(fileURLWithPath: path + "/" + log)
            let data = try Data(contentsOf: url)
            let blocks = 2 + data.count / Self.blockBytes
            let zeros = Data(count: blocks * Self.blockBytes - data.count + rest)
            try (data + zeros).write(to: url)
        }
        let again = try RocksDBUnderTest(store.options)
        defer { again.shutDown() }
        for (key, object) in expected { #expect(again.load(key) == .success(object)) }
    }

    @Test("large commits, and those that are not synced, leave the log as it is")
    func large() throws {
        var random = SeededGenerator(seed: 3)
        for isSynced in [true, false] {
            let store = try RocksDBUnderTest { options in
                options.writeBufferBytes = 32 << 20
                if !isSynced { options.durability = .interval(.seconds(60)) }
            }
            defer { store.shutDown() }
            _ = persist(isSynced ? 20 : 400, of: isSynced ? 40_000 : 1_000, in: store, &random)
            #expect(zeroCount(atEndOf: try log(of: store)) < 16, "synced: \(isSynced)")
        }
    }
}
