import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import Testing

@Suite struct PendingKeysTests {
    private let versions = Version.catalogue

    @Test("the first write loads, the second waits, the third builds on the second's version")
    func story() {
        var pending = PendingKeys()
        let k = key("k")
        #expect(spell(pending.admit(k, 1)) == "load")
        #expect(spell(pending.admit(k, 2)) == "waits")
        #expect(pending.waiting == 1)
        #expect(pending.loaded(k, versions[1].object) == [2])
        #expect(pending.waiting == 0)
        pending.persisting(k, object(2))
        #expect(pending.latest(k) == versions[2].object)
        #expect(!pending.isDurable(k))
        #expect(spell(pending.admit(k, 3)) == "ready \(versions[2].digest.rawValue)")
        pending.persisting(k, object(4))
        let weight = RecordWeight(of: versions[2].object, key: k)
        let before = RecordWeight(of: versions[1].object, key: k)
        #expect(pending.persisted(k, weight: weight, success: true) == weight - before)
        #expect(pending.count == 1)
        #expect(pending.persisted(k, weight: weight, success: false) == .nothing)
        #expect(pending.count == 0)
    }

    @Test("a persist after the version alone adds what it does after the record")
    func version() throws {
        let before = try #require(versions[4].object)
        let after = try #require(versions[1].object)
        let header = try #require(EncodedVersion.headerBytes(of: before.bytes))
        let k = key("k")
        let weight = RecordWeight(of: after, key: k)
        var pending = PendingKeys()
        guard case .load(let place) = pending.admit(k) else {
            Issue.record("nothing is in flight")
            return
        }
        #expect(!pending.isWaitedFor(place))
        pending.loaded(place, try EncodedVersion(header))
        pending.persisting(place, after)
        let change = pending.persisted(place, weight: weight, success: true)
        #expect(change == weight - RecordWeight(of: before, key: k))
        #expect(pending.count == 0)
    }

    @Test("a load that fails hands its waiters back and forgets the key")
    func failedLoad() {
        var pending = PendingKeys()
        _ = pending.admit(key("k"), 1)
        _ = pending.admit(key("k"), 2)
        _ = pending.admit(key("k"), 3)
        #expect(pending.loadFailed(key("k")) == [2, 3])
        #expect(pending.count == 0 && pending.waiting == 0)
        #expect(spell(pending.admit(key("k"), 4)) == "load")
    }

    @Test("state × input: what an admission gets in each state of its key")
    func table() {
        let k = key("k")
        let rows: [(String, (inout PendingKeys) -> Void, String)] = [
            ("unknown", { _ in }, "load"),
            ("loading", { _ = $0.admit(k, 1) }, "waits"),
            (
                "loaded",
                { pending in
                    _ = pending.admit(k, 1)
                    _ = pending.loaded(k, nil)
                }, "ready 0"
            ),
            (
                "loaded and released",
                { pending in
                    _ = pending.admit(k, 1)
                    _ = pending.loaded(k, nil)
                    pending.release(k)
                }, "load"
            ),
            (
                "persisting",
                { pending in
                    _ = pending.admit(k, 1)
                    _ = pending.loaded(k, nil)
                    pending.persisting(k, self.object(1))
                    pending.release(k)
                }, "ready \(versions[1].digest.rawValue)"
            ),
            (
                "persisted",
                { pending in
                    _ = pending.admit(k, 1)
                    _ = pending.loaded(k, nil)
                    pending.persisting(k, self.object(1))
                    _ = pending.persisted(k, weight: .nothing, success: true)
                }, "load"
            ),
        ]
        for (name, prepare, expected) in rows {
            var pending = PendingKeys()
            prepare(&pending)
            #expect(spell(pending.admit(k, 9)) == expected, "\(name)")
        }
    }

    @Test("generated: a change builds on the one before it, and weights add up to the disk")
    func generated() {
        for seed in 1...150 as ClosedRange<UInt64> { run(seed: seed) }
    }

    /// Each change is a write of its own actor that replaces what it builds on, so a change that
    /// built on another state than the one before it would show as a sibling.
    private func run(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var pending = PendingKeys()
        let keys = (0..<3).map { key("\($0)") }
        var disk: [Version] = Array(repeating: .absent, count: 3)
        var newest = disk
        var queue: [[Version]] = [[], [], []]
        var loading: [Int] = []
        var first: [Int: Int] = [:]
        var tally = RecordWeight.nothing
        var next = 0
        var waiters = 0

        func apply(_ change: Int, _ index: Int, on object: EncodedObject?) {
            let base = newest[index]
            if object != base.object { Issue.record("seed \(seed): built on another version") }
            newest[index] = base.writing(dot(UInt64(change), 1), replacing: base.seen)
            guard let object = newest[index].object else { return }
            pending.persisting(keys[index], object)
            queue[index].append(newest[index])
        }

        for step in 0..<200 {
            let index = generator.below(3)
            switch generator.below(3) {
            case 0 where step < 150:
                next += 1
                switch pending.admit(keys[index], next) {
                case .load:
                    newest[index] = disk[index]
                    loading.append(index)
                    first[index] = next
                case .waits: waiters += 1
                case .ready(_, let object): apply(next, index, on: object)
                }
            case 1:
                guard let done = loading.popLast() else { continue }
                let rest = pending.loaded(keys[done], disk[done].object)
                waiters -= rest.count
                for change in [first[done] ?? 0] + rest {
                    apply(change, done, on: pending.latest(keys[done]))
                }
                pending.release(keys[done])
            default:
                guard !queue[index].isEmpty else { continue }
                let version = queue[index].removeFirst()
                let success = generator.chance(4, in: 5)
                if success { disk[index] = version }
                let weight = RecordWeight(of: version.object, key: keys[index])
                let change = pending.persisted(keys[index], weight: weight, success: success)
                tally = tally + change
            }
            #expect(pending.waiting == waiters, "seed \(seed)")
        }
        let actual = zip(keys, disk).reduce(RecordWeight.nothing) { sum, record in
            sum + RecordWeight(of: record.1.object, key: record.0)
        }
        #expect(tally == actual, "seed \(seed)")
        let busy = (0..<3).count { loading.contains($0) || !queue[$0].isEmpty }
        #expect(pending.count == busy, "seed \(seed)")
    }

