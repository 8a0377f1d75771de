import HengeBase
import HengeMessages
import Testing

import struct NIOCore.ByteBuffer

@Suite struct FrameTests {
    @Test("frames come out whole and in order, however the bytes arrive")
    func pieces() throws {
        for seed in UInt64(0)..<100 {
            var random = SeededGenerator(seed: seed)
            let messages = (0..<1 + random.below(5)).map { _ in random.anyMessage() }
            var wire = ByteBuffer()
            for message in messages {
                Frame.write(into: &wire) { PeerMessageCodec.write(message, into: &$0) }
            }
            var arrived = ByteBuffer()
            var read: [PeerMessage] = []
            while wire.readableBytes > 0 {
                let length = min(
                    wire.readableBytes,
                    1 + random.below(random.below(4) == 0 ? 90 : 5)
                )
                if let piece = wire.readSlice(length: length) {
                    arrived.writeImmutableBuffer(piece)
                }
                while let payload = try Frame.read(from: &arrived) {
                    read.append(try PeerMessageCodec.read(payload))
                }
                if random.chance(1, in: 8) { arrived.discardReadBytes() }
            }
            try #require(read == messages, "seed \(seed)")
            try #require(arrived.readableBytes == 0, "seed \(seed)")
        }
    }

    @Test("an unfinished frame is left where it is")
    func unfinished() throws {
        let whole = frame("hello")
        for length in 0..<whole.readableBytes {
            var part = try #require(whole.getSlice(at: 0, length: length))
            #expect(try Frame.read(from: &part) == nil)
            #expect(part.readableBytes == length)
        }
    }

    @Test("an empty payload is a frame")
    func empty() throws {
        var wire = frame("")
        #expect(try Frame.read(from: &wire) == ByteBuffer())
        #expect(wire.readableBytes == 0)
    }

    @Test("any flipped bit of payload or checksum is found")
    func checksum() {
        let whole = frame("hello, this is a payload")
        for bit in 4 * 8..<whole.readableBytes * 8 {
            var damaged = whole
            let byte = damaged.getInteger(at: bit / 8, as: UInt8.self) ?? 0
            damaged.setInteger(byte ^ 1 << UInt8(bit % 8), at: bit / 8)
            #expect(throws: WireDecodeError.badChecksum) { try Frame.read(from: &damaged) }
        }
    }

    @Test("an oversized length is refused before its bytes arrive")
    func oversize() throws {
        var huge = ByteBuffer(integer: UInt32.max)
        #expect(
            throws: WireDecodeError.frameTooLarge(
                bytes: Int(UInt32.max),
                limit: Frame.payloadMax
            )
        ) { try Frame.read(from: &huge) }

        var exact = frame("12345")
        #expect(try Frame.read(from: &exact, payloadMax: 5) == ByteBuffer(string: "12345"))
        var over = frame("123456")
        #expect(throws: WireDecodeError.frameTooLarge(bytes: 6, limit: 5)) {
            try Frame.read(from: &over, payloadMax: 5)
        }
        var longest = ByteBuffer(integer: UInt32(Frame.payloadMax))
        #expect(try Frame.read(from: &longest) == nil)
    }

    private func frame(_ text: String) -> ByteBuffer {
        var out = ByteBuffer()
        Frame.write(into: &out) { _ = $0.writeString(text) }
        return out
    }
}
