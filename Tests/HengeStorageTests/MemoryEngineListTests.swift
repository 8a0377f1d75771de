import HengeBase
import HengeMessages
import HengeRing
import HengeSimulator
import Testing

import struct NIOCore.ByteBuffer

/// Lists and watermarks on the simulated disk: what a crash takes, and faults.
@Suite struct MemoryEngineListTests {
    private let whole = ListRange(from: .min, through: .max, kind: .versions)

    @Test("a list names what has rotten and goes on; an injected fault fails one list")
    func faults() {
        var engine = MemoryEngine()
        let keys = (0..<5).map { TestObjects.key("n\($0)") }
        for key in keys {
            engine.request(.persist(key, TestObjects.object("v"), StorageToken(rawValue: 0)))
        }
        _ = engine.commit()
        let rots = engine.corrupt(keys[2])
        #expect(rots)
        engine.failNextRead(with: .io)
        for _ in 0..<2 { engine.request(.list(whole, StorageToken(rawValue: 1))) }
        #expect(listed(engine.completeRead()) == .failure(.io))
        let page = try? listed(engine.completeRead())?.get()
        #expect(page?.rotten == [keys[2]])
        #expect(page?.records.count == 4)
        #expect(
            engine.leaves(partitionBits: 6).map(\.root).reduce(0, &+) == page?.weight.fingerprint)
    }

    @Test("a list sees what is visible when it is carried out")
    func lateList() {
        var engine = MemoryEngine()
        engine.request(.list(whole, StorageToken(rawValue: 1)))
        let key = TestObjects.key("k")
        engine.request(.persist(key, TestObjects.object("v"), StorageToken(rawValue: 2)))
        #expect(engine.waitingReadCount == 1)
        _ = engine.commit()
        let page = try? listed(engine.completeRead())?.get()
        #expect(page?.records.map(\.key) == [key])
    }

    @Test("a crash leaves the watermarks of any prefix of the writes", arguments: 0...6)
    func crash(_ surviving: Int) {
        var engine = MemoryEngine(durability: .interval)
        let states: [[Int: String]] = [
            [:], [5: "a"], [5: "b"], [3: "c", 5: "b"], [3: "c"], [3: "c"], [3: "c", 5: "d"],
        ]
        let writes = [(5, "a"), (5, "b"), (3, "c"), (5, ""), (5, ""), (5, "d")]
        for (index, write) in writes.enumerated() {
            let bytes = ByteBuffer(string: write.1)
            let token = StorageToken(rawValue: UInt64(index))
            engine.request(.saveWatermark(partition: write.0, bytes, token))
            // The last two still wait when the machine fails.
            if index < 4 { #expect(engine.commit().count == 1) }
        }
        engine.crash(surviving: surviving)
        let found = engine.watermarks.map { ($0.partition, String(buffer: $0.bytes)) }
        #expect(found.map(\.0) == found.map(\.0).sorted())
        #expect(Dictionary(uniqueKeysWithValues: found) == states[surviving])
    }

    @Test("a failed commit saves no watermark; an emptied disk has none")
    func failures() {
        var engine = MemoryEngine()
        let bytes = ByteBuffer(string: "w")
        engine.failNextCommit(with: .io)
        for _ in 0..<2 {
            #expect(engine.watermarks.isEmpty)
            engine.request(.saveWatermark(partition: 1, bytes, StorageToken(rawValue: 1)))
            _ = engine.commit()
        }
        #expect(engine.watermarks.map(\.bytes) == [bytes])
        #expect(engine.wiped().watermarks.isEmpty)
    }

    private func listed(_ completion: StorageCompletion?) -> Result<ListPage, StorageFailure>? {
        if case .listed(_, let result)? = completion { result } else { nil }
    }
}
