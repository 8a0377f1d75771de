import Foundation
import Glibc
import HengeBase
import HengeMessages
import HengeStorage
import Logging
import Testing

import struct NIOCore.ByteBuffer

/// What the engine keeps of rings: votes depend on it.
@Suite(.serialized) struct SavedRingTests {
    private let directory = TestDirectory()
    private static let variable = "HENGE_RING_KILL_TEST_DIRECTORY"

    @Test("a saved ring is answered once, after an fsync whatever the durability is, and found")
    func durable() throws {
        let store = try RocksDBUnderTest { $0.durability = .interval(.seconds(60)) }
        defer { store.shutDown() }
        #expect(store.persist(TestObjects.key("k"), TestObjects.object("v")) == nil)
        #expect(store.engine.metrics.logSyncs == 0)
        #expect(save("one", in: store) == .some(nil))
        #expect(store.engine.metrics.logSyncs == 1)
        #expect(store.persist(TestObjects.key("k"), TestObjects.object("w")) == nil)
        #expect(store.engine.metrics.logSyncs == 1)
        #expect(store.storedRing == nil)
        _ = try store.restartAfterKill()
        #expect(store.storedRing == ByteBuffer(string: "one"))
    }

    @Test("saves of one turn keep their order, among themselves and with other writes")
    func order() throws {
        let store = try RocksDBUnderTest { _ in }
        defer { store.shutDown() }
        let box = Box<StorageFailure?>()
        for number in 0..<100 {
            store.engine.saveRing(ByteBuffer(string: "\(number)")) { _ in }
        }
        store.engine.saveRing(ByteBuffer(string: "last")) { box.put($0) }
        // Its completion says that all of these are durable.
        #expect(store.persist(TestObjects.key("k"), TestObjects.object("v")) == nil)
        #expect(try box.wait() == nil)
        _ = try store.restartAfterKill()
        #expect(store.storedRing == ByteBuffer(string: "last"))
    }

    @Test("kill -9 between saves loses none that was answered", arguments: [false, true])
    func kill(_ isInterval: Bool) async throws {
        setenv(Self.variable, directory.path, 1)
        setenv(Self.variable + "_INTERVAL", isInterval ? "1" : "0", 1)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            try SavedRingTests.saveUntilKilled()
        }
        let notes = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/answered"))
        let answered = notes.count / 8
        #expect(answered >= 200)
        let store = try RocksDBUnderTest(Self.options(directory.path))
        defer { store.shutDown() }
        let found = try #require(store.storedRing)
        let number = try #require(found.getInteger(at: found.readerIndex, as: UInt64.self))
        #expect(number >= answered - 1 && found.readableBytes == 5_008)
    }

    /// The child: saves 0, 1, … one after the other, notes each answer, and kills itself after the
    /// two hundredth.
    private static func saveUntilKilled() throws {
        let path = try #require(getenv(variable).map { String(cString: $0) })
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let notes = Glibc.open(path + "/answered", O_CREAT | O_WRONLY | O_APPEND, 0o600)
        try #require(notes >= 0)
        var options = options(path)
        if getenv(variable + "_INTERVAL").map({ String(cString: $0) }) == "1" {
            options.durability = .interval(.seconds(60))
        }
        let engine = try RocksDBEngine.open(
            options,
            identity: RocksDBUnderTest.identity,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            deliver: { _ in }
        )
        var number: UInt64 = 0
        while true {
            var bytes = ByteBuffer(integer: number)
            bytes.writeRepeatingByte(7, count: 5_000)
            let saved = number
            engine.saveRing(bytes) { failure in
                guard failure == nil else { return }
                var answered = saved
                write(notes, &answered, 8)
                if answered == 199 { Glibc.kill(getpid(), SIGKILL) }
            }
            engine.endTurn()
            while engine.metrics.pendingWrites > 3 { sched_yield() }
            number += 1
        }
    }

    private static func options(_ path: String) -> RocksDBEngine.Options {
        RocksDBEngine.Options(directory: path + "/n1", partitionBits: 6)
    }

    @Test("a ring that fails its checksum reads as empty, and the rest of the store as it is")
    func rotten() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        #expect(store.persist(TestObjects.key("k"), TestObjects.object("v")) == nil)
        #expect(save("ring", in: store) == .some(nil))
        let options = store.options
        store.shutDown()
        do { try RawDatabase(options.directory).put(Array("ring".utf8), [1, 2, 3], family: 2) }
        let again = try RocksDBUnderTest(options)
        defer { again.shutDown() }
        #expect(again.storedRing == ByteBuffer())
        #expect(again.load(TestObjects.key("k")) == .success(TestObjects.object("v")))
    }

    @Test("a closed engine says so")
    func closed() throws {
        let store = try RocksDBUnderTest { _ in }
        store.shutDown()
        #expect(save("ring", in: store) == .some(.readOnly))
        #expect(store.engine.metrics.pendingWrites == 0)
    }

    @Test("a store is opened without naming its cluster once it belongs to one")
    func clusterID() throws {
        var options = RocksDBEngine.Options(directory: directory.path, partitionBits: 6)
        let anyCluster = StoreIdentity(clusterID: nil, nodeName: "n1")
        #expect(!StoreDirectory.holdsStore(options.directory))
        #expect(throws: StoreOpenError.unclaimed(directory: options.directory)) {
            try RocksDBUnderTest.open(options, identity: anyCluster)
        }
        // What that left behind is no obstacle.
        try RocksDBUnderTest.open(options).0.close()
        #expect(StoreDirectory.holdsStore(options.directory))
        options.partitionBits = 10
        let engine = try RocksDBUnderTest.open(options, identity: anyCluster).0
        defer { engine.close() }
        #expect(engine.clusterID == 0xC1)
    }

    private func save(_ text: String, in store: RocksDBUnderTest) -> StorageFailure?? {
        let box = Box<StorageFailure?>()
        store.engine.saveRing(ByteBuffer(string: text)) { box.put($0) }
        store.endTurn()
        return try? box.wait()
    }
}
