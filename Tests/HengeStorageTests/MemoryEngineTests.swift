import HengeBase
import HengeMessages
import HengeSimulator
import Testing

import struct NIOCore.ByteBuffer

/// What only the simulated disk can show exactly: what a crash takes, and faults.
@Suite struct MemoryEngineTests {
    private let key = TestObjects.key("k")
    private let old = TestObjects.object("old")
    private let new = TestObjects.object("new", counter: 2)

    @Test("a read sees a write from its commit on, not before", arguments: [true, false])
    func visibility(_ isSync: Bool) {
        var engine = MemoryEngine(durability: isSync ? .sync : .interval)
        engine.request(.persist(key, old, StorageToken(rawValue: 1)))
        #expect(engine.load(key) == .success(nil))
        #expect(tokens(engine.commit()) == [1])
        #expect(engine.load(key) == .success(old))
        #expect(engine.unsyncedCount == (isSync ? 0 : 1))
    }

    @Test("in sync a crash takes what waits, never what was acknowledged")
    func crashInSync() {
        for surviving in 0...3 {
            var engine = MemoryEngine(durability: .sync)
            write(&engine, 0..<5)
            for number in 5..<7 { request(&engine, number) }
            engine.crash(surviving: surviving)
            #expect(present(&engine, 0..<7) == Array(0..<(5 + min(2, surviving))))
            #expect(engine.waitingWriteCount == 0)
            #expect(engine.commit().isEmpty)
        }
    }

    @Test("in interval a crash leaves any prefix of what was not synced")
    func crashInInterval() {
        for surviving in 0...6 {
            var engine = MemoryEngine(durability: .interval)
            write(&engine, 0..<2)
            engine.sync()
            write(&engine, 2..<5)
            for number in 5..<7 { request(&engine, number) }
            #expect(engine.unsyncedCount == 3)
            engine.crash(surviving: surviving)
            #expect(present(&engine, 0..<7) == Array(0..<min(7, 2 + surviving)))
        }
    }

    @Test("a crash takes overwrites back one by one")
    func crashRestoresOldValues() {
        var engine = MemoryEngine(durability: .interval)
        for (token, object) in [old, new].enumerated() {
            engine.request(.persist(key, object, StorageToken(rawValue: UInt64(token))))
            _ = engine.commit()
        }
        var one = engine
        one.crash(surviving: 1)
        #expect(one.load(key) == .success(old))
        engine.crash()
        #expect(engine.load(key) == .success(nil))
        #expect(engine.recordCount == 0)
    }

    @Test("kill -9 keeps what was acknowledged, in interval too")
    func kill() {
        var engine = MemoryEngine(durability: .interval)
        write(&engine, 0..<3)
        request(&engine, 3)
        engine.kill()
        #expect(present(&engine, 0..<4) == [0, 1, 2])
    }

    @Test("a commit may take a part of what waits, oldest first")
    func partialCommit() {
        var engine = MemoryEngine()
        for number in 0..<5 { request(&engine, number) }
        #expect(tokens(engine.commit(count: 2)) == [0, 1])
        #expect(present(&engine, 0..<5) == [0, 1])
        #expect(tokens(engine.commit()) == [2, 3, 4])
    }

    @Test("a failed commit fails all of its writes and, as asked, changes nothing or everything")
    func commitFaults() {
        for takesEffect in [false, true] {
            var engine = MemoryEngine()
            engine.failNextCommit(with: .io, takesEffect: takesEffect)
            #expect(engine.commit().isEmpty)  // Nothing to write: the fault waits.
            for number in 0..<3 { request(&engine, number) }
            #expect(failures(engine.commit()) == [.io, .io, .io])
            #expect(present(&engine, 0..<3) == (takesEffect ? [0, 1, 2] : []))
            write(&engine, 3..<4)
            #expect(present(&engine, 3..<4) == [3])
        }
    }

    @Test("while the disk is full every write fails; afterwards they succeed")
    func fullDisk() {
        var engine = MemoryEngine()
        engine.writeFault = .noSpace
        for number in 0..<3 {
            request(&engine, number)
            #expect(failures(engine.commit()) == [.noSpace])
        }
        #expect(engine.closeClean(state: ByteBuffer()).isEmpty)
        #expect(engine.open() == nil)
        engine.writeFault = nil
        write(&engine, 3..<4)
        #expect(present(&engine, 0..<4) == [3])
    }

    @Test("an injected read fault fails one read; rot fails all until the record is written again")
    func readFaults() {
        var engine = MemoryEngine()
        write(&engine, 0..<2)
        engine.failNextRead(with: .io)
        engine.request(.load(name(0), StorageToken(rawValue: 1)))
        engine.request(.load(name(0), StorageToken(rawValue: 2)))
        #expect(loaded(engine.completeRead()) == .failure(.io))
        #expect(loaded(engine.completeRead()) == .success(TestObjects.object("v0")))
        #expect(loaded(engine.completeRead()) == nil)

        let rots = (engine.corrupt(name(0)), engine.corrupt(name(9)))
        #expect(rots == (true, false))
        #expect(engine.load(name(0)) == .failure(.corrupt))
        #expect(engine.load(name(1)) == .success(TestObjects.object("v1")))
        #expect(engine.tally(partitionBits: 1).reduce(.nothing, +).records == 1)
        write(&engine, 0..<1)
        #expect(engine.load(name(0)) == .success(TestObjects.object("v0")))
    }

    @Test("reads may overtake, and see what is visible when they are carried out")
    func lateReads() {
        var engine = MemoryEngine()
        write(&engine, 0..<1)
        engine.request(.load(name(0), StorageToken(rawValue: 1)))
        engine.request(.load(name(1), StorageToken(rawValue: 2)))
        write(&engine, 1..<2)
        #expect(loaded(engine.completeRead(at: 1)) == .success(TestObjects.object("v1")))
        #expect(loaded(engine.completeRead(at: 5)) == .success(TestObjects.object("v0")))
        #expect(engine.waitingReadCount == 0)
    }

    @Test("a clean stop with a write that failed is none")
    func uncleanStop() {
        var engine = MemoryEngine()
        request(&engine, 0)
        engine.failNextCommit(with: .io)
        #expect(failures(engine.closeClean(state: ByteBuffer(string: "s"))) == [.io])
        #expect(engine.open() == nil)
    }

    // MARK: Helpers

    private func name(_ number: Int) -> StoredKey { TestObjects.key("n\(number)") }

    private func request(_ engine: inout MemoryEngine, _ number: Int) {
        let object = TestObjects.object("v\(number)")
        engine.request(.persist(name(number), object, StorageToken(rawValue: UInt64(number))))
    }

    private func write(_ engine: inout MemoryEngine, _ numbers: Range<Int>) {
        for number in numbers {
            request(&engine, number)
            _ = engine.commit()
        }
    }

    private func present(_ engine: inout MemoryEngine, _ numbers: Range<Int>) -> [Int] {
        numbers.filter { engine.load(name($0)) == .success(TestObjects.object("v\($0)")) }
    }

    private func tokens(_ completions: [StorageCompletion]) -> [UInt64] {
        completions.compactMap {
            if case .persisted(let token, nil) = $0 { token.rawValue } else { nil }
        }
    }

    private func failures(_ completions: [StorageCompletion]) -> [StorageFailure] {
        completions.compactMap { if case .persisted(_, let failure?) = $0 { failure } else { nil } }
    }

    private func loaded(
        _ completion: StorageCompletion?
    ) -> Result<ByteBuffer?, StorageFailure>? {
        if case .loaded(_, let result)? = completion { result } else { nil }
    }
}
