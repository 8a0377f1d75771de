import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Dropping whole partitions, and saved transfers, the same for every engine.
@Suite struct PartitionContractTests {
    /// Of 64.
    private func tokens(_ partition: UInt64) -> ClosedRange<Token> {
        Token(rawValue: partition << 58)...Token(rawValue: partition << 58 | (1 << 58 - 1))
    }

    /// A key of each partition at least, and where each is.
    private func fill(_ store: any StoreUnderTest) -> [StoredKey] {
        let keys = (0..<600).map { TestObjects.key("k\($0)") }
        for (number, key) in keys.enumerated() {
            let object = TestObjects.object("v", counter: UInt64(number + 1))
            store.send(.persist(key, object, StorageToken(rawValue: 0)))
        }
        store.endTurn()
        _ = store.settle()
        return keys
    }

    @Test(
        "a dropped partition is gone, and nothing else",
        arguments: EngineKind.allCases, [UInt64(0), 31, 63])
    func drop(_ kind: EngineKind, partition: UInt64) throws {
        try kind.withStore { store in
            let keys = fill(store)
            let tokens = tokens(partition)
            let dropped = keys.filter { tokens.contains($0.token) }
            try #require(dropped.count > 1)
            let held = dropped[0].standingIn(for: NodeID(3))
            #expect(store.persist(held, TestObjects.object("held")) == nil)
            let hint = Hint(
                target: NodeID(3),
                sequence: 1,
                created: TestObjects.wall,
                key: dropped[0]
            )
            #expect(store.keepHints([hint]) == nil)
            let bytes = ByteBuffer(string: "saved")
            for saved in [Int(partition), 1, 62] {
                #expect(store.saveWatermark(saved, bytes) == nil)
                #expect(store.saveTransfer(saved, bytes) == nil)
            }
            #expect(store.dropPartition(Int(partition), tokens) == nil)
            let late = dropped[1]
            for round in 0..<3 {
                let found = try keys.filter { try store.load($0).get() != nil }
                #expect(found == keys.filter { !dropped.contains($0) || round > 0 && $0 == late })
                let page = try store.list(
                    ListRange(from: tokens.lowerBound, through: tokens.upperBound, kind: .versions)
                ).get()
                #expect(page.records.map(\.key) == (round > 0 ? [late] : []))
                #expect(try store.load(held).get() != nil)
                #expect(try store.allHints(NodeID(3)) == [hint])
                // Later writes are there.
                if round == 0 { #expect(store.persist(late, TestObjects.object("late")) == nil) }
                if round == 1 { _ = try store.restartAfterKill() }
            }
            #expect(store.watermarks == [1: bytes, 62: bytes])
            #expect(store.transfers == [1: bytes, 62: bytes])
            let tally = try #require(store.tally(partitionBits: 6))
            #expect(tally.partitions[Int(partition)].records == 1)
            let all = tally.partitions.reduce(0) { $0 + $1.records }
            #expect(all == keys.count - dropped.count + 1)
        }
    }

    @Test("a drop takes its place among the writes", arguments: EngineKind.allCases)
    func order(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let key = TestObjects.key("k")
            let partition = key.token.rawValue >> 58
            let (old, new) = (TestObjects.object("old"), TestObjects.object("new"))
            store.send(.persist(key, old, StorageToken(rawValue: 1)))
            store.send(
                .dropPartition(
                    Int(partition),
                    tokens: tokens(partition),
                    StorageToken(rawValue: 2)
                ))
            store.send(.persist(key, new, StorageToken(rawValue: 3)))
            store.send(.saveTransfer(partition: 5, new, StorageToken(rawValue: 4)))
            store.send(.saveTransfer(partition: 5, ByteBuffer(), StorageToken(rawValue: 5)))
            store.endTurn()
            let tokens = store.settle().compactMap {
                if case .persisted(let token, nil) = $0 { token.rawValue } else { nil }
            }
            #expect(tokens == [1, 2, 3, 4, 5])
            #expect(try store.load(key).get() == new)
            _ = try store.restartCleanly(state: ByteBuffer())
            #expect(try store.load(key).get() == new)
            #expect(store.transfers.isEmpty)
        }
    }

    @Test("on the simulated disk a crash takes back a drop whole, or not at all")
    func crash() throws {
        for surviving in 0...1 {
            let store = MemoryUnderTest(.interval)
            let keys = fill(store)
            store.engine.sync()
            #expect(store.saveTransfer(31, ByteBuffer(string: "t")) == nil)
            store.engine.sync()
            #expect(store.dropPartition(31, tokens(31)) == nil)
            #expect(store.engine.recordCount < keys.count && store.transfers.isEmpty)
            store.engine.crash(surviving: surviving)
            #expect((store.engine.recordCount == keys.count) == (surviving == 0))
            #expect(store.transfers.isEmpty == (surviving == 1))
        }
    }
}
