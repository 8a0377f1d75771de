import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

@Suite struct RecordMemoryTests {
    @Test("of large records that no longer fit, the versions are still found")
    func story() throws {
        var memory = RecordMemory(bytes: 1 << 18)
        for number in 0..<500 { write(&memory, number, object(number, bytes: 1_000)) }
        let records = (0..<500).count { memory.find(key($0)) != nil }
        #expect(records > 150 && records < 270)
        var versions = 0
        for number in 0..<500 {
            guard let header = memory.version(of: key(number)) else { continue }
            versions += 1
            let whole = try EncodedObject(object(number, bytes: 1_000))
            let version = try EncodedVersion(header)
            #expect(version.isVersion(of: whole), "\(number)")
        }
        // More than a bucket has places for fall into one now and then.
        #expect(versions > 470)
    }

    @Test("a version is not found while a change is in flight, nor when it is an old one")
    func changes() throws {
        var memory = RecordMemory(bytes: 1 << 18)
        write(&memory, 1, object(1, bytes: 600))
        #expect(memory.version(of: key(1)) != nil)
        memory.changes(key(1), to: object(2, bytes: 600), token(2))
        #expect(memory.version(of: key(1)) == nil)
        memory.ended(token(2), isDurable: true)
        let header = memory.version(of: key(1))
        let version = try EncodedVersion(#require(header))
        #expect(version.isVersion(of: try EncodedObject(object(2, bytes: 600))))
        memory.changes(key(1), to: object(3, bytes: 600), token(3))
        memory.ended(token(3), isDurable: false)
        #expect(memory.version(of: key(1)) == nil, "of a write that failed")
        write(&memory, 1, object(4, bytes: 600))
        #expect(memory.version(of: key(1)) != nil)
        write(&memory, 1, object(5, bytes: 100))
        #expect(memory.version(of: key(1)) == nil, "of a record that has become small")
    }

    @Test("what is removed, dropped or forgotten is not found")
    func gone() {
        var memory = RecordMemory(bytes: 1 << 18)
        let all = Token.min...Token.max
        let ways: [(inout RecordMemory) -> Void] = [
            { memory in
                memory.changes(self.key(1), to: nil, self.token(9))
                memory.ended(self.token(9), isDurable: true)
            },
            { memory in
                memory.drops(all, self.token(9))
                memory.ended(self.token(9), isDurable: true)
            },
            { $0.removeAll() },
        ]
        for way in ways {
            write(&memory, 1, object(1, bytes: 600))
            #expect(memory.version(of: key(1)) != nil)
            way(&memory)
            #expect(memory.version(of: key(1)) == nil)
        }
    }

    @Test("nothing is kept by itself of small records, of what is no object, and without memory")
    func never() {
        var memory = RecordMemory(bytes: 1 << 18)
        write(&memory, 1, object(1, bytes: 100))
        write(&memory, 2, ByteBuffer(repeating: 0, count: 1_000))
        write(&memory, 3, ByteBuffer(repeating: 255, count: 1_000))
        #expect((1...3).allSatisfy { memory.version(of: key($0)) == nil })
        #expect((1...3).allSatisfy { memory.find(key($0)) != nil })
        var none = RecordMemory(bytes: 0)
        write(&none, 1, object(1, bytes: 600))
        #expect(none.find(key(1)) == nil && none.version(of: key(1)) == nil)
    }

    private func write(_ memory: inout RecordMemory, _ number: Int, _ object: ByteBuffer) {
        memory.changes(key(number), to: object, token(1))
        memory.ended(token(1), isDurable: true)
    }

    private func key(_ number: Int) -> StoredKey { TestObjects.key("k\(number)") }

    private func object(_ number: Int, bytes: Int) -> ByteBuffer {
        TestObjects.object(ByteBuffer(repeating: 7, count: bytes), counter: UInt64(1 + number))
    }

    private func token(_ number: Int) -> StorageToken { StorageToken(rawValue: UInt64(number)) }
}

extension StorageContractTests {
    @Test(
        "who may not need the values gets the record or its version, of what is there",
        arguments: EngineKind.allCases
    )
    func versions(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let key = TestObjects.key("k")
            for counter in 1...6 as ClosedRange<UInt64> {
                let large = ByteBuffer(repeating: 1, count: 2_000)
                let object = TestObjects.object(large, counter: counter)
                #expect(store.persist(key, object) == nil)
                // One may be answered with the record, and the next with its version.
                for _ in 0..<2 {
                    let isThere = try store.answers(object, to: key)
                    #expect(isThere)
                }
            }
            #expect(store.remove(key) == nil)
            let isThere = try store.answers(nil, to: key)
            #expect(isThere)
        }
    }

    @Test("versions outlast records in memory, and are forgotten with a restart")
    func versionsAlone() throws {
        let store = try RocksDBUnderTest {
            $0.recordCacheBytes = 1 << 18
            // So that what memtables hold is little.
            $0.writeBufferBytes = 1 << 16
        }
        defer { store.shutDown() }
        let objects = (0..<500).map { number in
            TestObjects.object(ByteBuffer(repeating: 7, count: 1_000), counter: UInt64(1 + number))
        }
        for (number, object) in objects.enumerated() {
            let token = StorageToken(rawValue: UInt64(number))
            store.send(.persist(TestObjects.key("k\(number)"), object, token))
        }
        store.endTurn()
        _ = store.settle()
        for (number, object) in objects.enumerated() {
            let isThere = try store.answers(object, to: TestObjects.key("k\(number)"))
            #expect(isThere)
        }
        #expect(store.engine.metrics.cachedVersions > 200)
        _ = try store.restartAfterKill()
        for (number, object) in objects.enumerated() {
            let isThere = try store.answers(object, to: TestObjects.key("k\(number)"))
            #expect(isThere)
        }
        #expect(store.engine.metrics.cachedVersions == 0)
    }
}
