import Foundation
import HengeBase
import HengeMessages
import HengeStorage
import Logging
import Synchronization
import Testing

import struct NIOCore.ByteBuffer

/// What is particular to the RocksDB engine: threads, batches, memory, logs.
@Suite struct EngineBehaviourTests {
    @Test("turns that end while a batch is written share the next batch and its completion call")
    func groupCommit() throws {
        let store = try RocksDBUnderTest { _ in }
        defer { store.shutDown() }
        let turns = 2_000
        for turn in 0..<turns {
            let key = TestObjects.key("k\(turn)")
            let object = TestObjects.object("v")
            store.send(.persist(key, object, StorageToken(rawValue: UInt64(turn))))
            store.endTurn()
        }
        let order = store.settle().compactMap {
            if case .persisted(let token, nil) = $0 { token.rawValue } else { nil }
        }
        #expect(order == Array(0..<UInt64(turns)))
        let metrics = store.engine.metrics
        #expect(metrics.writes == turns)
        #expect(metrics.batches < turns)
        #expect(metrics.logSyncs == metrics.batches)
        #expect(store.deliveries.count == metrics.batches)
        #expect(metrics.pendingWrites == 0)
        #expect(metrics.batchSizeMean > 1)
    }

    @Test("a batch larger than the engine writes at once is cut, in order, and loses nothing")
    func largeBatch() throws {
        let store = try RocksDBUnderTest { $0.writeBufferBytes = 8 << 20 }
        defer { store.shutDown() }
        var random = SeededGenerator(seed: 2)
        let value = TestObjects.noise(6 << 20, &random)
        for number in 0..<6 {
            let key = TestObjects.key("k\(number)")
            let object = TestObjects.object(value, counter: UInt64(number + 1))
            store.send(.persist(key, object, StorageToken(rawValue: UInt64(number))))
        }
        store.endTurn()
        #expect(store.settle().count == 6)
        #expect(store.engine.metrics.batches == 3)
    }

    @Test("too much unfinished work shows as backpressure, which ends with the work")
    func backpressure() throws {
        let store = try RocksDBUnderTest {
            $0.pendingOperationsMax = 10
            $0.pendingBytesMax = 10_000
        }
        defer { store.shutDown() }
        for number in 0..<9 {
            let object = TestObjects.object("v")
            store.send(
                .persist(TestObjects.key("k\(number)"), object, StorageToken(rawValue: 0))
            )
        }
        #expect(!store.engine.isBackpressured)
        let object = TestObjects.object("v")
        store.send(.persist(TestObjects.key("k9"), object, StorageToken(rawValue: 0)))
        #expect(store.engine.isBackpressured)
        store.endTurn()
        _ = store.settle()
        #expect(!store.engine.isBackpressured)

        let large = TestObjects.object(ByteBuffer(repeating: 1, count: 10_000))
        store.send(.persist(TestObjects.key("large"), large, StorageToken(rawValue: 0)))
        #expect(store.engine.isBackpressured)
        store.endTurn()
        _ = store.settle()
        #expect(!store.engine.isBackpressured)
    }

    @Test("what memtables hold is read at once; what only a file holds goes through the pool")
    func cachedAndPooled() throws {
        let store = try RocksDBUnderTest { _ in }
        defer { store.shutDown() }
        let key = TestObjects.key("k")
        let object = TestObjects.object("v")
        #expect(store.persist(key, object) == nil)
        guard case .done(.success(object)) = store.engine.load(key, token: .init(rawValue: 1))
        else {
            Issue.record("a fresh record was not in memory")
            return
        }
        #expect(store.engine.metrics.pooledLoads == 0)
        _ = try store.restartCleanly(state: ByteBuffer())
        #expect(store.load(key) == .success(object))
        #expect(store.engine.metrics.pooledLoads == 1)
        #expect(store.load(key) == .success(object))
        #expect(store.engine.metrics.pooledLoads == 1)
        #expect(store.engine.metrics.cachedLoads == 1)
    }

