import HengeBase
import HengeCausality
import Testing

import struct NIOCore.ByteBuffer

/// Bytes that may hold anything never trap, and whatever is accepted is in the one canonical form.
@Suite struct EncodedObjectFuzzTests {
    @Test("random bytes")
    func randomBytes() {
        for seed in UInt64(0)..<5_000 {
            var random = SeededGenerator(seed: seed)
            let bytes = random.anyBytes(count: random.below(60))
            _ = check(bytes, seed)
            _ = check([1, 0, 0, 0, UInt8(5 + bytes.count)] + bytes, seed)
        }
    }

    @Test("bytes in the shape of an object, with small random numbers in every place")
    func randomNumbers() {
        let count = 10_000
        let accepted = (0..<UInt64(count)).count { seed in
            var random = SeededGenerator(seed: seed)
            return check(almostAnObject(&random), seed)
        }
        // Else only one side of the checks was tested.
        #expect(accepted > count / 50 && accepted < count / 2)
    }

    private func almostAnObject(_ random: inout SeededGenerator) -> [UInt8] {
        func small(_ bound: Int) -> UInt8 { UInt8(random.below(bound)) }
        let entries = small(3)
        var header = [entries]
        for _ in 0..<entries { header += [0, 0, 0, 0, 0, 0, 0, small(4), small(4)] }
        let siblings = small(3)
        header.append(siblings)
        var valueLength = 0
        for _ in 0..<siblings {
            let flags = random.chance(1, in: 10) ? small(8) : small(4)
            header += [small(2), small(4), 0, 0, 0, 0, 0, 0, 0, small(2), flags]
            if flags & 2 != 0 { header.append(small(4)) }
            guard flags & 1 == 0 else { continue }
            header.append(small(4))
            valueLength += Int(header[header.count - 1])
        }
        if random.chance(1, in: 10) { valueLength += 1 }
        return [1, 0, 0, 0, UInt8(5 + header.count)] + header + random.anyBytes(count: valueLength)
    }

    @Test("every truncation is an error")
    func truncations() throws {
        for seed in UInt64(0)..<60 {
            let bytes = encoding(seed)
            for length in 0..<bytes.count {
                if check(Array(bytes[..<length]), seed) {
                    Issue.record("accepted: seed \(seed), length \(length)")
                }
            }
            try #require(!check(bytes + [0], seed), "seed \(seed)")
        }
    }

    @Test("every single flipped bit of the header is an error or another canonical object")
    func bitFlips() throws {
        for seed in UInt64(0)..<60 {
            let bytes = encoding(seed)
            let headerLength = try EncodedObject(ByteBuffer(bytes: bytes)).headerLength
            for bit in 0..<headerLength * 8 {
                var flipped = bytes
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                _ = check(flipped, seed)
            }
        }
    }

