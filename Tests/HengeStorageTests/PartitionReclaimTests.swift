import Foundation
import HengeBase
import HengeMessages
import HengeRing
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

/// The disk that partitions took which the node has given away.
@Suite(.serialized) struct PartitionReclaimTests {
    private static let count = 40_000
    private static let partitions = 64

    private static func tokens(_ partition: Int) -> ClosedRange<Token> {
        let first = UInt64(partition) << 58
        return Token(rawValue: first)...Token(rawValue: first | (1 << 58 - 1))
    }

    /// A store with records of 200 bytes that can't be compressed, about 40,000.
    private func filled(
        _ adjust: (inout RocksDBEngine.Options) -> Void = { _ in }
    ) throws -> RocksDBUnderTest {
        let store = try RocksDBUnderTest {
            $0.flushRemovalsPause = .milliseconds(50)
            adjust(&$0)
        }
        var random = SeededGenerator(seed: 1)
        let noise = TestObjects.noise(200 + Self.count, &random)
        for number in 0..<Self.count {
            let object = TestObjects.object(noise.getSlice(at: number, length: 200))
            store.send(
                .persist(TestObjects.key("key-\(number)"), object, StorageToken(rawValue: 0)))
            if number % 1_000 == 999 {
                store.endTurn()
                _ = store.settle()
            }
        }
        return store
    }

    private func tableBytes(_ store: RocksDBUnderTest) -> Int {
        store.engine.properties.first {
            $0.property == .liveFileBytes && $0.family == "objects"
        }?.value ?? 0
    }

    private func drop(_ partitions: some Sequence<Int>, of store: RocksDBUnderTest) {
        for partition in partitions {
            #expect(store.dropPartition(partition, Self.tokens(partition)) == nil)
        }
    }

    /// In small tables they lie on several levels, in large ones on one.
    @Test(
        "what was given away leaves the disk, and nothing else does",
        arguments: [256 << 10, 32 << 20]
    )
    func reclaims(_ writeBufferBytes: Int) throws {
        let store = try filled { $0.writeBufferBytes = writeBufferBytes }
        defer { store.shutDown() }
        // Of those with even numbers three quarters go.
        let given = Array(stride(from: 0, to: Self.partitions, by: 2)).filter { $0 % 8 != 0 }
        drop(given, of: store)
        let deadline = Date(timeIntervalSinceNow: 60)
        while store.engine.metrics.reclaims == 0, Date() < deadline { usleep(10_000) }
        #expect(store.engine.metrics.reclaims == 1)
        let kept = 1 - Double(given.count) / Double(Self.partitions)
        let expected = kept * Double(Self.count) * 260
        #expect(Double(tableBytes(store)) < 1.1 * expected, "\(tableBytes(store)) bytes")
        var held = 0
        for number in 0..<Self.count {
            let key = TestObjects.key("key-\(number)")
            let partition = Int(key.token.rawValue >> 58)
            let found = try store.load(key).get()
            #expect((found == nil) == given.contains(partition), "\(key)")
            if found != nil { held += 1 }
        }
        #expect(held > Self.count / 2)
    }

    @Test("a stop does not wait for what is being compacted, and loses nothing by it")
    func stop() throws {
        let store = try filled { $0.writeBufferBytes = 256 << 10 }
        defer { store.shutDown() }
        drop(0..<32, of: store)
        let deadline = Date(timeIntervalSinceNow: 30)
        while store.engine.metrics.removalFlushes == 0, Date() < deadline { sched_yield() }
        #expect(try store.restartCleanly(state: ByteBuffer(string: "state")) != nil)
        for number in stride(from: 0, to: Self.count, by: 7) {
            let key = TestObjects.key("key-\(number)")
            let found = try store.load(key).get()
            #expect((found == nil) == (key.token.rawValue >> 58 < 32))
        }
    }

    @Test("a node that has given all away has an empty disk when it stops, and may start again")
    func empties() throws {
        let store = try filled()
        defer { store.shutDown() }
        let before = size(store)
        #expect(before > Self.count * 190)
        #expect(store.saveWatermark(3, ByteBuffer(string: "mark")) == nil)
        try store.saveRing(ByteBuffer(string: "ring"))
        let state = ByteBuffer(string: "state")
        #expect(try store.restartCleanly(state: state, isEmpty: true) == state)
        #expect(size(store) < before / 20, "\(size(store)) of \(before) bytes")
        #expect(try store.load(TestObjects.key("key-1")).get() == nil)
        #expect(store.storedRing == ByteBuffer(string: "ring"))
        #expect(store.watermarks == [3: ByteBuffer(string: "mark")])
        #expect(store.persist(TestObjects.key("key-1"), TestObjects.object("new")) == nil)
        _ = try store.restartAfterKill()
        #expect(try store.load(TestObjects.key("key-1")).get() == TestObjects.object("new"))
    }

    /// Of all files, in bytes.
    private func size(_ store: RocksDBUnderTest) -> Int {
        let manager = FileManager.default
        let path = store.options.directory
        let names = (try? manager.contentsOfDirectory(atPath: path)) ?? []
        return names.reduce(0) { sum, name in
            let attributes = try? manager.attributesOfItem(atPath: path + "/" + name)
            return sum + (attributes?[.size] as? Int ?? 0)
        }
    }
}
