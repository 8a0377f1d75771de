import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Hints, records held in the place of others, and what an opening says; the same for every engine.
@Suite struct HintContractTests {
    private let one = NodeID(1)
    private let two = NodeID(2)
    private let last = NodeID(.max)

    private func hint(
        _ target: NodeID,
        _ sequence: UInt64,
        _ name: String = "k",
        standIn: Bool = false
    ) -> Hint {
        Hint(
            target: target,
            sequence: sequence,
            created: WallTime(milliseconds: 5_000 + sequence % 1_000),
            key: TestObjects.key(name).standingIn(for: standIn ? target : nil)
        )
    }

    @Test(
        "hints come in order of their sequences, by target, in pages",
        arguments: EngineKind.allCases)
    func pages(_ kind: EngineKind) throws {
        try kind.withStore { store in
            var ones = [3, 4, 900, UInt64.max].map { hint(one, $0, "k\($0)", standIn: $0 == 4) }
            // One may name what is held in the place of a third node.
            ones[2].key = ones[2].key.standingIn(for: two)
            let lasts = [hint(last, 1), hint(last, .max)]
            #expect(store.keepHints(lasts + ones.reversed()) == nil)
            #expect(store.hints(one, after: 0, limit: 10) == .success(ones))
            #expect(store.hints(one, after: 3, limit: 2) == .success(Array(ones[1...2])))
            #expect(store.hints(one, after: .max, limit: 2) == .success([]))
            #expect(store.hints(two, after: 0, limit: 2) == .success([]))
            #expect(store.hints(last, after: 0, limit: 9) == .success(lasts))
            #expect(store.keepHints([]) == nil)
        }
    }

