import HengeBase
import HengeCausality
import HengeMessages
import Testing

import struct NIOCore.ByteBuffer

@Suite struct VersionDigestTests {
    @Test("digests are equal exactly when versions are, whatever the values")
    func versions() {
        var objects: [EncodedObject] = []
        for seed in UInt64(0)..<60 {
            var random = SeededGenerator(seed: seed)
            objects.append(random.anyObject())
        }
        for a in objects {
            #expect(VersionDigest(of: a) != .absent)
            for b in objects {
                #expect((VersionDigest(of: a) == VersionDigest(of: b)) == a.hasSameVersion(as: b))
            }
        }
        #expect(VersionDigest(of: nil) == .absent)
        #expect(VersionDigest(of: VersionedObject().encoded()) != .absent)
    }

    @Test("a digest hashes the header alone")
    func headerAlone() {
        func digest(_ text: String) -> VersionDigest {
            let dot = Dot(actor: ActorID(rawValue: 1), counter: 1)
            var object = VersionedObject()
            let payload = Sibling.Payload.value(ByteBuffer(string: text))
            object.write(
                Sibling(dot: dot, timestamp: .zero, expiry: nil, payload: payload),
                replacing: VersionVector()
            )
            return VersionDigest(of: object.encoded())
        }
        #expect(digest("one") == digest("two"))
        #expect(digest("one") != digest("three"))
    }

    @Test("the same merges give the same digest on every replica")
    func merged() throws {
        for seed in UInt64(0)..<100 {
            var random = SeededGenerator(seed: seed)
            let a = random.anyObject().decoded()
            let b = random.anyObject().decoded()
            var here = a
            here.merge(b)
            var there = b
            there.merge(a)
            try #require(
                VersionDigest(of: here.encoded()) == VersionDigest(of: there.encoded()),
                "seed \(seed)"
            )
        }
    }
}