    @Test("interval syncs the log once an interval while there are writes, and then rests")
    func intervalSyncs() throws {
        let store = try RocksDBUnderTest { $0.durability = .interval(.milliseconds(20)) }
        defer { store.shutDown() }
        #expect(store.persist(TestObjects.key("a"), TestObjects.object("v")) == nil)
        let deadline = Date(timeIntervalSinceNow: 10)
        while store.engine.metrics.logSyncs == 0, Date() < deadline { usleep(1_000) }
        #expect(store.engine.metrics.logSyncs == 1)
        #expect(store.persist(TestObjects.key("b"), TestObjects.object("v")) == nil)
        while store.engine.metrics.logSyncs == 1, Date() < deadline { usleep(1_000) }
        #expect(store.engine.metrics.logSyncs == 2)
    }

    @Test("the count shows the records as they were at the opening, whatever is written meanwhile")
    func tallyOfOpening() throws {
        let store = try RocksDBUnderTest { _ in }
        defer { store.shutDown() }
        for number in 0..<9_000 {
            let key = TestObjects.key("k\(number)")
            store.send(.persist(key, TestObjects.object("v"), StorageToken(rawValue: 0)))
        }
        store.endTurn()
        _ = store.settle()
        _ = try store.restartAfterKill()
        for number in 5_000..<12_000 {
            let key = TestObjects.key("k\(number)")
            store.send(.persist(key, TestObjects.object(nil), StorageToken(rawValue: 0)))
        }
        store.endTurn()
        _ = store.settle()
        let fractions = Mutex<[Double]>([])
        let box = Box<Result<StorageTally, StorageFailure>>()
        store.engine.tally(
            progress: { progress in fractions.withLock { $0.append(progress.fraction) } },
            done: { box.put($0) }
        )
        let total = try box.wait().get().partitions.reduce(.nothing, +)
        #expect(total.records == 9_000)
        #expect(total.keys == 9_000)
        let seen = fractions.withLock { $0 }
        #expect(!seen.isEmpty)
        #expect(seen == seen.sorted())
        #expect(seen.allSatisfy { $0 > 0 && $0 <= 1 })
    }

    @Test("a close answers everything first, ends a count, and later calls fail")
    func close() throws {
        let store = try RocksDBUnderTest { _ in }
        let key = TestObjects.key("k")
        for number in 0..<500 {
            store.send(
                .persist(TestObjects.key("k\(number)"), TestObjects.object("v"), .init(rawValue: 0))
            )
        }
        let box = Box<Result<StorageTally, StorageFailure>>()
        store.engine.tally(done: { box.put($0) })
        store.engine.close()
        let answers = store.settle()
        #expect(answers.count == 500)
        for case .persisted(_, let failure) in answers { #expect(failure == nil) }
        _ = try box.wait()

        #expect(store.load(key) == .failure(.readOnly))
        #expect(store.persist(key, TestObjects.object("v")) == .readOnly)
        #expect(!store.engine.closeClean(state: ByteBuffer()))
        #expect(throws: StorageFailure.readOnly) { try store.engine.saveRing(ByteBuffer()) }
    }

    @Test("failures are logged, at most one line of a kind a second")
    func rateLimitedLog() throws {
        let lines = Mutex<[String]>([])
        let recorder = LogRecorder { line in lines.withLock { $0.append(line) } }
        let store = try RocksDBUnderTest { _ in }
        let path = store.options.directory
        store.shutDown()
        let key = TestObjects.key("k")
        do { try RawDatabase(path).put(Array(buffer: key.bytes), [1, 2, 3], family: 1) }
        let engine = try RocksDBEngine.open(
            RocksDBEngine.Options(directory: path, partitionBits: 6),
            identity: RocksDBUnderTest.identity,
            logger: Logger(label: "test") { _ in recorder },
            deliver: { _ in }
        )
        defer { engine.close() }
        let begin = Date()
        for _ in 0..<1_000 { _ = engine.load(key, token: .init(rawValue: 1)) }
        engine.endTurn()
        while engine.metrics.failuresCorrupt < 1_000, Date().timeIntervalSince(begin) < 10 {
            usleep(1_000)
        }
        #expect(engine.metrics.failuresCorrupt == 1_000)
        let elapsed = Date().timeIntervalSince(begin)
        let count = lines.withLock { $0.count }
        #expect(count >= 1 && Double(count) <= 1 + elapsed)
        let first = try #require(lines.withLock { $0.first })
        #expect(first.contains("storage failed") && first.contains("checksum"))
    }
}

/// Hands each line on.
private struct LogRecorder: LogHandler {
    let record: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(_ record: @escaping @Sendable (String) -> Void) {
        self.record = record
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        record("\(event.message) \(event.metadata ?? [:])")
    }
}
