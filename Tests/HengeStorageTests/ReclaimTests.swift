import Foundation
import HengeBase
import HengeMessages
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

/// What was removed leaves the disk.
@Suite struct ReclaimTests {
    private let count = 50_000

    @Test("after records were written, deleted and removed the disk shrinks by itself")
    func shrinks() throws {
        let store = try RocksDBUnderTest {
            // Large enough that the removals fill none by themselves.
            $0.writeBufferBytes = 8 << 20
            // On a slow machine a pause may come in the middle; fewer than these then stay.
            $0.flushRemovalsMin = 100
            $0.flushRemovalsPause = .milliseconds(100)
        }
        defer { store.shutDown() }
        var random = SeededGenerator(seed: 1)
        let noise = TestObjects.noise(100 + count, &random)
        var peak = 0
        let phases: [(StoredKey, UInt64) -> StorageRequest] = [
            { key, number in
                let value = noise.getSlice(at: Int(number), length: 100)
                let object = TestObjects.object(value, counter: number)
                return .persist(key, object, StorageToken(rawValue: 0))
            },
            { .persist($0, TestObjects.object(nil, counter: $1), StorageToken(rawValue: 0)) },
            { key, _ in .remove(key, StorageToken(rawValue: 0)) },
        ]
        for request in phases {
            for number in 0..<count {
                store.send(request(TestObjects.key("key-\(number)"), UInt64(number + 1)))
                if number % 1_000 == 999 { store.endTurn() }
                if number % 10_000 == 9_999 {
                    _ = store.settle()
                    peak = max(peak, size(store))
                }
            }
            store.endTurn()
            _ = store.settle()
            peak = max(peak, size(store))
        }
        var now = size(store)
        let deadline = Date(timeIntervalSinceNow: 60)
        while 20 * now >= peak, Date() < deadline { now = size(store) }
        #expect(20 * now < peak, "\(now) of \(peak) bytes are left")
        #expect(store.engine.metrics.removalFlushes >= 1)
        #expect(peak > 100 * count)
    }

    @Test("few removals, or such as go on, have nothing written out")
    func fewRemovals() throws {
        let store = try RocksDBUnderTest {
            $0.flushRemovalsMin = 100
            $0.flushRemovalsPause = .milliseconds(20)
        }
        defer { store.shutDown() }
        for number in 0..<99 {
            #expect(store.remove(TestObjects.key("k\(number)")) == nil)
        }
        // Of records that are held for others, any number.
        for number in 0..<200 {
            #expect(store.remove(TestObjects.key("k\(number)").standingIn(for: NodeID(2))) == nil)
        }
        let later = Date(timeIntervalSinceNow: 0.2)
        while Date() < later { sched_yield() }
        #expect(store.engine.metrics.removalFlushes == 0)
        #expect(store.remove(TestObjects.key("one more")) == nil)
        let deadline = Date(timeIntervalSinceNow: 30)
        while store.engine.metrics.removalFlushes == 0, Date() < deadline { sched_yield() }
        #expect(store.engine.metrics.removalFlushes == 1)
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