    @Test("hints go up to and with a sequence, of one target alone", arguments: EngineKind.allCases)
    func drops(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let ones = [1, 2, 3, UInt64.max].map { hint(one, $0) }
            let others = [hint(NodeID(0), 2), hint(two, 2), hint(last, .max)]
            #expect(store.keepHints(ones + others) == nil)
            #expect(store.dropHints(one, through: 2) == nil)
            #expect(store.hints(one, after: 0, limit: 10) == .success(Array(ones[2...])))
            // A second removal of the same, and hints below what was removed.
            #expect(store.dropHints(one, through: 1) == nil)
            #expect(store.keepHints([hint(one, 1)]) == nil)
            #expect(store.hints(one, after: 0, limit: 1) == .success([hint(one, 1)]))
            #expect(store.dropHints(one, through: 2) == nil)
            #expect(store.hints(one, after: 0, limit: 10) == .success(Array(ones[2...])))
            #expect(store.dropHints(one, through: .max) == nil)
            #expect(store.dropHints(last, through: .max) == nil)
            #expect(store.dropHints(NodeID(9), through: 7) == nil)
            _ = try store.restartAfterKill()
            #expect(store.hints(one, after: 0, limit: 10) == .success([]))
            #expect(store.hintBacklogs.map(\.target) == [NodeID(0), two])
        }
    }

    @Test("writes of all kinds in one turn take effect in order", arguments: EngineKind.allCases)
    func order(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let key = TestObjects.key("k")
            let objects = (1...2).map { TestObjects.object("v", counter: UInt64($0)) }
            let requests: [StorageRequest] = [
                .persist(key, objects[0], hints: [hint(one, 1)], StorageToken(rawValue: 1)),
                .keepHints([hint(one, 2), hint(two, 2)], StorageToken(rawValue: 2)),
                .dropHints(one, through: 2, StorageToken(rawValue: 3)),
                .remove(key, StorageToken(rawValue: 4)),
                .persist(key, objects[1], hints: [hint(one, 5)], StorageToken(rawValue: 5)),
                .remove(TestObjects.key("none"), StorageToken(rawValue: 6)),
            ]
            for request in requests { store.send(request) }
            store.endTurn()
            let tokens = store.settle().compactMap {
                if case .persisted(let token, nil) = $0 { token.rawValue } else { nil }
            }
            #expect(tokens == Array(1...6))
            for _ in 0..<2 {
                #expect(store.load(key) == .success(objects[1]))
                #expect(store.hints(one, after: 0, limit: 9) == .success([hint(one, 5)]))
                #expect(store.hints(two, after: 0, limit: 9) == .success([hint(two, 2)]))
                _ = try store.restartAfterKill()
            }
        }
    }

    @Test("what is held in the place of others is apart", arguments: EngineKind.allCases)
    func standIns(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let key = TestObjects.key("k")
            let places = [key, key.standingIn(for: one), key.standingIn(for: two)]
            for (number, place) in places.enumerated() {
                #expect(store.load(place) == .success(nil))
                #expect(store.persist(place, TestObjects.object("v\(number)")) == nil)
            }
            _ = try store.restartAfterKill()
            for (number, place) in places.enumerated() {
                #expect(store.load(place) == .success(TestObjects.object("v\(number)")))
            }
            #expect(store.tally(partitionBits: 6)?.partitions.reduce(.nothing, +).records == 1)
            let range = ScanRange(
                from: .min,
                through: .max,
                bucket: nil,
                limit: 10,
                examinedMax: 10,
                wall: TestObjects.wall
            )
            #expect(try store.scan(range).get().keys == [key])
            #expect(store.remove(places[1]) == nil)
            #expect(store.load(places[0]) == .success(TestObjects.object("v0")))
            #expect(store.load(places[1]) == .success(nil))
            #expect(store.remove(places[0]) == nil)
            #expect(store.load(places[0]) == .success(nil))
            #expect(store.load(places[2]) == .success(TestObjects.object("v2")))
            #expect(try store.scan(range).get().keys.isEmpty)
        }
    }

    @Test("an opening sums up the hints that were kept", arguments: EngineKind.allCases)
    func backlogs(_ kind: EngineKind) throws {
        try kind.withStore { store in
            #expect(store.hintBacklogs.isEmpty)
            var oracle = StoreOracle()
            let held = TestObjects.key("held")
            let requests: [StorageRequest] = [
                .persist(
                    held.standingIn(for: one),
                    TestObjects.object("v"),
                    hints: [hint(one, 7, "held", standIn: true)],
                    StorageToken(rawValue: 1)
                ),
                .keepHints(
                    [hint(one, 8, "longer"), hint(last, 5), hint(last, 9)],
                    StorageToken(rawValue: 2)
                ),
                .persist(
                    held.standingIn(for: two), TestObjects.object("vv"), StorageToken(rawValue: 3)),
                .keepHints([hint(NodeID(3), 4)], StorageToken(rawValue: 4)),
                .dropHints(NodeID(3), through: 4, StorageToken(rawValue: 5)),
                .dropHints(last, through: 5, StorageToken(rawValue: 6)),
            ]
            for request in requests {
                store.send(request)
                oracle.apply(request)
            }
            store.endTurn()
            _ = store.settle()
            _ = try store.restartAfterKill()
            #expect(store.hintBacklogs == oracle.backlogs)
            #expect(store.hintBacklogs.map(\.target) == [one, two, last])
            #expect(store.hintBacklogs.map(\.count) == [2, 0, 1])
            #expect(store.hintBacklogs.map(\.lastSequence) == [8, 0, 9])
            #expect(store.hintBacklogs[0].oldest == WallTime(milliseconds: 5_007))
            _ = try store.restartCleanly(state: ByteBuffer())
            #expect(store.hintBacklogs == oracle.backlogs)
        }
    }

    @Test("each opening has the next start number", arguments: EngineKind.allCases)
    func startNumbers(_ kind: EngineKind) throws {
        try kind.withStore { store in
            #expect(store.startNumber == 1)
            _ = try store.restartAfterKill()
            #expect(store.startNumber == 2)
            _ = try store.restartCleanly(state: ByteBuffer())
            #expect(store.startNumber == 3)
            _ = try store.restartAfterKill()
            #expect(store.startNumber == 4)
        }
    }

    @Test("the lives of others outlast any stop", arguments: EngineKind.allCases)
    func lives(_ kind: EngineKind) throws {
        try kind.withStore { store in
            #expect(store.storedLives == nil)
            store.saveLives(ByteBuffer(string: "older"))
            store.saveLives(ByteBuffer(string: "lives"))
            // Acknowledged, so what was asked for before it is as durable.
            #expect(store.persist(TestObjects.key("k"), TestObjects.object("v")) == nil)
            #expect(store.storedLives == nil)
            _ = try store.restartAfterKill()
            #expect(store.storedLives == ByteBuffer(string: "lives"))
            store.saveLives(ByteBuffer())
            _ = try store.restartCleanly(state: ByteBuffer())
            #expect(store.storedLives == ByteBuffer())
        }
    }

    @Test("a long delivery, page by page, leaves nothing behind", arguments: EngineKind.allCases)
    func delivery(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let count = 3_000
            let held = TestObjects.key("held").standingIn(for: one)
            #expect(store.persist(held, TestObjects.object("v")) == nil)
            let hints = (1...count).map { hint(one, UInt64($0), "k\($0)") }
            #expect(store.keepHints(hints) == nil)
            var delivered: [Hint] = []
            while true {
                let after = delivered.last?.sequence ?? 0
                let page = try store.hints(one, after: after, limit: 5).get()
                guard let end = page.last?.sequence else { break }
                delivered += page
                #expect(store.dropHints(one, through: end) == nil)
                #expect(store.load(held) == .success(TestObjects.object("v")))
            }
            #expect(delivered == hints)
            _ = try store.restartAfterKill()
            #expect(store.hints(one, after: 0, limit: 9) == .success([]))
            #expect(store.load(held) == .success(TestObjects.object("v")))
        }
    }
}
