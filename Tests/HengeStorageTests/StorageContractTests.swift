import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// What every storage engine promises; the same tests run against each.
@Suite struct StorageContractTests {
    @Test("a key never written is absent", arguments: EngineKind.allCases)
    func absent(_ kind: EngineKind) throws {
        try kind.withStore { store in
            #expect(store.load(TestObjects.key("a")) == .success(nil))
        }
    }

    @Test("what was acknowledged is read, byte for byte", arguments: EngineKind.allCases)
    func persistThenLoad(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let object = TestObjects.object("value")
            #expect(store.persist(TestObjects.key("a"), object) == nil)
            #expect(store.load(TestObjects.key("a")) == .success(object))
            #expect(store.load(TestObjects.key("b")) == .success(nil))
            #expect(store.load(TestObjects.key("a", bucket: "other")) == .success(nil))
        }
    }

    @Test("a write that has not begun is not read", arguments: EngineKind.allCases)
    func unfinishedIsInvisible(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let key = TestObjects.key("a")
            let old = TestObjects.object("old")
            #expect(store.persist(key, old) == nil)
            store.send(
                .persist(key, TestObjects.object("new", counter: 2), StorageToken(rawValue: 9))
            )
            store.send(.load(key, StorageToken(rawValue: 10)))
            // The write waits for the end of the turn, so only the load can be answered by now.
            guard case .loaded(_, .success(old))? = firstLoad(store) else {
                Issue.record("the load saw a write in flight")
                return
            }
        }
    }

    @Test("of two writes to one key the later stays", arguments: EngineKind.allCases)
    func orderOfWrites(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let key = TestObjects.key("a")
            for counter in 1...10 as ClosedRange<UInt64> {
                store.send(
                    .persist(
                        key,
                        TestObjects.object("v\(counter)", counter: counter),
                        StorageToken(rawValue: counter)
                    )
                )
                if counter.isMultiple(of: 4) { store.endTurn() }
            }
            store.endTurn()
            #expect(persistedTokens(store.settle()) == Array(1...10))
            #expect(store.load(key) == .success(TestObjects.object("v10", counter: 10)))
        }
    }

    @Test(
        "each write of a large batch is acknowledged once, in order",
        arguments: EngineKind.allCases
    )
    func batch(_ kind: EngineKind) throws {
        try kind.withStore { store in
            #expect(persistedTokens(store.persistNumbered(2_000)) == Array(0..<2_000))
            for number in [0, 1, 999, 1_999] {
                #expect(
                    store.load(TestObjects.key("k\(number)"))
                        == .success(TestObjects.object("v\(number)"))
                )
            }
        }
    }

    @Test(
        "many loads of one turn are each answered once, with their own record",
        arguments: EngineKind.allCases
    )
    func loadsOfOneTurn(_ kind: EngineKind) throws {
        try kind.withStore { store in
            _ = store.persistNumbered(2_000)
            // So that no cache has them, and they have to be read.
            _ = try store.restartCleanly(state: ByteBuffer())
            for number in 0..<2_500 {
                let token = StorageToken(rawValue: UInt64(number))
                store.send(.load(TestObjects.key("k\(number)"), token))
            }
            store.endTurn()
            var found: [UInt64: ByteBuffer?] = [:]
            for case .loaded(let token, let result) in store.settle() {
                let object = try result.get()
                #expect(found.updateValue(object, forKey: token.rawValue) == nil)
            }
            for number in 0..<2_500 {
                let object = number < 2_000 ? TestObjects.object("v\(number)") : nil
                #expect(found[UInt64(number)] == .some(object))
            }
            if let rocksDB = store as? RocksDBUnderTest {
                // A filter may tell of those that are not there at once.
                #expect(rocksDB.engine.metrics.pooledLoads >= 2_000)
            }
        }
    }

    @Test(
        "empty keys and long keys, empty values and 16 MiB",
        arguments: EngineKind.allCases
    )
    func extremes(_ kind: EngineKind) throws {
        try kind.withStore { store in
            var random = SeededGenerator(seed: 1)
            let long = StoredKey(
                bucket: ByteBuffer(string: String(repeating: "b", count: 255)),
                key: TestObjects.noise(StoredKey.keyLengthMax, &random)
            )
            let cases = [
                (TestObjects.key(""), TestObjects.object("")),
                (long, TestObjects.object("long")),
                (TestObjects.key("1M"), TestObjects.object(TestObjects.noise(1 << 20, &random))),
                (TestObjects.key("16M"), TestObjects.object(TestObjects.noise(16 << 20, &random))),
            ]
            for (key, object) in cases { #expect(store.persist(key, object) == nil) }
            for (key, object) in cases {
                let isEqual = store.load(key) == .success(object)
                #expect(isEqual)
            }
            _ = try store.restartAfterKill()
            for (key, object) in cases {
                let isEqual = store.load(key) == .success(object)
                #expect(isEqual)
            }
        }
    }

    @Test("a clean stop hands its state to the next start, once", arguments: EngineKind.allCases)
    func cleanState(_ kind: EngineKind) throws {
        try kind.withStore { store in
            let object = TestObjects.object("v")
            #expect(store.persist(TestObjects.key("a"), object) == nil)
            let state = ByteBuffer(string: "counters")
            let found = try store.restartCleanly(state: state)
            #expect(found == state)
            #expect(store.load(TestObjects.key("a")) == .success(object))
            let afterKill = try store.restartAfterKill()
            #expect(afterKill == nil)
            #expect(store.load(TestObjects.key("a")) == .success(object))
            let foundEmpty = try store.restartCleanly(state: ByteBuffer())
            #expect(foundEmpty == ByteBuffer())
        }
    }

    @Test("the ring document outlives any stop", arguments: EngineKind.allCases)
    func ring(_ kind: EngineKind) throws {
        try kind.withStore { store in
            #expect(store.storedRing == nil)
            try store.saveRing(ByteBuffer(string: "epoch 1"))
            try store.saveRing(ByteBuffer(string: "epoch 2"))
            _ = try store.restartAfterKill()
            #expect(store.storedRing == ByteBuffer(string: "epoch 2"))
            _ = try store.restartCleanly(state: ByteBuffer())
            #expect(store.storedRing == ByteBuffer(string: "epoch 2"))
        }
    }

    @Test(
        "the count by partition and the leaves equal naive ones",
        arguments: EngineKind.allCases
    )
    func tally(_ kind: EngineKind) throws {
        try kind.withStore { store in
            var naive = NaiveTally()
            // Those with a hash tag are all in one partition, enough for several levels of a tree.
            let names = (0..<3_000).map { "k\($0)" } + (0..<5_000).map { "{t}\($0)" }
            for (number, name) in names.enumerated() {
                let key = TestObjects.key(name)
                let isValue = !number.isMultiple(of: 5)
                let expiry = isValue && number.isMultiple(of: 7) ? TestObjects.wall : nil
                let value = isValue ? ByteBuffer(string: "v\(number)") : nil
                let object = TestObjects.object(value, expiry: expiry)
                store.send(.persist(key, object, StorageToken(rawValue: 0)))
                try naive.add(key, object, isValue: isValue, expires: expiry != nil)
            }
            store.endTurn()
            _ = store.settle()
            _ = try store.restartAfterKill()
            let tally = try #require(store.tally(partitionBits: 6))
            #expect(tally.partitions == naive.weights)
            #expect(tally.leaves.map(\.sums) == (0..<64).map(naive.leaves))
            #expect(tally.leaves.map(\.bits).max() == 8)
        }
    }

    /// Of 64 partitions.
    private struct NaiveTally {
        var weights = [RecordWeight](repeating: .nothing, count: 64)
        var fingerprints: [(token: UInt64, fingerprint: UInt64)] = []

        mutating func add(
            _ key: StoredKey,
            _ object: ByteBuffer,
            isValue: Bool,
            expires: Bool
        ) throws {
            let version = try VersionDigest(of: EncodedObject(object)).rawValue
            let fingerprint = key.bytes.withUnsafeReadableBytes { XXH3.hash64($0, seed: version) }
            fingerprints.append((key.token.rawValue, fingerprint))
            let partition = Int(key.token.rawValue >> 58)
            weights[partition].records += 1
            weights[partition].keys += isValue ? 1 : 0
            weights[partition].expiring += expires ? 1 : 0
            weights[partition].bytes += key.bytes.readableBytes + object.readableBytes
            weights[partition].fingerprint &+= fingerprint
        }

        /// As few as have 32 records each on average, or fewer.
        func leaves(of partition: Int) -> [UInt64] {
            let own = fingerprints.filter { $0.token >> 58 == partition }
            var count = 1
            while own.count > 32 * count { count *= 2 }
            var sums = [UInt64](repeating: 0, count: count)
            for (token, fingerprint) in own {
                let place = Double(token & (1 << 58 - 1)) / Double(1 << 58 as UInt64)
                sums[Int(place * Double(count))] &+= fingerprint
            }
            return sums
        }
    }

    private func firstLoad(_ store: any StoreUnderTest) -> StorageCompletion? {
        // Ends the turn only after the load was answered, so that `settle` can wait for both.
        if let memory = store as? MemoryUnderTest { return memory.engine.completeRead() }
        store.endTurn()
        return store.settle().first { if case .loaded = $0 { true } else { false } }
    }

    private func persistedTokens(_ completions: [StorageCompletion]) -> [UInt64] {
        completions.compactMap {
            if case .persisted(let token, nil) = $0 { token.rawValue } else { nil }
        }
    }
}
