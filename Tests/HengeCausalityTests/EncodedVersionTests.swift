import HengeBase
import HengeCausality
import Testing

import struct NIOCore.ByteBuffer

@Suite struct EncodedVersionTests {
    @Test("a version says of an object what its header says, whatever length the values have")
    func generated() throws {
        for seed in UInt64(0)..<500 {
            var random = SeededGenerator(seed: seed)
            let whole = random.anyObject()
            // Not at the beginning of its memory, as one that came over a wire.
            var bytes = ByteBuffer(repeating: 9, count: random.below(9))
            bytes.moveReaderIndex(to: bytes.writerIndex)
            bytes.writeImmutableBuffer(whole.encoded().bytes)
            let object = try EncodedObject(bytes)
            let header = try #require(EncodedVersion.headerBytes(of: bytes))
            #expect(header.readableBytes == object.headerLength, "seed \(seed)")
            let version = try EncodedVersion(header)
            #expect(version.isVersion(of: object), "seed \(seed)")
            #expect(version.context == whole.context, "seed \(seed)")
            #expect(version.writes.map(\.dot) == whole.siblings.map(\.dot), "seed \(seed)")
            let timestamps = whole.siblings.map(\.timestamp)
            #expect(version.writes.map(\.timestamp) == timestamps, "seed \(seed)")
            #expect(version.siblingCount == whole.siblings.count, "seed \(seed)")
            #expect(version.holdsValue == object.holdsValue, "seed \(seed)")
            #expect(version.holdsExpiry == object.holdsExpiry, "seed \(seed)")
            #expect(version.objectLength == bytes.readableBytes, "seed \(seed)")
            let same = version.withHeaderBytes { own in
                object.withHeaderBytes { own.elementsEqual($0) }
            }
            #expect(same, "seed \(seed)")
        }
    }

    @Test("of two objects the version of one is not that of the other")
    func others() throws {
        let first = VersionedObject(context: vector(dot(1, 1)), siblings: [value(dot(1, 1), "a")])
        let second = VersionedObject(context: vector(dot(1, 2)), siblings: [value(dot(1, 2), "a")])
        let header = try #require(EncodedVersion.headerBytes(of: first.encoded().bytes))
        let version = try EncodedVersion(header)
        #expect(version.isVersion(of: first.encoded()))
        #expect(!version.isVersion(of: second.encoded()))
    }

    @Test("what is no header is an error: a part of one, one with more behind it, anything")
    func garbage() throws {
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            let bytes = random.anyObject().encoded().bytes
            let header = try #require(EncodedVersion.headerBytes(of: bytes))
            for length in 0..<header.readableBytes {
                let part = try #require(header.getSlice(at: header.readerIndex, length: length))
                #expect(throws: ObjectDecodeError.self) { try EncodedVersion(part) }
            }
            var longer = header
            longer.writeInteger(UInt8(0))
            #expect(throws: ObjectDecodeError.self) { try EncodedVersion(longer) }
            let noise = ByteBuffer(bytes: random.anyBytes(count: random.below(60)))
            if let found = EncodedVersion.headerBytes(of: noise) {
                #expect(throws: ObjectDecodeError.self) { try EncodedVersion(found) }
            }
        }
    }

    @Test("what can't hold a header has none")
    func tooShort() {
        let cases: [[UInt8]] = [
            [], [1], [1, 0, 0, 0], [1, 0, 0, 0, 4], [1, 0, 0, 0, 6], [1, 255, 255, 255, 255, 0],
        ]
        for bytes in cases {
            #expect(EncodedVersion.headerBytes(of: ByteBuffer(bytes: bytes)) == nil, "\(bytes)")
        }
    }
}