    @Test("bytes replaced, doubled and removed")
    func mutations() {
        for seed in UInt64(0)..<4_000 {
            var random = SeededGenerator(seed: ~seed)
            var bytes = encoding(seed % 200)
            for _ in 0...random.below(4) where !bytes.isEmpty {
                let index = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.insert(bytes[index], at: index)
                case 2: bytes.remove(at: index)
                default: bytes[index] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
                }
            }
            _ = check(bytes, seed)
        }
    }

    @Test("each rule of the layout is checked", arguments: Malformed.all)
    func rules(_ malformed: Malformed) {
        #expect(throws: malformed.error) {
            try EncodedObject(ByteBuffer(bytes: malformed.bytes))
        }
    }

    /// A header that breaks one rule, with the error that tells which.
    struct Malformed: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]
        let error: ObjectDecodeError

        private static let entry: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 5, 9]
        private static let lower: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 4, 9]
        private static let time: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
        private static let tombstone = time + [1]

        /// - Parameter header: what follows the format and the header's length.
        init(
            _ name: String,
            format: UInt8 = 1,
            _ header: [UInt8],
            _ error: ObjectDecodeError,
            values: [UInt8] = []
        ) {
            testDescription = name
            bytes = [format, 0, 0, 0, UInt8(5 + header.count)] + header + values
            self.error = error
        }

        init(_ name: String, whole: [UInt8], _ error: ObjectDecodeError) {
            testDescription = name
            bytes = whole
            self.error = error
        }

        static let all: [Malformed] = [
            Malformed("nothing", whole: [], .truncated(at: 0)),
            Malformed("another format", whole: [3, 0, 0, 0, 7, 0, 0], .unknownFormat(3)),
            Malformed("no length", whole: [1, 0, 0], .truncated(at: 1)),
            Malformed(
                "a header shorter than its beginning",
                whole: [1, 0, 0, 0, 4, 0, 0],
                .wrongLength(expected: 4, actual: 7)
            ),
            Malformed(
                "a huge header",
                whole: [1, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
                .wrongLength(expected: 0xFFFF_FFFF, actual: 7)
            ),
            Malformed("more entries than bytes", [2] + entry, .truncated(at: 6)),
            Malformed(
                "a huge number of entries",
                [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
                .truncated(at: 15)
            ),
            Malformed(
                "an integer above 64 bits",
                [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2],
                .malformedInteger(at: 5)
            ),
            Malformed("an integer in a longer form", [0x80, 0], .malformedInteger(at: 5)),
            Malformed("entries out of order", [2] + entry + lower + [0], .brokenInvariant(at: 24)),
            Malformed("an entry twice", [2] + entry + entry + [0], .brokenInvariant(at: 24)),
            Malformed(
                "a counter of 0",
                [1] + entry.dropLast() + [0, 0],
                .brokenInvariant(at: 15)
            ),
            Malformed("more siblings than bytes", [1] + entry + [1, 0, 9], .truncated(at: 16)),
            Malformed(
                "a sibling of no entry",
                [1] + entry + [1, 1, 9] + tombstone,
                .brokenInvariant(at: 18)
            ),
            Malformed(
                "a sibling with the counter 0",
                [1] + entry + [1, 0, 0] + tombstone,
                .brokenInvariant(at: 18)
            ),
            Malformed(
                "a sibling that its entry does not cover",
                [1] + entry + [1, 0, 10] + tombstone,
                .brokenInvariant(at: 18)
            ),
            Malformed(
                "a sibling twice",
                [1] + entry + [2, 0, 9] + tombstone + [0, 9] + tombstone,
                .brokenInvariant(at: 29)
            ),
            Malformed(
                "siblings out of order of counter",
                [1] + entry + [2, 0, 9] + tombstone + [0, 8] + tombstone,
                .brokenInvariant(at: 29)
            ),
            Malformed(
                "siblings out of order of entry",
                [2] + lower + entry + [2, 1, 9] + tombstone + [0, 9] + tombstone,
                .brokenInvariant(at: 38)
            ),
            Malformed(
                "an unknown flag",
                [1] + entry + [1, 0, 9] + time + [8],
                .brokenInvariant(at: 27)
            ),
            Malformed(
                "an unknown flag of format 2",
                format: 2,
                [1] + entry + [1, 0, 9] + time + [8],
                .brokenInvariant(at: 27)
            ),
            Malformed(
                "metadata in format 1",
                [1] + entry + [1, 0, 9] + time + [4, 1, 1],
                .brokenInvariant(at: 27),
                values: [7, 8]
            ),
            Malformed(
                "format 2 without metadata",
                format: 2,
                [1] + entry + [1, 0, 9] + time + [0, 1],
                .brokenInvariant(at: 28),
                values: [7]
            ),
            Malformed(
                "empty metadata",
                format: 2,
                [1] + entry + [1, 0, 9] + time + [4, 1, 0],
                .brokenInvariant(at: 29),
                values: [7]
            ),
            Malformed(
                "metadata of a tombstone",
                format: 2,
                [1] + entry + [1, 0, 9] + time + [5, 1],
                .brokenInvariant(at: 28),
                values: [8]
            ),
            Malformed(
                "metadata longer than the bytes left",
                format: 2,
                [1] + entry + [1, 0, 9] + time + [4, 1, 9],
                .wrongLength(expected: 39, actual: 31),
                values: [7, 8]
            ),
            Malformed(
                "a value of more than 4 GiB",
                [1] + entry + [1, 0, 9] + time + [0, 0x80, 0x80, 0x80, 0x80, 0x10],
                .malformedInteger(at: 32)
            ),
            Malformed(
                "a value longer than the bytes left",
                [1] + entry + [1, 0, 9] + time + [0, 3],
                .wrongLength(expected: 31, actual: 30),
                values: [1, 2]
            ),
            Malformed(
                "bytes after the values",
                [1] + entry + [1, 0, 9] + time + [0, 1],
                .wrongLength(expected: 29, actual: 30),
                values: [1, 2]
            ),
            Malformed(
                "bytes left in the header",
                [0, 0, 7],
                .wrongLength(expected: 8, actual: 7)
            ),
        ]
    }

    private func encoding(_ seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        var object = random.anyObject()
        // Long values only cost time here.
        while object.encoded().bytes.readableBytes > 1_000 { object = random.anyObject() }
        return Array(object.encoded().bytes.readableBytesView)
    }

    /// Whether the bytes are accepted; if so, everything read from them must agree.
    private func check(_ bytes: [UInt8], _ seed: UInt64) -> Bool {
        guard let encoded = try? EncodedObject(ByteBuffer(bytes: bytes)) else { return false }
        let object = encoded.decoded()
        let wall = WallTime(milliseconds: 1)
        #expect(object.encoded() == encoded, "seed \(seed)")
        #expect(encoded.context == object.context, "seed \(seed)")
        #expect(
            encoded.newestLive(at: wall)?.value == object.newestLive(at: wall)?.value(at: wall),
            "seed \(seed)"
        )
        return true
    }
}
