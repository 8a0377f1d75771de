import HengeBase
import HengeCausality
import Testing

import struct NIOCore.ByteBuffer

/// Bytes of format version 1, put together from the layout's description by other means. If one of
/// these fails, data on disks and contexts in clients' hands have become unreadable: raise the
/// format instead.
@Suite struct FormatGoldenTests {
    private static let objectBytes =
        "01" + "00000044"  // format, header length 68
        + "02"  // entries
        + "0000000000000001" + "ac02"
        + "fedcba9876543210" + "07"
        + "03"  // siblings
        + "00" + "ac02" + "0123456789ab0001" + "00" + "05"  // a value of 5 bytes
        + "01" + "06" + "0123456789ab0001" + "01"  // a tombstone
        + "01" + "07" + "0123456789ab0001" + "02" + "80d095ffbc31" + "00"  // empty, expires
        + "68656c6c6f"  // hello

    private static let contextText = "Acr-ur4CAAAAAAAAAAGsAv7cuph2VDIQBx_f7mw"

    private let far = UInt64(0xFEDC_BA98_7654_3210)
    private let timestamp = UInt64(0x0123_4567_89AB_0001)

    private var object: VersionedObject {
        VersionedObject(
            context: vector(dot(1, 300), dot(far, 7)),
            siblings: [
                value(dot(1, 300), "hello", at: timestamp),
                tombstone(dot(far, 6), at: timestamp),
                value(dot(far, 7), "", at: timestamp, expiry: 1_700_000_000_000),
            ]
        )
    }

    @Test("an object of format 1 has these bytes, and they decode to it")
    func objectGolden() throws {
        let encoded = object.encoded()
        #expect(hex(encoded.bytes) == FormatGoldenTests.objectBytes)
        #expect(encoded.headerLength == 68)
        let bytes = try #require(unhex(FormatGoldenTests.objectBytes))
        #expect(try EncodedObject(bytes).decoded() == object)
    }

    /// Raise the format instead of changing these, too.
    private static let describedBytes =
        "02" + "00000029"  // format, header length 41
        + "01" + "0000000000000001" + "07"  // an entry
        + "02"  // siblings
        + "00" + "06" + "0123456789ab0001" + "00" + "02"  // a value of 2 bytes
        + "00" + "07" + "0123456789ab0001" + "04" + "05" + "03"  // 5, and 3 of metadata
        + "6869" + "68656c6c6f" + "747874"  // hi, hello, txt

    @Test("an object with metadata is of format 2 and has these bytes, and they decode to it")
    func describedGolden() throws {
        let object = VersionedObject(
            context: vector(dot(1, 7)),
            siblings: [
                value(dot(1, 6), "hi", at: timestamp),
                value(dot(1, 7), "hello", at: timestamp, metadata: "txt"),
            ]
        )
        let encoded = object.encoded()
        #expect(hex(encoded.bytes) == FormatGoldenTests.describedBytes)
        let bytes = try #require(unhex(FormatGoldenTests.describedBytes))
        let decoded = try EncodedObject(bytes)
        #expect(decoded.decoded() == object)
        #expect(
            decoded.newestLive(at: WallTime(milliseconds: 0)).map { String(buffer: $0.value) }
                == "hello")
    }

    @Test("a context of format 1 has this text, and it decodes to it")
    func contextGolden() throws {
        let vector = object.context
        #expect(CausalContext.encode(vector, key: 0xCAFE_BABE) == FormatGoldenTests.contextText)
        let text = ByteBuffer(string: FormatGoldenTests.contextText)
        let decoded = try CausalContext.decode(text)
        #expect(decoded.vector == vector)
        #expect(decoded.belongs(to: 0xCAFE_BABE))
    }

    private func unhex(_ text: String) -> ByteBuffer? {
        var rest = Substring(text)
        var bytes = ByteBuffer()
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            bytes.writeInteger(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
