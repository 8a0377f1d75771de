import HengeBase
import HengeMessages
import HengeStorage
import Testing

import struct NIOCore.ByteBuffer

/// What gathers in a turn and is written as one batch, records in the order of their keys.
@Suite struct GatheredWritesTests {
    @Test("generated: of the writes of one turn each key's last one stays", arguments: 1...12)
    func lastStays(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let store = try RocksDBUnderTest { $0.recordCacheBytes = 0 }
        defer { store.shutDown() }
        let keys = (0..<40).map { TestObjects.key("k\($0)") }
        var expected = [ByteBuffer?](repeating: nil, count: keys.count)
        var asked: UInt64 = 0
        for _ in 0..<6 {
            // Others than small records among them have all keep their places.
            let areSmall = random.chance(1, in: 2)
            let first = asked + 1
            for _ in 0...random.below(300) {
                asked += 1
                let index = random.below(keys.count)
                let token = StorageToken(rawValue: asked)
                if !areSmall, random.chance(1, in: 8) {
                    expected[index] = nil
                    store.send(.remove(keys[index], token))
                } else {
                    let isLarge = !areSmall && random.chance(1, in: 20)
                    let count = (isLarge ? 40_000 : 0) + random.below(200)
                    let object = TestObjects.noise(count, &random)
                    expected[index] = object
                    store.send(.persist(keys[index], object, token))
                }
            }
            store.endTurn()
            let durable = store.settle().compactMap {
                if case .persisted(let token, nil) = $0 { token.rawValue } else { nil }
            }
            #expect(durable == Array(first...asked), "seed \(seed)")
            for (key, object) in zip(keys, expected) {
                #expect(store.load(key) == .success(object), "seed \(seed)")
            }
        }
    }
}
