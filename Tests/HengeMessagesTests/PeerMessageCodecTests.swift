import HengeBase
import HengeMessages
import Testing

import struct NIOCore.ByteBuffer

@Suite struct PeerMessageCodecTests {
    @Test("every kind of message survives the trip", arguments: 0..<SeededGenerator.messageKinds)
    func roundTrip(kind: Int) throws {
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            let message = random.anyMessage(kind: kind)
            try #require(PeerMessageCodec.read(bytes(message)) == message, "seed \(seed)")
        }
    }

    @Test("a message is read as well from the middle of a larger buffer")
    func slices() throws {
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            let message = random.anyMessage()
            var surrounded = random.anyBuffer(upTo: 20)
            surrounded.moveReaderIndex(to: surrounded.writerIndex)
            PeerMessageCodec.write(message, into: &surrounded)
            let length = surrounded.readableBytes
            surrounded.writeInteger(UInt32.max)
            let slice = try #require(
                surrounded.getSlice(at: surrounded.readerIndex, length: length)
            )
            try #require(PeerMessageCodec.read(slice) == message, "seed \(seed)")
        }
    }

    @Test("a request that waits longer than 71 minutes waits 71 minutes")
    func longTimeout() throws {
        let id = RequestID(rawValue: 1)
        var random = SeededGenerator(seed: 1)
        let key = random.anyKey()
        let sent = PeerMessage.fetch(id, key, .digest, timeout: .seconds(7_200), epoch: 9)
        let longest = Interval.microseconds(UInt64(UInt32.max))
        #expect(
            try PeerMessageCodec.read(bytes(sent))
                == .fetch(id, key, .digest, timeout: longest, epoch: 9)
        )
    }

    @Test("numbers that don't fit the wire are clamped, not wrapped and not trapped")
    func clamped() throws {
        let id = RequestID(rawValue: 1)
        let sent = PeerMessage.forwarded(id, .failed(.tooLarge(bytes: 1 << 40, limit: -1)))
        let limit = Int(UInt32.max)
        #expect(
            try PeerMessageCodec.read(bytes(sent))
                == .forwarded(id, .failed(.tooLarge(bytes: limit, limit: 0)))
        )

        let counts = bytes(.counted(id, keys: [-1, .max]))
        #expect(try PeerMessageCodec.read(counts) == .counted(id, keys: [0, .max]))
        let huge = try #require(unhex("0a" + "0000000000000001" + "00000001" + "ffffffffffffffff"))
        #expect(try PeerMessageCodec.read(huge) == .counted(id, keys: [.max]))
    }

    @Test("what a coordinator reads before it writes")
    func readsFirst() {
        let value = Mutation.Content.value(ByteBuffer(string: "v"))
        #expect(!Mutation(content: value).readsFirst)
        #expect(!Mutation(content: .tombstone, basis: .nothing).readsFirst)
        #expect(!Mutation(content: value, expiry: .at(WallTime(milliseconds: 1))).readsFirst)
        #expect(Mutation(content: .unchanged).readsFirst)
        #expect(Mutation(content: value, expiry: .keep).readsFirst)
        #expect(Mutation(content: value, returnsPrevious: true).readsFirst)
        for condition in Mutation.Condition.allCases {
            #expect(
                Mutation(content: value, condition: condition).readsFirst
                    == (condition != .always)
            )
        }
    }
}
