import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Scans, the same for every engine.
@Suite struct ScanContractTests {
    @Test("pages join to exactly the live keys, in token order", arguments: EngineKind.allCases)
    func pages(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let keys = fill(store, count: 200)
            for limit in [1, 7, 199, 200, 10_000] {
                let found = try allPages(of: store, limit: limit, examinedMax: 1_000_000)
                #expect(found == keys, "limit \(limit)")
            }
            let found = try allPages(of: store, limit: 1_000_000, examinedMax: 3)
            #expect(found == keys)
        }
    }

    @Test("bounds are inclusive and a page says where to go on", arguments: EngineKind.allCases)
    func bounds(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let keys = fill(store, count: 20)
            let page = try store.scan(range(keys[3].token, keys[10].token, limit: 5)).get()
            #expect(page.keys == Array(keys[3...7]))
            let next = try #require(page.next)
            #expect(next > keys[7].token && next <= keys[8].token)
            let rest = try store.scan(range(next, keys[10].token, limit: 5)).get()
            #expect(rest == ScanPage(keys: Array(keys[8...10]), next: nil))
            let between = Token(rawValue: keys[19].token.rawValue + 1)
            #expect(try store.scan(range(between, .max)).get() == ScanPage(keys: [], next: nil))
            #expect(try store.scan(range(.max, .min)).get() == ScanPage(keys: [], next: nil))
        }
    }

    @Test("all keys of one token come in one page", arguments: EngineKind.allCases)
    func tokenBoundary(_ kind: EngineKind) throws {
        try kind.withStore { store in
            // Found by search: these two buckets give the key one token.
            let twins = ["b7402463", "b22825073"].map { TestObjects.key("twin", bucket: $0) }
            #expect(twins[0].token == twins[1].token)
            let token = twins[0].token
            let keys = (0..<10).map { TestObjects.key("{twin}\($0)") } + twins
            for key in keys { #expect(store.persist(key, TestObjects.object("v")) == nil) }
            let page = try store.scan(range(token, .max, limit: 1)).get()
            #expect(page.keys == twins)
            let after = keys.map(\.token).filter { $0 > token }.min()
            #expect(page.next == after)
            #expect(after != nil)
            let one = try store.scan(range(token, .max, examinedMax: 1)).get()
            #expect(one == page)
            let alone = try store.scan(range(token, token, limit: 1)).get()
            #expect(alone == ScanPage(keys: twins, next: nil))
        }
    }

    @Test("tombstones, expired keys and other buckets are left out", arguments: EngineKind.allCases)
    func filters(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let wall = TestObjects.wall
            let soon = WallTime(milliseconds: wall.milliseconds + 1)
            let value = ByteBuffer(string: "v")
            let records = [
                (TestObjects.key("live"), TestObjects.object(value)),
                (TestObjects.key("expires"), TestObjects.object(value, expiry: soon)),
                (TestObjects.key("expired"), TestObjects.object(value, expiry: wall)),
                (TestObjects.key("deleted"), TestObjects.object(nil)),
                (TestObjects.key("live", bucket: "defaul"), TestObjects.object(value)),
                (TestObjects.key("tlive", bucket: "defaul"), TestObjects.object(value)),
            ]
            for (key, object) in records { #expect(store.persist(key, object) == nil) }
            let found = try ["default", "defaul", "none", nil].map { try names(store, bucket: $0) }
            #expect(found[0] == ["expires", "live"])
            #expect(found[1] == ["live", "tlive"])
            #expect(found[2] == [])
            #expect(found[3].count == 4)
        }
    }

    private func fill(_ store: any StoreUnderTest, count: Int) -> [StoredKey] {
        var keys: [StoredKey] = []
        for number in 0..<count {
            let key = TestObjects.key("k\(number)")
            keys.append(key)
            store.send(.persist(key, TestObjects.object("v"), StorageToken(rawValue: 0)))
            let dead = TestObjects.key("dead\(number)")
            store.send(.persist(dead, TestObjects.object(nil), StorageToken(rawValue: 0)))
        }
        store.endTurn()
        _ = store.settle()
        return keys.sorted { $0.token < $1.token }
    }

    private func allPages(
        of store: any StoreUnderTest,
        limit: Int,
        examinedMax: Int
    ) throws -> [StoredKey] {
        var found: [StoredKey] = []
        var next: Token? = .min
        while let from = next {
            let page = try store.scan(
                range(from, .max, limit: limit, examinedMax: examinedMax)
            ).get()
            #expect(page.keys.count <= limit)
            found += page.keys
            next = page.next
        }
        return found
    }

    private func names(_ store: any StoreUnderTest, bucket: String?) throws -> [String] {
        var range = range(.min, .max)
        range.bucket = bucket.map { ByteBuffer(string: $0) }
        return try store.scan(range).get().keys.map { String(buffer: $0.key) }.sorted()
    }

    private func range(
        _ from: Token,
        _ through: Token,
        limit: Int = 1_000,
        examinedMax: Int = 1_000_000
    ) -> ScanRange {
        ScanRange(
            from: from,
            through: through,
            bucket: nil,
            limit: limit,
            examinedMax: examinedMax,
            wall: TestObjects.wall
        )
    }
}
