import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

@Suite struct StoredKeyTests {
    @Test("the stored form is token, bucket length, bucket, key, and its slices give them back")
    func layout() throws {
        let key = StoredKey(bucket: ByteBuffer(string: "b1"), key: ByteBuffer(string: "123456789"))
        #expect(key.token.slot == 12739)
        #expect(key.bytes.getInteger(at: 0, as: UInt64.self) == key.token.rawValue)
        #expect(key.bytes.getInteger(at: 8, as: UInt8.self) == 2)
        #expect(key.bytes.getString(at: 9, length: 11) == "b1123456789")
        #expect(key.bytes.readableBytes == 20)
        #expect(key.bucket == ByteBuffer(string: "b1"))
        #expect(key.key == ByteBuffer(string: "123456789"))
    }

    @Test("any key is read back from its stored form, also from the middle of a buffer")
    func roundTrip() throws {
        for seed in UInt64(0)..<300 {
            var random = SeededGenerator(seed: seed)
            let key = random.anyKey()
            try #require(StoredKey(stored: key.bytes) == key, "seed \(seed)")
            var surrounded = random.anyBuffer(upTo: 20)
            surrounded.moveReaderIndex(to: surrounded.writerIndex)
            surrounded.writeImmutableBuffer(key.bytes)
            let again = try #require(StoredKey(stored: surrounded))
            try #require(again == key, "seed \(seed)")
            try #require(again.bucket == key.bucket && again.key == key.key, "seed \(seed)")
            try #require(again.hashValue == key.hashValue, "seed \(seed)")
        }
    }

    @Test("byte order is token order; within a token, the order of bucket length, bucket and key")
    func order() {
        var random = SeededGenerator(seed: 5)
        let keys = (0..<300).map { _ in random.anyKey() }
        let byBytes = keys.sorted {
            $0.bytes.readableBytesView.lexicographicallyPrecedes($1.bytes.readableBytesView)
        }
        let byToken = keys.sorted { $0.token < $1.token }
        #expect(byBytes.map(\.token) == byToken.map(\.token))
    }

    @Test("the same bytes cut elsewhere into bucket and key are another key")
    func cut() {
        let one = StoredKey(bucket: ByteBuffer(string: "ab"), key: ByteBuffer(string: "c"))
        let two = StoredKey(bucket: ByteBuffer(string: "a"), key: ByteBuffer(string: "bc"))
        #expect(one != two)
        #expect(one.token != two.token)
    }

    @Test("the longest and shortest bucket and key are kept, longer ones refused")
    func limits() throws {
        func text(_ count: Int) -> ByteBuffer { ByteBuffer(repeating: 0x61, count: count) }
        for (bucket, key) in [(1, 0), (255, 65_536)] {
            let stored = StoredKey(bucket: text(bucket), key: text(key))
            let again = try #require(StoredKey(stored: stored.bytes))
            #expect(again.bucket.readableBytes == bucket && again.key.readableBytes == key)
        }
        #expect(StoredKey(stored: wellFormed(bucket: text(1), key: text(65_536))) != nil)
        #expect(StoredKey(stored: wellFormed(bucket: text(1), key: text(65_537))) == nil)
        #expect(StoredKey(stored: wellFormed(bucket: text(0), key: text(5))) == nil)
    }

    @Test("hostile bytes are no key: cut, flipped or random")
    func hostile() throws {
        for seed in UInt64(0)..<100 {
            var random = SeededGenerator(seed: seed)
            let key = random.anyKey()
            for length in 0..<min(key.bytes.readableBytes, 60) {
                guard let part = key.bytes.getSlice(at: 0, length: length) else { continue }
                if let other = StoredKey(stored: part) {
                    Issue.record("accepted \(other.key): seed \(seed), length \(length)")
                }
            }
            for bit in 0..<min(key.bytes.readableBytes, 60) * 8 {
                var flipped = key.bytes
                let byte = flipped.getInteger(at: bit / 8, as: UInt8.self) ?? 0
                flipped.setInteger(byte ^ 1 << UInt8(bit % 8), at: bit / 8)
                // The token is that of the key, so any flip makes it another's.
                if StoredKey(stored: flipped) != nil {
                    Issue.record("accepted: seed \(seed), bit \(bit)")
                }
            }
            try #require(StoredKey(stored: random.anyBuffer(upTo: 60)) == nil, "seed \(seed)")
        }
    }

    /// A stored form with the right token, put together by hand so that it may break the limits.
    private func wellFormed(bucket: ByteBuffer, key: ByteBuffer) -> ByteBuffer {
        let token = bucket.withUnsafeReadableBytes { bucketBytes in
            key.withUnsafeReadableBytes { Token.of(bucket: bucketBytes, key: $0) }
        }
        var bytes = ByteBuffer(integer: token.rawValue)
        bytes.writeInteger(UInt8(bucket.readableBytes))
        bytes.writeImmutableBuffer(bucket)
        bytes.writeImmutableBuffer(key)
        return bytes
    }
}
