import HengeBase
import HengeRing
import Testing

@Suite struct XXH3Tests {
    /// The sanity values of the reference implementation, over its own test buffer.
    @Test(
        "reference values",
        arguments: [
            (0, 0x2D06_8005_38D3_94C2), (1, 0xC44B_DFF4_074E_ECDB), (6, 0x27B5_6A84_CD2D_7325),
            (12, 0xA713_DAF0_DFBB_77E7), (24, 0xA3FE_70BF_9D35_10EB), (48, 0x397D_A259_ECBA_1F11),
            (80, 0xBCDE_FBBB_2C47_C90A), (195, 0xCD94_217E_E362_EC3A),
        ] as [(Int, UInt64)]
    )
    func referenceValues(length: Int, expected: UInt64) {
        var state: UInt64 = 2_654_435_761
        let buffer = (0..<length).map { _ in
            defer { state &*= 11_400_714_785_074_694_797 }
            return UInt8(state >> 56)
        }
        #expect(buffer.withUnsafeBytes { XXH3.hash64($0) } == expected)
    }

    @Test("the seed matters, for nothing too")
    func seed() {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(XXH3.hash64(nothing, seed: 11_400_714_785_074_694_797) == 0xA8A6_B918_B2F0_364A)
    }
}

@Suite struct TokenTests {
    @Test("the hash slot is on top")
    func slot() {
        for key in ["", "123456789", "{user1000}.following", "key:1"] {
            let slot = Array(key.utf8).withUnsafeBytes { HashSlot.of($0) }
            let token = Token.of("default", key)
            #expect(token.slot == Int(slot) && token.rawValue >> 50 == UInt64(slot))
        }
        #expect(Token.min.slot == 0 && Token.max.slot == 16383)
    }

    @Test("buckets and keys can't be cut elsewhere to the same token")
    func boundary() {
        #expect(Token.of("a", "bc") != Token.of("ab", "c"))
        #expect(Token.of("", "abc") != Token.of("abc", ""))
        #expect(Token.of("x", "k") != Token.of("y", "k"))
        // The slot of a key is the same in every bucket.
        #expect(Token.of("x", "k").slot == Token.of("y", "k").slot)
    }

    @Test("a token's place never changes: it is on disk")
    func golden() {
        #expect(Token.of("default", "123456789").rawValue == 14_343_727_825_567_363_732)
        #expect(Token.of("", "").rawValue == 286_681_715_934_208)
    }

    @Test("the partition is the token's top bits")
    func partition() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<1_000 {
            let token = Token(rawValue: generator.next())
            for bits in 6...14 {
                #expect(token.partition(bits: bits) == token.slot >> (14 - bits))
            }
        }
    }

    @Test(
        "sequential keys spread over partitions at least as evenly as chance",
        arguments: [6, 10]
    )
    func spread(bits: Int) {
        var counts = [Double](repeating: 0, count: 1 << bits)
        for i in 1...100_000 { counts[Token.of("default", "key:\(i)").partition(bits: bits)] += 1 }
        let statistics = DistributionStatistics(counts: counts)
        #expect(statistics.chiSquareDeviation < 4, "\(statistics)")
        #expect(statistics.maximumToFair < 1.1, "\(statistics)")
    }

    // CRC16 is linear, so over as many partitions as slots sequential keys lie less evenly than
    // chance, as in Redis: with a third more variance. Keys without such order must not.
    @Test("random keys spread over slots like chance")
    func spreadOverSlots() {
        var generator = SeededGenerator(seed: 2)
        var counts = [Double](repeating: 0, count: HashSlot.count)
        for _ in 1...100_000 {
            counts[Token.of("default", String(generator.next(), radix: 16)).slot] += 1
        }
        let statistics = DistributionStatistics(counts: counts)
        #expect(abs(statistics.chiSquareDeviation) < 4, "\(statistics)")
    }

    @Test("the bits below the slot spread like chance too")
    func spreadInSlot() {
        var counts = [Double](repeating: 0, count: 1024)
        for i in 1...100_000 {
            let token = Token.of("default", "{one}\(i)")
            counts[Int(token.rawValue >> 40 & 1023)] += 1
        }
        let statistics = DistributionStatistics(counts: counts)
        #expect(abs(statistics.chiSquareDeviation) < 4, "\(statistics)")
    }
}

extension Token {
    static func of(_ bucket: String, _ key: String) -> Token {
        Array(bucket.utf8).withUnsafeBytes { bucket in
            Array(key.utf8).withUnsafeBytes { key in Token.of(bucket: bucket, key: key) }
        }
    }
}
