import HengeBase
import HengeRing
import Testing

@Suite struct HashSlotTests {
    @Test("the published check value of CRC16/XMODEM")
    func checkValue() {
        #expect(Array("123456789".utf8).withUnsafeBytes { CRC16.checksum($0) } == 0x31C3)
        #expect(slot("123456789") == 12739)
    }

    @Test(
        "slots that Redis publishes",
        arguments: [
            ("", 0), ("foo", 12182), ("bar", 5061), ("somekey", 11058),
        ]
    )
    func published(key: String, expected: UInt16) {
        #expect(slot(key) == expected)
    }

    @Test("hash tags as the Redis Cluster specification has them")
    func hashTags() {
        #expect(slot("{user1000}.following") == slot("{user1000}.followers"))
        #expect(slot("{user1000}.following") == slot("user1000"))
        #expect(slot("foo{}{bar}") == crcSlot("foo{}{bar}"))
        #expect(slot("foo{{bar}}zap") == crcSlot("{bar"))
        #expect(slot("foo{bar}{zap}") == crcSlot("bar"))
        for whole in ["{", "}", "{}", "a{", "a}b", "}a{", "}{", "{abc", "abc}", "a}b{c"] {
            #expect(slot(whole) == crcSlot(whole), "\(whole)")
        }
    }

    @Test("agrees bit by bit with a naive CRC and search", arguments: [1, 2, 3] as [UInt64])
    func againstOracle(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<3_000 {
            let key = (0..<generator.below(60)).map { _ in
                // Few letters, many braces.
                generator.chance(1, in: 8)
                    ? Array("{}".utf8)[generator.below(2)]
                    : UInt8(truncatingIfNeeded: generator.next())
            }
            let slot = key.withUnsafeBytes { HashSlot.of($0) }
            #expect(slot == oracle(key), "seed \(seed), round \(round), key \(key)")
        }
    }

    private func slot(_ key: String) -> UInt16 {
        Array(key.utf8).withUnsafeBytes { HashSlot.of($0) }
    }

    private func crcSlot(_ key: String) -> UInt16 { naiveCRC(Array(key.utf8)) % 16384 }

    private func oracle(_ key: [UInt8]) -> UInt16 {
        if let open = key.firstIndex(of: UInt8(ascii: "{")) {
            let rest = key[(open + 1)...]
            if let close = rest.firstIndex(of: UInt8(ascii: "}")), close > open + 1 {
                return naiveCRC(Array(rest[..<close])) % 16384
            }
        }
        return naiveCRC(key) % 16384
    }

    /// Long division, bit by bit.
    private func naiveCRC(_ bytes: [UInt8]) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes {
            for bit in (0..<8).reversed() {
                let carry = (crc >> 15) ^ UInt16(byte >> bit & 1)
                crc = crc << 1 ^ (carry == 1 ? 0x1021 : 0)
            }
        }
        return crc
    }
}
