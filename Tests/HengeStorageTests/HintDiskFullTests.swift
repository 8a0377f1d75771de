import Foundation
import HengeBase
import HengeMessages
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

@Suite(.serialized, .enabled(if: SmallDisk.isPermitted, "needs the right to mount a tmpfs"))
struct HintDiskFullTests {
    private let target = NodeID(4)

    private func hint(_ sequence: UInt64) -> Hint {
        Hint(
            target: target,
            sequence: sequence,
            created: WallTime(milliseconds: 1),
            key: TestObjects.key("k\(sequence)").standingIn(for: target)
        )
    }

    @Test("on a full disk hints fail with their records, removals go on failing, and all heals")
    func fullDisk() throws {
        let disk = try SmallDisk(megabytes: 48)
        var options = RocksDBEngine.Options(directory: disk.path + "/n1", partitionBits: 6)
        options.writeBufferBytes = 8 << 20
        let store = try RocksDBUnderTest(options)
        defer { store.shutDown() }
        #expect(!store.engine.isSpaceLow)
        try disk.fill(leaving: 2 << 20)
        try wait(store) { $0.engine.isSpaceLow }

        var random = SeededGenerator(seed: 4)
        var kept: UInt64 = 0
        var failure: StorageFailure?
        while failure == nil, kept < 10_000 {
            let hint = hint(kept + 1)
            let object = TestObjects.object(TestObjects.noise(4_096, &random))
            store.send(.persist(hint.key, object, hints: [hint], StorageToken(rawValue: 1)))
            store.endTurn()
            for case .persisted(_, let outcome) in store.settle() { failure = outcome }
            kept += failure == nil ? 1 : 0
        }
        #expect(failure == .noSpace)
        #expect(kept > 100)
        #expect(store.keepHints([hint(20_000)]) == .noSpace)
        #expect(store.dropHints(target, through: 5) == .noSpace)
        #expect(store.remove(hint(1).key) == .noSpace)
        let here = try store.allHints(target)
        #expect(here.prefix(Int(kept)).elementsEqual((1...kept).map { hint($0) }))

        try disk.unfill()
        try wait(store) { $0.dropHints(target, through: 10) == nil }
        try wait(store) { !$0.engine.isSpaceLow }
        let rest = try store.allHints(target)
        #expect(rest.first == hint(11))
        #expect(rest.prefix(Int(kept) - 10).elementsEqual((11...kept).map { hint($0) }))
    }

    private func wait(
        _ store: RocksDBUnderTest,
        _ condition: (RocksDBUnderTest) -> Bool
    ) throws {
        let deadline = Date(timeIntervalSinceNow: 30)
        while !condition(store) {
            try #require(Date() < deadline)
            usleep(20_000)
        }
    }
}
