import HengeBase
import HengeMessages
import HengeSimulator
import Testing

import struct NIOCore.ByteBuffer

/// Crashes and faults of the simulated disk with writes of every kind.
@Suite struct MemoryEngineHintTests {
    private let target = NodeID(1)

    @Test("a crash leaves exactly a prefix of the writes, whatever their kinds", arguments: 1...20)
    func prefixes(_ seed: Int) throws {
        var writes = RandomWrites(seed: UInt64(seed))
        writes.sizeMax = 20
        let requests = (0..<30).map { _ in writes.next() }
        var disk = MemoryEngine(durability: .interval)
        for request in requests.prefix(20) {
            disk.request(request)
            _ = disk.commit()
        }
        for request in requests.dropFirst(20) { disk.request(request) }

        var oracle = StoreOracle()
        for surviving in 0...30 {
            if surviving > 0 { oracle.apply(requests[surviving - 1]) }
            let store = MemoryUnderTest(.interval)
            store.engine = disk
            store.engine.crash(surviving: surviving)
            let found = try StoreOracle.found(
                in: store,
                keys: writes.keys,
                targets: writes.targets
            )
            #expect(found == oracle, "seed \(seed), \(surviving) writes")
            #expect(store.hintBacklogs == oracle.backlogs, "seed \(seed), \(surviving) writes")
        }
    }

    @Test("the lives of others are in order with the writes, and a crash takes them back")
    func lives() {
        for surviving in 0...2 {
            var disk = MemoryEngine(durability: .interval)
            disk.saveLives(ByteBuffer(string: "a"))
            #expect(disk.commit().isEmpty)
            disk.sync()
            disk.saveLives(ByteBuffer(string: "b"))
            disk.request(.keepHints([hint(1)], StorageToken(rawValue: 1)))
            #expect(disk.commit().count == 1)
            disk.crash(surviving: surviving)
            #expect(disk.open() == nil)
            #expect(disk.storedLives == ByteBuffer(string: surviving == 0 ? "a" : "b"))
            #expect(disk.hintCount == (surviving == 2 ? 1 : 0))
        }
    }

    @Test("a failed commit of a record and its hints changes neither, or both")
    func commitFaults() {
        for takesEffect in [false, true] {
            var disk = MemoryEngine()
            disk.failNextCommit(with: .noSpace, takesEffect: takesEffect)
            let key = TestObjects.key("k").standingIn(for: target)
            let object = TestObjects.object("v")
            disk.request(.persist(key, object, hints: [hint(1)], StorageToken(rawValue: 1)))
            disk.saveLives(ByteBuffer(string: "a"))
            let answers = disk.commit()
            #expect(answers.count == 1)
            for case .persisted(_, let failure) in answers { #expect(failure == .noSpace) }
            #expect(disk.standInCount == (takesEffect ? 1 : 0))
            #expect(disk.hintCount == (takesEffect ? 1 : 0))
            #expect(disk.recordCount == 0)
        }
    }

    @Test("a stop whose only failed write was one that nobody waits for is not clean")
    func uncleanLives() {
        var disk = MemoryEngine()
        disk.saveLives(ByteBuffer(string: "a"))
        disk.failNextCommit(with: .io)
        #expect(disk.closeClean(state: ByteBuffer()).isEmpty)
        #expect(disk.open() == nil)
    }

    @Test("a copy put back is found by its start number; an emptied disk begins at one")
    func copyAndWipe() {
        var disk = MemoryEngine()
        _ = disk.open()
        disk.request(.keepHints([hint(1)], StorageToken(rawValue: 1)))
        _ = disk.commit()
        disk.request(.keepHints([hint(2)], StorageToken(rawValue: 2)))
        var copy = disk
        copy.crash()
        disk.crash()
        _ = disk.open()
        #expect(disk.startNumber == 2)
        #expect(copy.waitingWriteCount == 0)
        _ = copy.open()
        #expect(copy.startNumber == 2)
        #expect(copy.hintBacklogs.map(\.lastSequence) == [1])

        var empty = disk.wiped()
        _ = empty.open()
        #expect(empty.startNumber == 1)
        #expect(empty.hintBacklogs.isEmpty)
        #expect(empty.storedLives == nil && empty.storedRing == nil)
        #expect(empty.durability == disk.durability)
    }

    @Test("pages pass over a hint that has rotten, and a look for hints can fail")
    func faults() {
        var disk = MemoryEngine()
        disk.request(.keepHints((1...3).map(hint), StorageToken(rawValue: 1)))
        _ = disk.commit()
        let rots = (
            disk.corruptHint(target, sequence: 1), disk.corruptHint(target, sequence: 9)
        )
        #expect(rots == (true, false))
        #expect(disk.hintBacklogs.map(\.oldest) == [hint(2).created])
        disk.failNextRead(with: .io)
        for _ in 0..<2 {
            disk.request(.loadHints(target, after: 0, limit: 5, StorageToken(rawValue: 2)))
        }
        var results: [Result<[Hint], StorageFailure>] = []
        while case .hintsLoaded(_, let result)? = disk.completeRead() { results.append(result) }
        #expect(results == [.failure(.io), .success([hint(2), hint(3)])])
    }

    private func hint(_ sequence: UInt64) -> Hint {
        Hint(
            target: target,
            sequence: sequence,
            created: WallTime(milliseconds: sequence),
            key: TestObjects.key("k").standingIn(for: target)
        )
    }
}
