import HengeBase
import HengeMessages
import HengeRing
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

@Suite struct RecordCacheTests {
    @Test("a write is found once it is durable, and not while a later one is in flight")
    func story() {
        var cache = RecordCache(bytes: 1 << 16)
        let k = key(1)
        #expect(cache.find(k) == nil)
        cache.loaded(k, object(1))
        #expect(cache.find(k) == object(1))
        cache.changes(k, to: object(2), token(1))
        #expect(cache.find(k) == nil)
        // RocksDB may tell the second one already, and must be asked again.
        cache.loaded(k, object(2))
        #expect(cache.find(k) == nil)
        cache.changes(k, to: object(3), token(2))
        cache.ended(token(1), isDurable: true)
        #expect(cache.find(k) == nil)
        cache.ended(token(2), isDurable: true)
        #expect(cache.find(k) == object(3))
    }

    @Test("with a thousand changes in flight nearly all records are found after their own")
    func others() {
        var cache = RecordCache(bytes: 1 << 20)
        for number in 0..<1_000 { cache.changes(key(number), to: object(1), token(number)) }
        for number in 0..<1_000 { cache.ended(token(number), isDurable: true) }
        let found = (0..<1_000).count { cache.find(key($0)) == object(1) }
        #expect(found >= 995)
    }

    @Test("what failed, was removed or dropped is not found")
    func gone() {
        var cache = RecordCache(bytes: 1 << 16)
        cache.changes(key(1), to: object(1), token(1))
        cache.ended(token(1), isDurable: false)
        #expect(cache.find(key(1)) == nil)
        cache.loaded(key(1), object(1))
        cache.changes(key(1), to: nil, token(2))
        cache.ended(token(2), isDurable: true)
        #expect(cache.find(key(1)) == nil)
        cache.loaded(key(1), object(1))
        cache.drops(Token.min...Token.max, token(3))
        // It is in RocksDB until the drop takes effect.
        cache.loaded(key(1), object(1))
        #expect(cache.find(key(1)) == nil)
        cache.changes(key(1), to: object(4), token(4))
        cache.ended(token(3), isDurable: true)
        cache.ended(token(4), isDurable: true)
        #expect(cache.find(key(1)) == object(4))
        cache.removeAll()
        #expect(cache.find(key(1)) == nil)
    }

    @Test("dropped are the records of those tokens, also where too many drops to tell apart follow")
    func drops() {
        var cache = RecordCache(bytes: 1 << 16)
        let keys = (0..<20).map(key).sorted { $0.token < $1.token }
        for key in keys { cache.loaded(key, object(1)) }
        cache.drops(keys[5].token...keys[9].token, token(1))
        cache.ended(token(1), isDurable: true)
        let found = keys.map { cache.find($0) != nil }
        #expect(found == (0..<20).map { !(5...9).contains($0) })
        for key in keys[5...9] { cache.loaded(key, object(2)) }
        #expect(keys[5...9].allSatisfy { cache.find($0) == object(2) })
        let last = keys[19].token
        for number in 2..<102 {
            cache.drops(last...last, token(number))
            cache.ended(token(number), isDurable: true)
        }
        #expect(keys.allSatisfy { cache.find($0) == nil })
        for key in keys { cache.loaded(key, object(3)) }
        #expect(keys.allSatisfy { cache.find($0) == object(3) })
    }

    @Test("what is held in another node's place is never found, nor is anything in no memory")
    func never() {
        var cache = RecordCache(bytes: 1 << 16)
        let held = key(1).standingIn(for: NodeID(2))
        cache.loaded(held, object(1))
        #expect(cache.find(held) == nil && cache.find(key(1)) == nil)
        cache.loaded(key(2), ByteBuffer(repeating: 7, count: 1 << 12))
        #expect(cache.find(key(2)) == nil, "larger than its share")
        var none = RecordCache(bytes: 0)
        none.loaded(key(1), object(1))
        none.changes(key(1), to: object(1), token(1))
        none.ended(token(1), isDurable: true)
        none.drops(Token.min...Token.max, token(2))
        #expect(none.find(key(1)) == nil)
    }

