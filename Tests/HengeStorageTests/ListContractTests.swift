import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Lists for anti-entropy and saved watermarks, the same for every engine.
@Suite struct ListContractTests {
    private let wall = TestObjects.wall
    private let kinds: [ListRange.Kind] = [
        .versions, .objects(except: []), .dead(at: TestObjects.wall),
    ]

    @Test("pages join to all records, of each kind and cut", arguments: EngineKind.allCases)
    func pages(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let stored = try fill(store, count: 100)
            for kind in kinds {
                let wanted = stored.compactMap { expected($0, kind) }
                for (examinedMax, bytesMax) in [(1, 1 << 20), (7, 1 << 20), (1_000, 200)] {
                    var range = ListRange(from: .min, through: .max, kind: kind)
                    range.examinedMax = examinedMax
                    range.bytesMax = bytesMax
                    let pages = try allPages(of: store, range)
                    #expect(pages.flatMap(\.records) == wanted)
                    let weight = stored.reduce(.nothing) { $0 + $1.weight }
                    #expect(pages.reduce(.nothing) { $0 + $1.weight } == weight)
                    #expect(pages.allSatisfy { $0.weight.records <= examinedMax })
                    let hasObjects = kind != .versions
                    #expect(pages.count == 1 ? examinedMax == 1_000 && !hasObjects : true)
                    let cut = pages.allSatisfy { $0.records.count < 20 }
                    #expect(cut || !hasObjects)
                }
            }
        }
    }

    @Test(
        "records of given fingerprints come without their objects", arguments: EngineKind.allCases)
    func except(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let stored = try fill(store, count: 50)
            let known = Set(stored.enumerated().filter { $0.offset % 3 > 0 }.map(\.element.print))
            let range = ListRange(from: .min, through: .max, kind: .objects(except: known))
            let page = try store.list(range).get()
            #expect(page.next == nil)
            #expect(page.records == stored.compactMap { expected($0, range.kind) })
            #expect(page.records.count { $0.object != nil } == (stored.count + 2) / 3)
        }
    }

    @Test("bounds are inclusive, and a page says where to go on", arguments: EngineKind.allCases)
    func bounds(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let stored = try fill(store, count: 20)
            let last = stored[10].key.token
            var range = ListRange(from: stored[3].key.token, through: last, kind: .versions)
            range.examinedMax = 5
            let page = try store.list(range).get()
            #expect(page.records.map(\.key) == stored[3...7].map(\.key))
            range.from = try #require(page.next)
            #expect(range.from > stored[7].key.token && range.from <= stored[8].key.token)
            let rest = try store.list(range).get()
            #expect(rest.records.map(\.key) == stored[8...10].map(\.key))
            #expect(rest.next == nil)
            range.through = Token(rawValue: range.from.rawValue - 1)
            #expect(try store.list(range).get() == ListPage())
        }
    }

    @Test("all records of one token come in one page", arguments: EngineKind.allCases)
    func tokenBoundary(_ kind: EngineKind) throws {
        try kind.withStore { store in
            // Found by search: these two buckets give the key one token.
            let twins = ["b7402463", "b22825073"].map { TestObjects.key("twin", bucket: $0) }
            let keys = (0..<10).map { TestObjects.key("{twin}\($0)") } + twins
            for key in keys { #expect(store.persist(key, TestObjects.object("v")) == nil) }
            let token = twins[0].token
            for (examinedMax, bytesMax) in [(1, 1_000), (1_000, 1)] {
                var range = ListRange(from: token, through: .max, kind: .objects(except: []))
                range.examinedMax = examinedMax
                range.bytesMax = bytesMax
                let page = try store.list(range).get()
                #expect(page.records.map(\.key) == twins)
                #expect(page.next == keys.map(\.token).filter { $0 > token }.min())
            }
        }
    }

    @Test(
        "what is no object, and what is held for others, is set apart",
        arguments: EngineKind.allCases)
    func setApart(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let stored = try fill(store, count: 30)
            let rotten = stored[4].key
            #expect(store.persist(rotten, ByteBuffer(string: "no object")) == nil)
            let held = stored[5].key.standingIn(for: NodeID(3))
            #expect(store.persist(held, TestObjects.object("held")) == nil)
            for kind in kinds {
                let range = ListRange(from: .min, through: .max, kind: kind)
                let page = try store.list(range).get()
                #expect(page.rotten == [rotten])
                #expect(page.unreadable.isEmpty)
                let others = stored.filter { $0.key != rotten }
                #expect(page.records == others.compactMap { expected($0, kind) })
                #expect(page.weight.records == others.count)
            }
        }
    }

    @Test("the watermark saved last is there at the next start", arguments: EngineKind.allCases)
    func watermarks(_ kind: EngineKind) throws {
        try kind.withStore { store in
            #expect(store.watermarks.isEmpty)
            let (one, two) = (ByteBuffer(string: "one"), ByteBuffer(string: "two"))
            for partition in [0, 300, 16_383] {
                #expect(store.saveWatermark(partition, one) == nil)
            }
            // In one batch, in order, among other writes.
            let requests: [StorageRequest] = [
                .saveWatermark(partition: 7, two, StorageToken(rawValue: 1)),
                .persist(
                    TestObjects.key("k"),
                    TestObjects.object("v"),
                    StorageToken(rawValue: 2)
                ),
                .saveWatermark(partition: 7, ByteBuffer(), StorageToken(rawValue: 3)),
                .saveWatermark(partition: 300, ByteBuffer(), StorageToken(rawValue: 4)),
                .saveWatermark(partition: 300, two, StorageToken(rawValue: 5)),
                .saveWatermark(partition: 0, ByteBuffer(), StorageToken(rawValue: 6)),
            ]
            for request in requests { store.send(request) }
            store.endTurn()
            let tokens = store.settle().compactMap {
                if case .persisted(let token, nil) = $0 { token.rawValue } else { nil }
            }
            #expect(tokens == Array(1...6))
            for isClean in [false, true, false] {
                if isClean {
                    _ = try store.restartCleanly(state: ByteBuffer())
                } else {
                    _ = try store.restartAfterKill()
                }
                #expect(store.watermarks == [300: two, 16_383: one])
            }
        }
    }

    // MARK: Helpers

    private struct Stored {
        let key: StoredKey
        let object: EncodedObject
        let isDead: Bool

        var print: UInt64 { RecordFingerprint.of(key, object) }
        var weight: RecordWeight {
            RecordWeight(
                records: 1,
                keys: object.holdsValue ? 1 : 0,
                expiring: object.holdsExpiry ? 1 : 0,
                bytes: key.bytes.readableBytes + object.bytes.readableBytes,
                fingerprint: print
            )
        }
    }

    /// Live, deleted, expired and expiring ones by turns; in the order of the keys.
    private func fill(_ store: any StoreUnderTest, count: Int) throws -> [Stored] {
        var stored: [Stored] = []
        for number in 0..<count {
            let key = TestObjects.key("k\(number)")
            let value = number % 4 == 1 ? nil : ByteBuffer(string: "v\(number)")
            let later = WallTime(milliseconds: wall.milliseconds + 1)
            let expiry = number % 4 == 2 ? wall : number % 4 == 3 ? later : nil
            let object = TestObjects.object(value, counter: UInt64(number + 1), expiry: expiry)
            store.send(.persist(key, object, StorageToken(rawValue: 0)))
            let isDead = number % 4 == 1 || number % 4 == 2
            stored.append(Stored(key: key, object: try EncodedObject(object), isDead: isDead))
        }
        store.endTurn()
        _ = store.settle()
        return stored.sorted { $0.key.token < $1.key.token }
    }

    private func expected(_ stored: Stored, _ kind: ListRange.Kind) -> ListedRecord? {
        var listed = ListedRecord(key: stored.key, fingerprint: stored.print, object: nil)
        switch kind {
        case .versions: break
        case .objects(let except):
            listed.object = except.contains(stored.print) ? nil : stored.object
        case .dead:
            guard stored.isDead else { return nil }
            listed.object = stored.object
        }
        return listed
    }

    private func allPages(of store: any StoreUnderTest, _ first: ListRange) throws -> [ListPage] {
        var range = first
        var pages: [ListPage] = []
        while true {
            let page = try store.list(range).get()
            pages.append(page)
            guard let next = page.next else { return pages }
            range.from = next
        }
    }
}
