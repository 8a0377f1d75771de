import HengeBase
import HengeRing
import Testing

@Suite struct RingDocumentDecodingTests {
    private let document: RingDocument
    private let encoded: [UInt8]

    init() throws {
        document = try bootstrap(["n1=h:1/zone=a/weight=2", "n2=h:2/zone=b", "n3=[::1]:3"])
        encoded = document.encoded()
    }

    @Test("what is encoded is decoded")
    func roundTrip() throws {
        #expect(try RingDocument.decode(encoded) == document)
        var large = try bootstrap((1...1000).map { "n\($0)=h:\($0)" }, partitions: 2048)
        large.epoch = .max
        let bytes = large.encoded()
        #expect(bytes.count < RingDocument.encodedLengthMax)
        #expect(try RingDocument.decode(bytes) == large)
    }

    @Test("the longest possible document fits")
    func longest() throws {
        let host = String(repeating: "h", count: 249)
        let tail = String(repeating: "x", count: 60)
        var longest = try bootstrap(["n1=h:1"])
        longest.members = (1001...2000).map {
            Member(
                id: NodeID(UInt16($0)),
                name: "\($0)\(tail)",
                peerAddress: "\(host)\($0):65535",
                zone: "\($0)\(tail)",
                weight: 1000
            )
        }
        longest.owners = (0..<16384).map { NodeID(UInt16(1001 + $0 % 1000)) }
        let bytes = longest.encoded()
        #expect(bytes.count < RingDocument.encodedLengthMax)
        #expect(try RingDocument.decode(bytes) == longest)
    }

    @Test("every truncation, every flipped bit and every extra byte is refused")
    func damage() {
        for length in encoded.indices {
            #expect(throws: RingDecodeError.self, "length \(length)") {
                try RingDocument.decode(Array(encoded[..<length]))
            }
        }
        for bit in 0..<(encoded.count * 8) {
            var bytes = encoded
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: RingDecodeError.self, "bit \(bit)") { try RingDocument.decode(bytes) }
        }
        #expect(throws: RingDecodeError.self) { try RingDocument.decode(encoded + [0]) }
    }

    @Test("each kind of damage has its error")
    func errors() {
        #expect(throws: RingDecodeError.notARing) { try RingDocument.decode([]) }
        #expect(throws: RingDecodeError.truncated(needed: 1, available: 0)) {
            try RingDocument.decode(Array("HRNG".utf8))
        }
        #expect(throws: RingDecodeError.unsupportedVersion(2)) {
            try RingDocument.decode(Array("HRNG".utf8) + [2])
        }
        #expect(throws: RingDecodeError.tooLong(1 << 20 + 1)) {
            try RingDocument.decode([UInt8](repeating: 0, count: 1 << 20 + 1))
        }
        #expect(throws: RingDecodeError.trailingBytes(1)) {
            try RingDocument.decode(sealed(encoded.dropLast(8) + [0]))
        }
    }

    @Test("random bytes are refused", arguments: [1, 2] as [UInt64])
    func randomBytes(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<5_000 {
            let noise = (0..<generator.below(200)).map { _ in UInt8(generator.below(256)) }
            let bytes = generator.chance(1, in: 2) ? noise : Array("HRNG".utf8) + [1] + noise
            #expect(throws: RingDecodeError.self, "seed \(seed), round \(round)") {
                try RingDocument.decode(bytes)
            }
        }
    }

    /// An attacker, or our own bug, can make the checksum right.
    @Test("damage under a right checksum is refused or valid", arguments: [1, 2, 3] as [UInt64])
    func sealedDamage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        for round in 0..<2_000 {
            var bytes = Array(encoded.dropLast(8))
            for _ in 0...generator.below(3) {
                let place = 5 + generator.below(bytes.count - 5)
                switch generator.below(3) {
                case 0: bytes[place] = UInt8(generator.below(256))
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8(generator.below(256)), at: place)
                }
            }
            guard let decoded = try? RingDocument.decode(sealed(bytes)) else { continue }
            accepted += 1
            #expect(throws: Never.self, "seed \(seed), round \(round)") { try decoded.validate() }
            #expect(decoded.encoded() == sealed(bytes), "seed \(seed), round \(round)")
            // Whatever is valid makes a ring.
            #expect(Ring(decoded).replicas >= 1)
        }
        #expect(accepted > 0)
    }

    private func sealed(_ bytes: [UInt8]) -> [UInt8] {
        let checksum = bytes.withUnsafeBytes { XXH3.hash64($0) }
        return bytes + (0..<8).map { UInt8(truncatingIfNeeded: checksum >> (56 - 8 * $0)) }
    }
}
