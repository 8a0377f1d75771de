import HengeBase
import HengeMessages
import HengeServer
import NIOCore
import Testing

/// What bulk frames carry: every message survives, and nothing hostile costs memory or the node.
@Suite struct BulkCodecTests {
    private func payload(_ message: ByteBuffer) throws -> ByteBuffer {
        var frame = BulkCodec.frame(message)
        return try #require(try Frame.read(from: &frame))
    }

    private func noise(_ length: Int, seed: UInt64) -> ByteBuffer {
        var random = SeededGenerator(seed: seed)
        return ByteBuffer(bytes: (0..<length).map { _ in UInt8(random.below(256)) })
    }

    @Test("messages survive, and text shrinks", arguments: [0, 1, 100, 70_000, 1 << 20])
    func roundTrip(_ length: Int) throws {
        let random = noise(length, seed: 7)
        #expect(try BulkCodec.message(in: try payload(random)) == random)
        let text = ByteBuffer(string: String(repeating: "henge,", count: length))
        let packed = try payload(text)
        #expect(try BulkCodec.message(in: packed) == text)
        #expect(length < 100 || packed.readableBytes * 10 < text.readableBytes)
    }

    @Test("a cut, extended or bent stream is refused, as is any other length than it has")
    func damaged() throws {
        let message = ByteBuffer(string: String(repeating: "stone circle ", count: 50))
        let good = try payload(message)
        for length in 0..<good.readableBytes {
            let cut = try #require(good.getSlice(at: good.readerIndex, length: length))
            #expect(throws: WireDecodeError.self) { try BulkCodec.message(in: cut) }
        }
        var longer = good
        longer.writeInteger(UInt8(0))
        #expect(throws: WireDecodeError.self) { try BulkCodec.message(in: longer) }
        for bit in 0..<good.readableBytes * 8 {
            var bent = good
            let index = good.readerIndex + bit / 8
            let byte = try #require(bent.getInteger(at: index, as: UInt8.self))
            bent.setInteger(byte ^ 1 << UInt8(bit % 8), at: index)
            // The Adler-32 at the end of the stream leaves no flip but one unseen: that of the
            // compression level, which only informs and has a check of its own.
            let result = try? BulkCodec.message(in: bent)
            #expect(result == nil || result == message)
        }
    }

    @Test("bombs are refused before memory is taken for them")
    func bombs() throws {
        let zeros = ByteBuffer(repeating: 0, count: 8 << 20)
        var bomb = try payload(zeros)
        #expect(bomb.readableBytes < 50_000)
        // Says less than it holds: inflated no further than that.
        bomb.setInteger(UInt32(1000), at: bomb.readerIndex)
        #expect(throws: WireDecodeError.invalidField("bulk stream")) {
            try BulkCodec.message(in: bomb)
        }
        // Says more than any frame may carry.
        bomb.setInteger(UInt32.max, at: bomb.readerIndex)
        #expect(
            throws: WireDecodeError.frameTooLarge(
                bytes: Int(UInt32.max),
                limit: BulkCodec.rawBytesMax
            )
        ) { try BulkCodec.message(in: bomb) }
        // Says more than such a stream can hold.
        var tiny = ByteBuffer(integer: UInt32(60 << 20))
        tiny.writeRepeatingByte(0x78, count: 100)
        #expect(throws: WireDecodeError.invalidField("bulk length")) {
            try BulkCodec.message(in: tiny)
        }
    }

    @Test("random bytes never trap")
    func fuzz() {
        for seed in UInt64(0)..<2000 {
            var random = SeededGenerator(seed: seed)
            var bytes = ByteBuffer(integer: UInt32(random.below(5000)))
            bytes.writeBytes([0x78, 0x01])
            bytes.writeImmutableBuffer(noise(random.below(300), seed: seed))
            _ = try? BulkCodec.message(in: bytes)
        }
    }
}
