import Foundation
import HengeBase
import HengeMessages
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

/// Hints, stand-ins and lives as they lie in RocksDB's files.
@Suite struct RocksDBHintTests {
    private let directory = TestDirectory()
    private let target = NodeID(0x0102)

    private func hint(_ sequence: UInt64, _ key: StoredKey = TestObjects.key("k")) -> Hint {
        Hint(
            target: target,
            sequence: sequence,
            created: WallTime(milliseconds: 7),
            key: key.standingIn(for: target)
        )
    }

    /// Key and value as docs/decisions/0008 describes them.
    private func raw(_ hint: Hint, flag: UInt8 = 1) -> (key: [UInt8], value: [UInt8]) {
        let sequence = withUnsafeBytes(of: hint.sequence.bigEndian) { Array($0) }
        let key = [0, 1, 2] + sequence
        let value = [0, 0, 0, 0, 0, 0, 0, 7, flag] + Array(buffer: hint.key.bytes)
        return (key, RawDatabase.sealed(value, key: key))
    }

    @Test("hints and stand-ins made by hand read as the engine's own")
    func forms() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        let path = store.options.directory
        store.shutDown()
        let key = TestObjects.key("held")
        let object = TestObjects.object("v")
        do {
            let files = try RawDatabase(path)
            let made = raw(hint(5, key))
            files.put(made.key, made.value, family: 3)
            let place = [1, 1, 2] + Array(buffer: key.bytes)
            files.put(place, RawDatabase.sealed(Array(buffer: object), key: place), family: 3)
        }
        let again = try RocksDBUnderTest(store.options)
        defer { again.shutDown() }
        #expect(again.hints(target, after: 0, limit: 2) == .success([hint(5, key)]))
        #expect(again.load(key.standingIn(for: target)) == .success(object))
        let bytes = hint(5, key).byteCount + key.bytes.readableBytes + object.readableBytes
        #expect(again.hintBacklogs.map(\.bytes) == [bytes])
    }

    @Test("a hint that has rotten is passed over and counted, whatever is wrong with it")
    func rot() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        #expect(store.keepHints((1...7).map { hint($0) }) == nil)
        let path = store.options.directory
        store.shutDown()
        do {
            let files = try RawDatabase(path)
            let whole = (1...5).map { raw(hint($0)) }
            files.put(whole[0].key, Array(whole[0].value.dropLast()), family: 3)
            files.put(whole[1].key, [], family: 3)
            files.put(whole[2].key, whole[4].value, family: 3)
            files.put(whole[3].key, raw(hint(4), flag: 2).value, family: 3)
            let short = RawDatabase.sealed([1, 2, 3], key: whole[4].key)
            files.put(whole[4].key, short, family: 3)
            // Keys that are none of this family.
            for key in [[], [0], [0, 1, 2, 3], [2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 9]] as [[UInt8]] {
                files.put(key, RawDatabase.sealed([], key: key), family: 3)
            }
        }
        let again = try RocksDBUnderTest(store.options)
        defer { again.shutDown() }
        let before = again.engine.metrics.failuresCorrupt
        #expect(before >= 1)
        #expect(again.hints(target, after: 0, limit: 9) == .success([hint(6), hint(7)]))
        // Five hints and the stray key between the targets.
        #expect(again.engine.metrics.failuresCorrupt == before + 6)
        let backlog = try #require(again.hintBacklogs.first)
        #expect(backlog.count == 7)
        #expect(backlog.lastSequence == 7)
        #expect(backlog.oldest == WallTime(milliseconds: 7))
        #expect(again.hints(NodeID(0x0103), after: 0, limit: 9) == .success([]))
    }

    @Test("a page is bounded in bytes, and pages join to all hints")
    func pageBytes() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        defer { store.shutDown() }
        let long = TestObjects.key(String(repeating: "k", count: 60_000))
        let hints = (1...60).map { hint($0, long) }
        #expect(store.keepHints(hints) == nil)
        let page = try store.hints(target, after: 0, limit: 1_000).get()
        #expect(page.count == 18)
        #expect(try store.allHints(target) == hints)
        #expect(store.engine.metrics.hintsWritten == 60)
        #expect(store.engine.metrics.hintPagesRead == 6)
    }

    @Test("a store of a release without hints is opened and gets them")
    func addsFamily() throws {
        let path = directory.path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let key = TestObjects.key("old")
        let object = TestObjects.object("v")
        do {
            let files = try RawDatabase(path, families: ["default", "objects", "meta"])
            let whose: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0xC1] + Array("n1".utf8)
            for (name, value) in [("format", [0, 0, 0, 1]), ("identity", whose)] {
                let name = Array(name.utf8)
                files.put(name, RawDatabase.sealed(value, key: name), family: 2)
            }
            let raw = Array(buffer: key.bytes)
            files.put(raw, RawDatabase.sealed(Array(buffer: object), key: raw), family: 1)
        }
        let options = RocksDBEngine.Options(directory: path, partitionBits: 6)
        let store = try RocksDBUnderTest(options)
        defer { store.shutDown() }
        #expect(store.startNumber == 1)
        #expect(store.hintBacklogs.isEmpty)
        #expect(store.load(key) == .success(object))
        #expect(store.keepHints([hint(1)]) == nil)
        _ = try store.restartAfterKill()
        #expect(store.startNumber == 2)
        #expect(try store.allHints(target) == [hint(1)])
    }

    @Test("what is held in another's place is read at once when in memory, else in the pool")
    func cachedAndPooled() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        defer { store.shutDown() }
        let key = TestObjects.key("k").standingIn(for: target)
        let object = TestObjects.object("v")
        #expect(store.persist(key, object) == nil)
        #expect(store.load(key) == .success(object))
        #expect(store.engine.metrics.pooledLoads == 0)
        _ = try store.restartCleanly(state: ByteBuffer())
        #expect(store.load(key) == .success(object))
        #expect(store.engine.metrics.pooledLoads == 1)
        #expect(store.load(key) == .success(object))
        #expect(store.engine.metrics.pooledLoads == 1)
    }

    @Test(
        "an old copy put back gets a start number that was used; an emptied directory begins anew")
    func copyAndWipe() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        #expect(store.keepHints([hint(1)]) == nil)
        store.shutDown()
        let path = store.options.directory
        let manager = FileManager.default
        try manager.copyItem(atPath: path, toPath: path + "-copy")

        let later = try RocksDBUnderTest(store.options)
        #expect(later.startNumber == 2)
        #expect(later.dropHints(target, through: 1) == nil)
        later.shutDown()

        try manager.removeItem(atPath: path)
        try manager.moveItem(atPath: path + "-copy", toPath: path)
        let putBack = try RocksDBUnderTest(store.options)
        #expect(putBack.startNumber == 2)
        #expect(try putBack.allHints(target) == [hint(1)])
        putBack.shutDown()

        try manager.removeItem(atPath: path)
        let empty = try RocksDBUnderTest(store.options)
        defer { empty.shutDown() }
        #expect(empty.startNumber == 1)
        #expect(empty.hintBacklogs.isEmpty)
        #expect(empty.storedLives == nil && empty.storedRing == nil)
    }

    @Test("a closed engine refuses what is asked of it")
    func closed() throws {
        let store = try RocksDBUnderTest(in: directory) { _ in }
        store.engine.close()
        #expect(store.keepHints([hint(1)]) == .readOnly)
        #expect(store.dropHints(target, through: 1) == .readOnly)
        #expect(store.remove(TestObjects.key("k")) == .readOnly)
        #expect(store.hints(target, after: 0, limit: 1) == .failure(.readOnly))
        store.engine.saveLives(ByteBuffer(string: "lost"))
        #expect(store.engine.metrics.pendingWrites == 0)
    }
}
