import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages
import Testing

import struct NIOCore.ByteBuffer

/// What a pass costs on the wire follows the difference, not the data.
@Suite struct ComparisonBytesTests {
    private static let records = 100_000
    private static let valueBytes = 100
    private static let leafBits = 10

    @Test("the bytes of a pass over 100,000 records", arguments: [0, 1, 100, 100_000])
    func bytes(differing: Int) {
        var world = equalWorld()
        // What a record has on the wire, its lengths included.
        let record = 30 + 60 + Self.valueBytes
        let stride = Self.records / max(1, differing)
        for index in 0..<differing {
            world.answerer.write(world.keys[index * stride], bytes: Self.valueBytes)
        }
        #expect(world.pass() == .done && world.problems.isEmpty)
        #expect(world.asker.records == world.answerer.records)
        print("\(differing) of \(Self.records): \(world.bytes) B, \(world.messages) messages")
        let leaves = 2 * 8 << Self.leafBits
        let leaf = Self.records / (2 << Self.leafBits) * 9 + 200
        switch differing {
        case 0: #expect(world.messages == 3 && world.bytes < 200 && world.lists == 0)
        case Self.records:
            let data =
                world.asker.records.values.reduce(0) { $0 + $1.bytes.readableBytes }
                + world.keys.reduce(0) { $0 + $1.bytes.readableBytes }
            print("of \(data) B of data")
            #expect(Double(world.bytes) < 1.2 * Double(data))
        default: #expect(world.bytes < differing * (2 * leaf + record) + leaves + 1_000)
        }
    }

    @Test("an empty side costs the data alone, without fingerprints", arguments: [true, false])
    func emptySide(isAskers: Bool) {
        var world = equalWorld(isAskerEmpty: isAskers, isAnswererEmpty: !isAskers)
        #expect(world.pass() == .done && world.problems.isEmpty)
        #expect(world.asker.records == world.answerer.records)
        let data =
            world.asker.records.values.reduce(0) { $0 + $1.bytes.readableBytes }
            + world.keys.reduce(0) { $0 + $1.bytes.readableBytes }
        print("empty \(isAskers ? "asker" : "answerer"): \(world.bytes) B of \(data) B of data")
        #expect(Double(world.bytes) < 1.1 * Double(data))
        #expect(world.lists == 0 || !isAskers)
    }

    private func equalWorld(
        isAskerEmpty: Bool = false,
        isAnswererEmpty: Bool = false
    ) -> ComparisonWorld {
        var world = ComparisonWorld(
            partitionBits: 1,
            leafBits: (Self.leafBits, Self.leafBits),
            seed: 1
        )
        world.keys = (0..<Self.records).map {
            StoredKey(bucket: ByteBuffer(string: "b"), key: ByteBuffer(string: "key:\($0)"))
        }
        for key in world.keys {
            var object = VersionedObject()
            object.write(
                Sibling(
                    dot: Dot(actor: ActorID(rawValue: 3), counter: 1),
                    timestamp: HybridTimestamp(rawValue: 1),
                    expiry: nil,
                    payload: .value(ByteBuffer(repeating: 1, count: Self.valueBytes))
                ),
                replacing: VersionVector()
            )
            let record = HandedRecord(key: key, object: object.encoded())
            if !isAskerEmpty { world.asker.merge(record) }
            if !isAnswererEmpty { world.answerer.merge(record) }
        }
        return world
    }
}
