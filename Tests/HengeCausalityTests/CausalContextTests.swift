import HengeBase
import HengeCausality
import Testing

import struct NIOCore.ByteBuffer

@Suite struct CausalContextTests {
    private let key: UInt64 = 0x1234_5678_9ABC_DEF0
    private let some = vector(dot(1, 5), dot(0xAAAA_BBBB_CCCC_DDDD, 1 << 40), dot(.max, .max))

    @Test("any context survives the trip through its text")
    func roundTrip() throws {
        for seed in UInt64(0)..<300 {
            var random = SeededGenerator(seed: seed)
            let vector = random.anyVector()
            let key = random.next()
            let decoded = try decode(CausalContext.encode(vector, key: key))
            try #require(decoded.vector == vector, "seed \(seed)")
            try #require(decoded.belongs(to: key), "seed \(seed)")
        }
    }

    @Test("a context is bound to its key")
    func boundToKey() throws {
        let decoded = try decode(CausalContext.encode(some, key: key))
        #expect(decoded.belongs(to: key))
        #expect(!decoded.belongs(to: key ^ 1))
        #expect(!decoded.belongs(to: 0))
    }

    @Test("the context of three actors is under 100 bytes at the greatest counters")
    func length() {
        let vector = vector(dot(1 << 60, .max), dot(1 << 61, .max), dot(1 << 62, .max))
        #expect(CausalContext.encode(vector, key: key).utf8.count < 100)
    }

    @Test("text cut anywhere is an error")
    func truncated() {
        let text = CausalContext.encode(some, key: key)
        for length in 0..<text.utf8.count {
            #expect(throws: ObjectDecodeError.self, "length \(length)") {
                try decode(String(text.prefix(length)))
            }
        }
    }

    @Test("any one letter changed to any other byte is an error")
    func changed() {
        let text = Array(CausalContext.encode(some, key: key).utf8)
        for index in text.indices {
            for byte in UInt8.min...UInt8.max where byte != text[index] {
                var changed = text
                changed[index] = byte
                if (try? CausalContext.decode(ByteBuffer(bytes: changed))) != nil {
                    Issue.record("accepted: byte \(byte) at \(index)")
                }
            }
        }
    }

    @Test("each kind of damage has its own error")
    func kinds() {
        let text = CausalContext.encode(some, key: key)
        #expect(throws: ObjectDecodeError.notBase64) { try decode(text + "=") }
        #expect(throws: ObjectDecodeError.notBase64) { try decode(text + "+/==") }
        #expect(throws: ObjectDecodeError.truncated(at: 0)) { try decode("") }
        #expect(throws: ObjectDecodeError.unknownFormat(2)) { try decode("Ag" + text.dropFirst(2)) }
        #expect(throws: ObjectDecodeError.badChecksum) { try decode(String(text.dropLast(4))) }
        let long = String(repeating: "A", count: CausalContext.lengthMax + 1)
        #expect(
            throws: ObjectDecodeError.wrongLength(
                expected: CausalContext.lengthMax,
                actual: CausalContext.lengthMax + 1
            )
        ) { try decode(long) }
    }

    @Test("contexts of more entries than any object has are refused")
    func tooManyEntries() throws {
        func text(_ count: UInt64) -> String {
            let entries = (0..<count).map { dot($0, 1) }
            return CausalContext.encode(VersionVector(sorted: entries), key: key)
        }
        #expect(try decode(text(4096)).vector.entries.count == 4096)
        #expect(throws: ObjectDecodeError.wrongLength(expected: 4096, actual: 4097)) {
            try decode(text(4097))
        }
    }

    @Test("a body that nobody would issue is refused, though its checksum is right")
    func forged() {
        let head: [UInt8] = [1, 0, 0, 0, 0]
        let one: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1, 5]
        let two: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 2, 5]
        #expect(throws: Never.self) { try decode(sealed(head + [2] + one + two)) }
        #expect(throws: ObjectDecodeError.brokenInvariant(at: 24)) {
            try decode(sealed(head + [2] + two + one))
        }
        #expect(throws: ObjectDecodeError.brokenInvariant(at: 24)) {
            try decode(sealed(head + [2] + one + one))
        }
        #expect(throws: ObjectDecodeError.brokenInvariant(at: 15)) {
            try decode(sealed(head + [1] + one.dropLast() + [0]))
        }
        #expect(throws: ObjectDecodeError.truncated(at: 6)) { try decode(sealed(head + [2] + one)) }
        #expect(throws: ObjectDecodeError.wrongLength(expected: 15, actual: 16)) {
            try decode(sealed(head + [1] + one + [0]))
        }
        #expect(throws: ObjectDecodeError.truncated(at: 1)) { try decode(sealed([1, 0])) }
    }

    @Test("random bodies with right checksums never trap, and what decodes has that one spelling")
    func fuzz() throws {
        var accepted = 0
        for seed in UInt64(0)..<5_000 {
            var random = SeededGenerator(seed: seed)
            let original = CausalContext.encode(random.anyVector(), key: 0)
            var body = Array(try Base64URL.decode(original.utf8).dropLast(4))
            for _ in 0...random.below(2) where body.count > 5 {
                let index = 5 + random.below(body.count - 5)
                switch random.below(3) {
                case 0: body[index] = UInt8(truncatingIfNeeded: random.next())
                case 1: body.insert(body[index], at: index)
                default: body.remove(at: index)
                }
            }
            let text = sealed(body)
            guard let decoded = try? decode(text) else { continue }
            accepted += 1
            try #require(CausalContext.encode(decoded.vector, key: 0) == text, "seed \(seed)")
        }
        #expect(accepted > 100)
    }

    /// Text with the checksum (FNV-1a) that belongs to `body`.
    private func sealed(_ body: [UInt8]) -> String {
        var sum: UInt32 = 0x811C_9DC5
        for byte in body { sum = (sum ^ UInt32(byte)) &* 0x0100_0193 }
        var bytes = ByteBuffer(bytes: body)
        bytes.writeInteger(sum)
        return Base64URL.encode(bytes.readableBytesView)
    }

    private func decode(_ text: String) throws -> CausalContext.Decoded {
        try CausalContext.decode(ByteBuffer(string: text))
    }
}
