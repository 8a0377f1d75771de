import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Random histories against dictionaries.
@Suite struct HistoryTests {
    private struct History {
        let seed: UInt64
        let store: any StoreUnderTest
        var writes: RandomWrites
        var oracle = StoreOracle()
        var starts: UInt64 = 1

        init(seed: UInt64, store: any StoreUnderTest) {
            self.seed = seed
            self.store = store
            writes = RandomWrites(seed: seed)
            // Of some the engine keeps the version by itself.
            writes.sizeMax = 900
        }

        mutating func step() throws {
            switch writes.random.below(20) {
            case 0..<11: writeSome()
            case 11..<14: try readOne()
            case 14..<16: try readHints()
            case 16..<19: try scan()
            default: try restart()
            }
        }

        /// A few turns in flight at once; each may write one key more than once.
        private mutating func writeSome() {
            var expected: [UInt64] = []
            for _ in 0...writes.random.below(4) {
                for _ in 0...writes.random.below(8) {
                    let request = writes.next()
                    store.send(request)
                    oracle.apply(request)
                    switch request {
                    case .persist(_, _, _, let token), .remove(_, let token),
                        .keepHints(_, let token), .dropHints(_, _, let token),
                        .saveWatermark(_, _, let token), .saveTransfer(_, _, let token),
                        .dropPartition(_, _, let token):
                        expected.append(token.rawValue)
                    case .load, .loadVersion, .scan, .loadHints, .list: break
                    }
                }
                store.endTurn()
            }
            let acknowledged = store.settle().compactMap {
                if case .persisted(let token, nil) = $0 { token.rawValue } else { nil }
            }
            #expect(acknowledged == expected, "seed \(seed)")
        }

        private mutating func readOne() throws {
            let key = writes.keys[writes.random.below(writes.keys.count)]
            let object = oracle.records[key]
            let isEqual =
                writes.random.chance(1, in: 2)
                ? store.load(key) == .success(object) : try store.answers(object, to: key)
            #expect(isEqual, "seed \(seed), \(key)")
        }

        private mutating func readHints() throws {
            let target = writes.randomTarget()
            let after = UInt64(writes.random.below(Int(writes.counter) + 2))
            let limit = 1 + writes.random.below(20)
            let expected = oracle.hints(for: target).filter { $0.sequence > after }.prefix(limit)
            let page = try store.hints(target, after: after, limit: limit).get()
            #expect(page == Array(expected), "seed \(seed)")
        }

        private mutating func scan() throws {
            let bounds = [
                Token(rawValue: writes.random.next()), Token(rawValue: writes.random.next()),
            ].sorted()
            var range = ScanRange(
                from: bounds[0],
                through: bounds[1],
                bucket: writes.random.chance(1, in: 2) ? ByteBuffer(string: "b1") : nil,
                limit: 1 + writes.random.below(10),
                examinedMax: 1 + writes.random.below(30),
                wall: TestObjects.wall
            )
            let expected = oracle.own.keys
                .filter { $0.token >= range.from && $0.token <= range.through }
                .filter { range.bucket == nil || $0.bucket == range.bucket }
                .filter { (oracle.records[$0].map(holdsValue)) ?? false }
                .sorted { $0.token < $1.token }
            var found: [StoredKey] = []
            while true {
                let page = try store.scan(range).get()
                found += page.keys
                guard let next = page.next else { break }
                #expect(next > range.from, "seed \(seed)")
                range.from = next
            }
            #expect(found == expected, "seed \(seed)")
        }

        private mutating func restart() throws {
            if writes.random.chance(1, in: 2) {
                let state = ByteBuffer(integer: writes.random.next())
                let found = try store.restartCleanly(state: state)
                #expect(found == state, "seed \(seed)")
            } else {
                let found = try store.restartAfterKill()
                #expect(found == nil, "seed \(seed)")
            }
            starts += 1
            #expect(store.startNumber == starts, "seed \(seed)")
            #expect(store.hintBacklogs == oracle.backlogs, "seed \(seed)")
            #expect(store.watermarks == oracle.watermarks, "seed \(seed)")
            #expect(store.transfers == oracle.transfers, "seed \(seed)")
            countAll()
            try checkAll()
        }

        private func countAll() {
            guard let counts = store.tally(partitionBits: 6) else {
                Issue.record("seed \(seed): no count")
                return
            }
            let total = counts.partitions.reduce(.nothing, +)
            #expect(counts.leaves.map(\.root) == counts.partitions.map(\.fingerprint))
            #expect(total.records == oracle.own.count, "seed \(seed)")
            #expect(total.keys == oracle.own.values.count(where: holdsValue), "seed \(seed)")
        }

        func checkAll() throws {
            let found = try StoreOracle.found(
                in: store,
                keys: writes.keys,
                targets: writes.targets
            )
            let isEqual = found == oracle
            #expect(isEqual, "seed \(seed)")
        }

        /// The flags byte of the only sibling: 1 for a tombstone. Naive on purpose: it knows the
        /// sizes of the fields before it.
        private func holdsValue(_ object: ByteBuffer) -> Bool {
            var copy = object
            copy.moveReaderIndex(forwardBy: 5 + 1 + 8)
            while let byte: UInt8 = copy.readInteger(), byte & 0x80 != 0 {}
            copy.moveReaderIndex(forwardBy: 2)
            while let byte: UInt8 = copy.readInteger(), byte & 0x80 != 0 {}
            copy.moveReaderIndex(forwardBy: 8)
            return copy.readInteger(as: UInt8.self).map { $0 & 1 == 0 } ?? false
        }
    }

    @Test("any history reads like a dictionary", arguments: EngineKind.allCases, 1...3)
    func history(_ kind: EngineKind, _ seed: Int) throws {
        try kind.withStore { store in
            var history = History(seed: UInt64(seed), store: store)
            for _ in 0..<120 { try history.step() }
            try history.checkAll()
        }
    }
}
