import HengeBase
import HengeMessages
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// What members and candidates say to each other.
@Suite struct CandidateMessageTests {
    private func messages() throws -> [CandidateMessage] {
        let list = try BootstrapList.parse("n1=h:1,n2=h:2/zone=b,n3=h:3/weight=2")
        let document = try RingDocument.bootstrap(list, replicas: 3, partitions: 64)
        return [
            .ring(document), .refused("the member n2 has the address h:2 already"), .refused(""),
            .epoch(.max), .disk(free: 1, total: .max),
        ]
    }

    private func bytes(_ message: CandidateMessage) -> ByteBuffer {
        var out = ByteBuffer()
        message.write(into: &out)
        return out
    }

    @Test("every message survives the trip, and is an error cut anywhere or with more behind it")
    func roundTrip() throws {
        for message in try messages() {
            var wire = bytes(message)
            #expect(try CandidateMessage.read(wire) == message)
            for length in 0..<wire.readableBytes {
                let part = try #require(wire.getSlice(at: 0, length: length))
                #expect(throws: WireDecodeError.self) { try CandidateMessage.read(part) }
            }
            wire.writeInteger(UInt8(0))
            #expect(throws: WireDecodeError.trailingBytes(1)) { try CandidateMessage.read(wire) }
        }
    }

    @Test("what a candidate says is short")
    func short() {
        let disk = bytes(.disk(free: .max, total: .max))
        #expect(disk.readableBytes <= CandidateMessage.candidateBytesMax)
    }

    @Test("damage never traps")
    func fuzz() throws {
        let wires = try messages().map(bytes)
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            for wire in wires where wire.readableBytes > 0 {
                var damaged = wire
                for _ in 0...random.below(3) {
                    let place = random.below(wire.readableBytes)
                    damaged.setInteger(UInt8(random.below(256)), at: place)
                }
                _ = try? CandidateMessage.read(damaged)
            }
            var noise = ByteBuffer()
            for _ in 0..<random.below(100) { noise.writeInteger(UInt8(random.below(256))) }
            _ = try? CandidateMessage.read(noise)
        }
    }
}
