import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Random histories against a dictionary.
@Suite struct HistoryTests {
    private struct History {
        let seed: UInt64
        var random: SeededGenerator
        let store: any StoreUnderTest
        var oracle: [StoredKey: ByteBuffer] = [:]
        var counter: UInt64 = 0
        let keys: [StoredKey]

        init(seed: UInt64, store: any StoreUnderTest) {
            self.seed = seed
            self.store = store
            random = SeededGenerator(seed: seed)
            keys = (0..<60).map { TestObjects.key("k\($0)", bucket: "b\($0 % 3)") }
        }

        private mutating func randomKey() -> StoredKey { keys[random.below(keys.count)] }

        mutating func step() throws {
            switch random.below(20) {
            case 0..<11: writeSome()
            case 11..<16: readOne()
            case 16..<19: try scan()
            default: try restart()
            }
        }

        /// A few turns in flight at once; each may write one key more than once.
        private mutating func writeSome() {
            var expected: [UInt64] = []
            for _ in 0...random.below(4) {
                for _ in 0...random.below(8) {
                    counter += 1
                    let size = random.chance(1, in: 20) ? 40_000 : random.below(300)
                    let isValue = !random.chance(1, in: 5)
                    let value = isValue ? TestObjects.noise(size, &random) : nil
                    let object = TestObjects.object(value, counter: counter)
                    let key = randomKey()
                    store.send(.persist(key, object, StorageToken(rawValue: counter)))
                    oracle[key] = object
                    expected.append(counter)
                }
                store.endTurn()
            }
            let acknowledged = store.settle().compactMap {
                if case .persisted(let token, nil) = $0 { token.rawValue } else { nil }
            }
            #expect(acknowledged == expected, "seed \(seed)")
        }

        private mutating func readOne() {
            let key = randomKey()
            let isEqual = store.load(key) == .success(oracle[key])
            #expect(isEqual, "seed \(seed), \(key)")
        }

        private mutating func scan() throws {
            let bounds = [Token(rawValue: random.next()), Token(rawValue: random.next())].sorted()
            var range = ScanRange(
                from: bounds[0],
                through: bounds[1],
                bucket: random.chance(1, in: 2) ? ByteBuffer(string: "b1") : nil,
                limit: 1 + random.below(10),
                examinedMax: 1 + random.below(30),
                wall: TestObjects.wall
            )
            let expected = oracle.keys
                .filter { $0.token >= range.from && $0.token <= range.through }
                .filter { range.bucket == nil || $0.bucket == range.bucket }
                .filter { (oracle[$0].map(holdsValue)) ?? false }
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
            if random.chance(1, in: 2) {
                let state = ByteBuffer(integer: random.next())
                let found = try store.restartCleanly(state: state)
                #expect(found == state, "seed \(seed)")
            } else {
                let found = try store.restartAfterKill()
                #expect(found == nil, "seed \(seed)")
            }
            countAll()
            checkAll()
        }

        private func countAll() {
            guard let counts = store.tally(partitionBits: 6) else {
                Issue.record("seed \(seed): no count")
                return
            }
            let total = counts.reduce(.nothing, +)
            #expect(total.records == oracle.count, "seed \(seed)")
            #expect(total.keys == oracle.values.count(where: holdsValue), "seed \(seed)")
        }

        func checkAll() {
            for key in keys {
                let isEqual = store.load(key) == .success(oracle[key])
                #expect(isEqual, "seed \(seed), \(key)")
            }
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
            history.checkAll()
        }
    }
}
