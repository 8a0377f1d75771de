import HengeBase
import HengeCausality
import Testing

@Suite struct VersionedObjectTests {
    @Test("a story: two clients write at once, a third reads both and settles it")
    func story() {
        var here = VersionedObject()
        var there = VersionedObject()
        here.write(value(dot(1, 5), "mine", at: 10), replacing: here.context)
        there.write(value(dot(2, 3), "yours", at: 11), replacing: there.context)

        here.merge(there)
        there.merge(here)
        #expect(here == there)
        #expect(texts(here) == ["mine", "yours"])
        #expect(here.newestLive(at: WallTime(milliseconds: 0))?.dot == dot(2, 3))

        let read = here.context
        #expect(read == vector(dot(1, 5), dot(2, 3)))
        there.write(value(dot(2, 4), "ours", at: 12), replacing: read)
        here.merge(there)
        #expect(texts(here) == ["ours"])
        #expect(here.context == vector(dot(1, 5), dot(2, 4)))
    }

    @Test("a context read before another's write leaves that write beside the new one")
    func staleContext() {
        var object = VersionedObject()
        object.write(value(dot(1, 1), "a"), replacing: object.context)
        let stale = object.context
        object.write(value(dot(1, 2), "b"), replacing: object.context)
        object.write(value(dot(1, 3), "c"), replacing: stale)
        #expect(texts(object) == ["b", "c"])
        object.write(tombstone(dot(1, 4)), replacing: VersionVector())
        #expect(texts(object) == ["b", "c", nil])
        object.write(tombstone(dot(1, 5)), replacing: object.context)
        #expect(texts(object) == [nil])
    }

    @Test("a context covers a sibling that reaches this replica only later")
    func contextAheadOfReplica() {
        var first = VersionedObject()
        first.write(value(dot(1, 1), "old"), replacing: first.context)
        var second = VersionedObject()
        second.write(value(dot(2, 1), "new"), replacing: first.context)
        #expect(texts(merged(second, first)) == ["new"])
        #expect(texts(merged(first, second)) == ["new"])
    }

    @Test("readers skip tombstones and what has expired; ties go to the greater dot")
    func newestLive() {
        let object = VersionedObject(
            context: vector(dot(1, 3), dot(2, 2)),
            siblings: [
                value(dot(1, 1), "early", at: 5),
                value(dot(1, 2), "tie", at: 7),
                value(dot(1, 3), "fleeting", at: 9, expiry: 100),
                value(dot(2, 1), "tie won", at: 7),
                tombstone(dot(2, 2), at: 20),
            ]
        )
        func newest(at milliseconds: UInt64) -> Dot? {
            object.newestLive(at: WallTime(milliseconds: milliseconds))?.dot
        }
        #expect(newest(at: 99) == dot(1, 3))
        #expect(newest(at: 100) == dot(2, 1))
        #expect(object.liveSiblings(at: WallTime(milliseconds: 100)).count == 3)
        #expect(VersionedObject().newestLive(at: WallTime(milliseconds: 0)) == nil)
    }
}