    @Test("many keys at once, also of one token, are each found and forgotten by themselves")
    func manyKeys() {
        var pending = PendingKeys()
        let names = (0..<1_000).map { key("\($0)") }
        let keys = names + names.map { $0.standingIn(for: NodeID(7)) }
        for key in keys { #expect(spell(pending.admit(key)) == "load") }
        #expect(pending.count == 2_000 && pending.hasStandIns)
        // Every third goes, from the middle of whatever it is kept with.
        for index in stride(from: 0, to: 2_000, by: 3) { _ = pending.loadFailed(keys[index]) }
        for (index, key) in keys.enumerated() {
            #expect((pending.place(of: key) == nil) == (index % 3 == 0), "\(index)")
        }
        for index in stride(from: 0, to: 2_000, by: 3) {
            #expect(spell(pending.admit(keys[index])) == "load")
        }
        for key in keys {
            #expect(pending.loaded(key, nil).isEmpty)
            pending.release(key)
        }
        #expect(pending.count == 0 && !pending.hasStandIns)
    }

    @Test("Dynamo 4.4: versions of one replica form one line, never two that each claim the other")
    func paperLine() {
        var pending = PendingKeys()
        let k = key("k")
        _ = pending.admit(k, 1)
        _ = pending.loaded(k, nil)
        var object = VersionedObject()
        for counter in 1...5 as ClosedRange<UInt64> {
            let sibling = Sibling(
                dot: dot(1, counter),
                timestamp: .zero,
                expiry: nil,
                payload: .tombstone
            )
            object.write(sibling, replacing: object.context)
            pending.persisting(k, object.encoded())
            object = pending.latest(k)?.decoded() ?? VersionedObject()
        }
        #expect(object.siblings.map(\.dot) == [dot(1, 5)])
    }

    @Test("a record's weight counts a tombstone as a record and not as a key")
    func weights() {
        var object = VersionedObject()
        let k = key("k")
        #expect(RecordWeight(of: nil, key: k) == .nothing)
        let deletion = Sibling(dot: dot(1, 1), timestamp: .zero, expiry: nil, payload: .tombstone)
        object.write(deletion, replacing: VersionVector())
        let encoded = object.encoded()
        let bytes = k.bytes.readableBytes + encoded.bytes.readableBytes
        let weight = RecordWeight(of: encoded, key: k)
        #expect(weight.counts == RecordWeight(records: 1, keys: 0, bytes: bytes))
        #expect(weight.fingerprint == RecordFingerprint.of(k, encoded))
        #expect(RecordWeight(of: versions[4].object, key: k).keys == 1)
    }

    private func object(_ index: Int) -> EncodedObject {
        versions[index].object ?? VersionedObject().encoded()
    }

    private func spell(_ admission: PendingKeys.Admission) -> String {
        switch admission {
        case .load: "load"
        case .waits: "waits"
        case .ready(_, let object): "ready \(VersionDigest(of: object).rawValue)"
        }
    }
}

/// As a shard does it, by the key in place of what its flights carry.
extension PendingKeys {
    fileprivate mutating func admit(_ key: StoredKey, _ waiter: Int) -> Admission {
        let admission = admit(key)
        if case .waits(let place) = admission { wait(at: place, waiter) }
        return admission
    }

    private func held(_ key: StoredKey) -> Place {
        guard let place = place(of: key) else { preconditionFailure("nothing is in flight") }
        return place
    }

    fileprivate mutating func loaded(_ key: StoredKey, _ object: EncodedObject?) -> [Int] {
        loaded(held(key), object)
    }

    fileprivate mutating func loadFailed(_ key: StoredKey) -> [Int] { loadFailed(held(key)) }

    fileprivate mutating func release(_ key: StoredKey) {
        if let place = place(of: key) { release(place) }
    }

    fileprivate mutating func persisting(_ key: StoredKey, _ object: EncodedObject) {
        persisting(held(key), object)
    }

    fileprivate func isDurable(_ key: StoredKey) -> Bool { isDurable(held(key)) }

    fileprivate func latest(_ key: StoredKey) -> EncodedObject? { latest(held(key)) }

    fileprivate mutating func persisted(
        _ key: StoredKey,
        weight: RecordWeight,
        success: Bool
    ) -> RecordWeight {
        persisted(held(key), weight: weight, success: success)
    }
}