    @Test("the oldest goes first, and what is left is whole")
    func eviction() {
        var cache = RecordCache(bytes: 1 << 14)
        for number in 0..<1_000 { cache.loaded(key(number), object(number)) }
        let found = (0..<1_000).filter { cache.find(key($0)) != nil }
        #expect(found.count > 60 && found.count < 1 << 14 / 24)
        let whole = found.count { cache.find(key($0)) == object($0) }
        #expect(whole == found.count)
        #expect(found.first ?? 0 > 1_000 - 1 << 14 / 24)
    }

    @Test("versions of one length take one another's place and push nothing out")
    func rewriting() {
        var cache = RecordCache(bytes: 1 << 14)
        for number in 0..<40 { cache.loaded(key(number), object(97 + number)) }
        for turn in 2..<30 {
            for number in 0..<40 {
                cache.changes(key(number), to: object(97 * turn + number), token(turn))
                cache.ended(token(turn), isDurable: true)
                #expect(cache.find(key(number)) == object(97 * turn + number))
            }
        }
        let found = (0..<40).count { cache.find(key($0)) == object(97 * 29 + $0) }
        #expect(found == 40)
    }

    @Test("generated: what is found is what is durable, and no change of it is in flight")
    func generated() {
        var hits = 0
        for seed in 1...100 as ClosedRange<UInt64> { hits += run(seed: seed) }
        #expect(hits > 5_000)
    }

    private enum Change {
        case put(Int, Int?)
        case drop(ClosedRange<Token>)
    }

    private func run(seed: UInt64) -> Int {
        var generator = SeededGenerator(seed: seed)
        // From so small that all is overwritten at once to so large that nothing is.
        var cache = RecordCache(bytes: 1 << (10 + generator.below(8)))
        var disk: [Int: Int] = [:]
        var changes: [Change] = []
        var asked = 0
        var ended = 0
        var hits = 0
        for step in 0..<1_000 {
            let number = generator.below(40)
            switch generator.below(12) {
            case 0..<3:
                let new = generator.below(10) == 0 ? nil : step
                asked += 1
                cache.changes(key(number), to: new.map { object($0) }, token(asked))
                changes.append(.put(number, new))
            case 3 where generator.below(8) == 0:
                asked += 1
                let ends = [key(generator.below(40)).token, key(generator.below(40)).token].sorted()
                cache.drops(ends[0]...ends[1], token(asked))
                changes.append(.drop(ends[0]...ends[1]))
            case 3..<7:
                guard ended < changes.count else { continue }
                let isDurable = generator.below(8) != 0
                switch changes[ended] {
                case .put(let number, let new): if isDurable { disk[number] = new }
                case .drop(let tokens):
                    if isDurable { disk = disk.filter { !tokens.contains(key($0.key).token) } }
                }
                ended += 1
                cache.ended(token(ended), isDurable: isDurable)
            default:
                guard let found = cache.find(key(number)) else {
                    if let there = disk[number] { cache.loaded(key(number), object(there)) }
                    continue
                }
                hits += 1
                #expect(found == disk[number].map { object($0) }, "seed \(seed)")
                let isChanging = changes[ended...].contains { change in
                    switch change {
                    case .put(let other, _): other == number
                    case .drop(let tokens): tokens.contains(key(number).token)
                    }
                }
                #expect(!isChanging, "seed \(seed)")
            }
        }
        return hits
    }

    private func key(_ number: Int) -> StoredKey {
        StoredKey(bucket: ByteBuffer(string: "b"), key: ByteBuffer(string: "k\(number)"))
    }

    /// Of different lengths, up to 100 bytes or so.
    private func object(_ number: Int) -> ByteBuffer {
        ByteBuffer(string: "\(number) " + String(repeating: "x", count: number % 97))
    }

    private func token(_ number: Int) -> StorageToken { StorageToken(rawValue: UInt64(number)) }
}
