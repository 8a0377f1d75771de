import HengeBase
import HengeCausality
import Testing

import struct NIOCore.ByteBuffer

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct EncodedObjectTests {
    @Test(
        "any object survives the trip, also as a slice, and encodes to the same bytes"
    )
    func roundTrip() throws {
        for seed in UInt64(0)..<500 {
            var random = SeededGenerator(seed: seed)
            let object = random.anyObject()
            let encoded = object.encoded()
            try #require(EncodedObject(encoded.bytes) == encoded, "seed \(seed)")
            try #require(encoded.decoded() == object, "seed \(seed)")

            var surrounded = ByteBuffer(bytes: random.anyBytes(count: 1 + random.below(30)))
            let start = surrounded.writerIndex
            surrounded.writeImmutableBuffer(encoded.bytes)
            surrounded.writeInteger(UInt64.max)
            surrounded.moveReaderIndex(to: start)
            let slice = surrounded.readSlice(length: encoded.bytes.readableBytes)
            let again = try EncodedObject(try #require(slice))
            try #require(again == encoded, "seed \(seed)")
            try #require(again.decoded().encoded() == encoded, "seed \(seed)")
        }
    }

    @Test("what is read lazily equals what the decoded object says")
    func lazyReads() throws {
        for seed in UInt64(0)..<500 {
            var random = SeededGenerator(seed: seed)
            let object = random.anyObject()
            let encoded = object.encoded()
            try #require(encoded.context == object.context, "seed \(seed)")
            try #require(encoded.siblingCount == object.siblings.count, "seed \(seed)")
            try #require(
                encoded.holdsValue == texts(object).contains { $0 != nil },
                "seed \(seed)"
            )
            try #require(
                encoded.latestTimestamp == object.siblings.map(\.timestamp).max() ?? .zero,
                "seed \(seed)"
            )
            let expiries = object.siblings.compactMap(\.expiry)
            try #require(encoded.holdsExpiry == !expiries.isEmpty, "seed \(seed)")
            for wall in expiries + [WallTime(milliseconds: 0), WallTime(milliseconds: .max)] {
                let newest = object.newestLive(at: wall)
                let lazy = encoded.newestLive(at: wall)
                try #require(lazy?.value == newest?.value(at: wall), "seed \(seed)")
                try #require(lazy?.timestamp == newest?.timestamp, "seed \(seed)")
                try #require(lazy?.expiry == newest?.expiry, "seed \(seed)")
                try #require(encoded.isLive(at: wall) == (newest != nil), "seed \(seed)")
                try #require(
                    encoded.liveCount(at: wall) == object.liveSiblings(at: wall).count,
                    "seed \(seed)"
                )
            }
        }
    }

    @Test("one supersedes another by their headers if it does by what they hold")
    func supersedes() throws {
        var superseding = 0
        var pairs = 0
        for seed in UInt64(0)..<500 {
            var random = SeededGenerator(seed: seed)
            let old = random.anyObject()
            var others = [random.anyObject(), old, VersionedObject()]
            for replacing in [old.context, VersionVector()] {
                var new = old
                let actor = old.context.entries.randomElement(using: &random)?.actor
                let own = ActorID(rawValue: random.next())
                for writer in [actor ?? own, own] {
                    let next = Dot(actor: writer, counter: new.context.counter(of: writer) + 1)
                    guard next.counter > 1 || !old.context.covers(next) else { continue }
                    new.write(value(next, "new"), replacing: replacing)
                    others.append(new)
                }
            }
            for new in others {
                for (a, b) in [(new, old), (old, new)] {
                    let isNews = a.siblings.allSatisfy { !b.context.covers($0.dot) }
                    let expected = isNews && a.context.descends(from: b.context)
                    let found = a.encoded().supersedes(b.encoded())
                    try #require(found == expected, "seed \(seed)")
                    if found { try #require(merged(b, a) == a, "seed \(seed)") }
                    superseding += found ? 1 : 0
                    pairs += 1
                }
            }
        }
        #expect(superseding > pairs / 10 && superseding < pairs / 2)
    }

    @Test("objects that differ in a value's bytes alone have equal headers and so the same version")
    func valuesAreNotInTheHeader() {
        let context = vector(dot(1, 2))
        func object(_ text: String) -> EncodedObject {
            VersionedObject(context: context, siblings: [value(dot(1, 2), text)]).encoded()
        }
        let one = object("one")
        #expect(one.hasSameVersion(as: object("two")))
        #expect(one != object("two"))
        #expect(!one.hasSameVersion(as: object("three")))
        one.withHeaderBytes { header in
            #expect(header.count == one.headerLength)
            #expect(header.elementsEqual(one.bytes.readableBytesView.prefix(header.count)))
            object("two").withHeaderBytes { #expect(header.elementsEqual($0)) }
        }
    }

    @Test("checking an object and reading its version touches no byte after the header")
    func headerAlone() throws {
        for seed in UInt64(0)..<100 {
            var random = SeededGenerator(seed: seed)
            let encoded = random.anyObject().encoded()
            let memory = try GuardedMemory(
                accessible: encoded.headerLength,
                total: encoded.bytes.readableBytes
            )
            encoded.withHeaderBytes { memory.accessible.copyMemory(from: $0) }
            // Touching a value would end this process: its pages can't be read.
            let shape = try EncodedObject.check(memory.bytes)
            try #require(shape.headerLength == encoded.headerLength, "seed \(seed)")
            try #require(shape.siblingCount == encoded.siblingCount, "seed \(seed)")
            var header = try HeaderReader(memory.bytes)
            try #require(header.readContext() == encoded.context, "seed \(seed)")
        }
    }

    /// Memory of which the first bytes can be used and the rest lies on pages that fault when
    /// touched.
    private final class GuardedMemory {
        private let base: UnsafeMutableRawPointer
        private let mappedLength: Int
        private let start: Int
        private let accessibleLength: Int
        private let total: Int

        init(accessible: Int, total: Int) throws {
            let page = Int(sysconf(Int32(_SC_PAGESIZE)))
            let open = (accessible + page - 1) / page * page
            let closed = (total - accessible + page) / page * page
            mappedLength = open + closed
            let flags = MAP_PRIVATE | MAP_ANONYMOUS
            let mapped = mmap(nil, mappedLength, PROT_READ | PROT_WRITE, flags, -1, 0)
            base = try #require(mapped != MAP_FAILED ? mapped : nil)
            try #require(mprotect(base + open, closed, PROT_NONE) == 0)
            start = open - accessible
            accessibleLength = accessible
            self.total = total
        }

        var accessible: UnsafeMutableRawBufferPointer {
            UnsafeMutableRawBufferPointer(start: base + start, count: accessibleLength)
        }

        var bytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: base + start, count: total)
        }

        deinit {
            munmap(base, mappedLength)
        }
    }
}
