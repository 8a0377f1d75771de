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
        longest.highestID = NodeID(2000)
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
        longest.epoch = .max
        longest.changedAt = (0..<16384).map { UInt64($0 % 2) }
        let next = longest.members.map {
            Member(
                id: NodeID($0.id.rawValue + 1000),
                name: "m\($0.name.dropFirst())",
                peerAddress: "m\($0.peerAddress.dropFirst())",
                zone: $0.zone,
                weight: 1
            )
        }
        longest.highestID = NodeID(3000)
        longest.transition = RingTransition(
            members: next,
            owners: longest.owners.map { NodeID($0.rawValue + 1000) },
            steps: Array(repeating: .readNext, count: 16384),
            abandoned: longest.members.map(\.id)
        )
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
        #expect(throws: RingDecodeError.unsupportedVersion(4)) {
            try RingDocument.decode(Array("HRNG".utf8) + [4])
        }
        #expect(throws: RingDecodeError.tooLong(1 << 21 + 1)) {
            try RingDocument.decode([UInt8](repeating: 0, count: 1 << 21 + 1))
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
            let bytes =
                generator.chance(1, in: 2)
                ? noise : Array("HRNG".utf8) + [1 + UInt8(round % 2)] + noise
            #expect(throws: RingDecodeError.self, "seed \(seed), round \(round)") {
                try RingDocument.decode(bytes)
            }
        }
    }

    /// An attacker, or our own bug, can make the checksum right.
    @Test("damage under a right checksum is refused or valid", arguments: [1, 2, 3] as [UInt64])
    func sealedDamage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let moving = try movingDocument(&generator)
        for original in [encoded, moving.encoded()] {
            var accepted = 0
            for round in 0..<2_000 {
                var bytes = Array(original.dropLast(8))
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
                #expect(throws: Never.self, "seed \(seed), round \(round)") {
                    try decoded.validate()
                }
                #expect(decoded.encoded() == sealed(bytes), "seed \(seed), round \(round)")
                // Whatever is valid makes a ring, and changes of it don't trap.
                #expect(Ring(decoded).replicas >= 1)
                _ = decoded.successorFault(of: moving)
                _ = moving.successorFault(of: decoded)
                _ = try? decoded.aborting()
                _ = try? decoded.finishing()
            }
            #expect(accepted > 0)
        }
    }

    @Test("documents of format 1 are read, damaged ones refused or valid", arguments: [1, 2])
    func formatOneIsRead(seed: UInt64) throws {
        let old = formatOne(document)
        #expect(try RingDocument.decode(old) == document)
        var generator = SeededGenerator(seed: seed)
        for round in 0..<1_000 {
            var bytes = Array(old.dropLast(8))
            bytes[5 + generator.below(bytes.count - 5)] = UInt8(generator.below(256))
            guard let decoded = try? RingDocument.decode(sealed(bytes)) else { continue }
            #expect(formatOne(decoded) == sealed(bytes), "seed \(seed), round \(round)")
        }
    }

    @Test("moving documents survive the trip, and every truncation is refused")
    func moving() throws {
        for seed in UInt64(1)...40 {
            var generator = SeededGenerator(seed: seed)
            let document = try movingDocument(&generator)
            let bytes = document.encoded()
            #expect(try RingDocument.decode(bytes) == document, "seed \(seed)")
            for _ in 0..<50 {
                let cut = Array(bytes[..<(bytes.count - 8)]).prefix(
                    generator.below(bytes.count - 8))
                #expect(throws: RingDecodeError.self, "seed \(seed)") {
                    try RingDocument.decode(sealed(Array(cut)))
                }
            }
        }
    }

    @Test("16384 partitions on the move stay far below 200 KB")
    func size() throws {
        var generator = SeededGenerator(seed: 1)
        let before = try bootstrap(
            (1...200).map { "n\($0)=10.0.0.\($0 % 250):\(7000 + $0)/zone=z\($0 % 3)" },
            partitions: 16384
        )
        let joining = (201...250).map {
            Member(id: NodeID(UInt16($0)), name: "n\($0)", peerAddress: "h:\($0)", zone: "z1")
        }
        let members = before.members + joining
        // The worst case: everything moves, and neighbours have stepped in different epochs.
        let owners = before.owners.map { _ in members[generator.below(250)].id }
        var document = try before.beginning(members: members, owners: owners)
        for _ in 0..<40 {
            let some = (0..<16384).filter { partition in
                document.transition?.steps[partition] == .current && generator.chance(1, in: 8)
            }
            if !some.isEmpty { document = try document.advancing(some, to: .writeBoth) }
        }
        let bytes = document.encoded()
        print("a moving document of 16384 partitions and 250 members: \(bytes.count) bytes")
        #expect(bytes.count < 150_000)
        #expect(try RingDocument.decode(bytes) == document)
    }

    @Test("a number of last steps has one form only")
    func runs() throws {
        // The runs of a document that never changed stand before the last nine bytes: 64, 1.
        let body = Array(encoded.dropLast(8))
        #expect(Array(body.suffix(3)) == [64, 1, 0])
        let head = Array(body.dropLast(3))
        for runs in [
            [0x80, 64, 1], [0xC0, 0, 1], [63, 1, 1, 1], [65, 1], [0, 1, 64, 1], [64, 2],
            [64, 0x81, 0], Array(repeating: 0xFF, count: 12),
        ] as [[UInt8]] {
            #expect(throws: RingDecodeError.invalidRun, "\(runs)") {
                try RingDocument.decode(sealed(head + runs + [0]))
            }
        }
        #expect(throws: RingDecodeError.invalidTransition) {
            try RingDocument.decode(sealed(head + [64, 1, 3]))
        }
    }

    /// Some epochs into a change of members, or on the way back.
    private func movingDocument(
        _ generator: inout SeededGenerator
    ) throws -> RingDocument {
        var begun: RingDocument?
        while begun == nil {
            begun = try? RandomChange(&generator, from: document).begin(&generator)
        }
        var moving = try #require(begun)
        for _ in 0..<generator.below(8) {
            moving = try RandomChange.advance(&generator, moving) ?? moving
        }
        return generator.chance(1, in: 3) ? try moving.aborting() : moving
    }
}

private func sealed(_ bytes: [UInt8]) -> [UInt8] {
    let checksum = bytes.withUnsafeBytes { XXH3.hash64($0) }
    return bytes + (0..<8).map { UInt8(truncatingIfNeeded: checksum >> (56 - 8 * $0)) }
}

/// What the version before transitions wrote.
func formatOne(_ document: RingDocument) -> [UInt8] {
    var bytes = Array("HRNG".utf8) + [1]
    func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes += Array($0) }
    }
    append(document.clusterID)
    append(document.epoch)
    append(UInt8(document.replicas))
    append(UInt16(document.members.count))
    for member in document.members {
        append(member.id.rawValue)
        append(UInt16(member.weight))
        for text in [member.name, member.peerAddress, member.zone] {
            append(UInt16(text.utf8.count))
            bytes += Array(text.utf8)
        }
    }
    append(UInt8(document.owners.count.trailingZeroBitCount))
    for owner in document.owners { append(owner.rawValue) }
    return sealed(bytes)
}
