import HengeBase
import HengeMembership
import NIOCore
import Testing

@Suite struct LifeTests {
    private let members = MemberIndex((1...3).map { NodeID($0) })

    @Test("a life is the number of its start, and chance below it")
    func life() {
        let life = Life.make(start: 5, chance: .max)
        #expect(life == 0x05FF_FFFF && Life.start(of: life) == 5)
        #expect(Life.make(start: 6, chance: 0) > life)
        #expect(Life.start(of: .max) == 1 << 40 - 1)
    }

    @Test("the ledger knows the present life and the highest other")
    func ledger() {
        var ledger = LifeLedger(members: members, saved: nil)
        func met(_ life: UInt64, changes: Bool, other: UInt64) {
            #expect(ledger.met(life, of: 1) == changes)
            #expect(ledger.highestOther(of: 1) == other)
        }
        met(10, changes: true, other: 0)
        met(10, changes: false, other: 0)
        met(20, changes: true, other: 10)
        met(5, changes: true, other: 20)
        met(6, changes: true, other: 20)
        met(20, changes: true, other: 6)
        met(30, changes: true, other: 20)
        #expect(ledger.highestOther(of: 2) == 0)
    }

    @Test("the ledgers of two shards together know all that one of them does")
    func merging() {
        func ledger(_ lives: [UInt64]) -> LifeLedger {
            var ledger = LifeLedger(members: members, saved: nil)
            for life in lives { _ = ledger.met(life, of: 1) }
            return ledger
        }
        let cases: [(own: [UInt64], theirs: [UInt64], present: UInt64, other: UInt64)] = [
            ([], [], 0, 0), ([], [3, 5], 5, 3), ([3, 5], [], 5, 3), ([5], [5], 5, 0),
            ([4, 5], [3, 5], 5, 4), ([3, 5], [4, 5], 5, 4), ([5], [7], 5, 7),
            ([2, 5], [9, 1], 5, 9),
        ]
        for (own, theirs, present, other) in cases {
            var all = ledger(own)
            all.merge(ledger(theirs))
            #expect(all.present(of: 1) == present, "\(own) \(theirs)")
            #expect(all.highestOther(of: 1) == other, "\(own) \(theirs)")
            #expect(all.present(of: 2) == 0 && all.highestOther(of: 2) == 0)
        }
    }

    @Test("it comes back as it was saved; strangers and torn bytes are left out")
    func saved() {
        var ledger = LifeLedger(members: members, saved: nil)
        _ = ledger.met(10, of: 1)
        _ = ledger.met(20, of: 1)
        _ = ledger.met(7, of: 2)
        let bytes = ledger.encoded()
        var again = LifeLedger(members: members, saved: bytes)
        #expect(again.highestOther(of: 1) == 10 && again.highestOther(of: 2) == 0)
        #expect(!again.met(20, of: 1) && !again.met(7, of: 2))
        let fewer = LifeLedger(members: MemberIndex([NodeID(1), NodeID(3)]), saved: bytes)
        #expect(fewer.highestOther(of: 1) == 0)
        for length in 0..<bytes.readableBytes {
            let torn = LifeLedger(members: members, saved: bytes.getSlice(at: 0, length: length))
            #expect(torn.highestOther(of: 1) == (length >= 19 ? 10 : 0))
        }
        var dice = SeededGenerator(seed: 1)
        for _ in 0..<1000 {
            let noise = (0..<dice.below(100)).map { _ in UInt8(truncatingIfNeeded: dice.next()) }
            _ = LifeLedger(members: members, saved: ByteBuffer(bytes: [1] + noise))
        }
    }

    @Test("the data is the newest when all have answered and met no later start")
    func verdicts() {
        let own = Life.make(start: 7, chance: 9)
        var check = CopyCheck(life: own, own: 0, members: 3)
        #expect(check.verdict == nil)
        #expect(check.answered(1, otherLife: 0) == nil)
        #expect(check.answered(1, otherLife: Life.make(start: 6, chance: .max)) == nil)
        #expect(check.answered(2, otherLife: 0) == true)
        #expect(check.answered(2, otherLife: 0) == nil, "said once")
        #expect(check.answered(1, otherLife: Life.make(start: 7, chance: 0)) == false)
        #expect(check.answered(1, otherLife: 0) == nil && check.verdict == false)
    }

    @Test("who goes away is asked again, until there is a verdict")
    func disconnected() {
        var check = CopyCheck(life: Life.make(start: 7, chance: 9), own: 0, members: 3)
        #expect(check.answered(1, otherLife: 0) == nil)
        check.disconnected(1)
        check.disconnected(1)
        #expect(check.answered(2, otherLife: 0) == nil)
        #expect(check.answered(1, otherLife: 0) == true)
        check.disconnected(1)
        #expect(check.verdict == true)
    }

    @Test("what is known of those that stay is kept when members come and go")
    func moved() {
        let newer = MemberIndex([2, 3, 4].map { NodeID($0) })
        var ledger = LifeLedger(members: members, saved: nil)
        for life in UInt64(10)...11 { _ = ledger.met(life, of: 1) }
        _ = ledger.met(7, of: 0)
        ledger.move(to: newer)
        #expect(ledger.present(of: 0) == 11 && ledger.highestOther(of: 0) == 10)
        #expect(ledger.present(of: 1) == 0 && ledger.present(of: 2) == 0)
        _ = ledger.met(5, of: 2)
        let again = LifeLedger(members: newer, saved: ledger.encoded())
        #expect(again.present(of: 2) == 5 && again.highestOther(of: 0) == 10)
    }

    @Test("who has left is not waited for any more; who has come is asked while it matters")
    func movedCheck() {
        let three = MemberIndex([1, 2, 3].map { NodeID($0) })
        let two = MemberIndex([1, 2].map { NodeID($0) })
        let four = MemberIndex([1, 2, 3, 4].map { NodeID($0) })
        var check = CopyCheck(life: Life.make(start: 7, chance: 9), own: 0, members: 3)
        #expect(check.answered(1, otherLife: 0) == nil)
        // The new one may have met a later life of a node that is an old copy.
        #expect(check.move(from: three, to: four) == nil)
        #expect(check.answered(2, otherLife: 0) == nil && check.verdict == nil)
        #expect(check.move(from: four, to: two) == true && check.verdict == true)
        #expect(check.move(from: two, to: three) == nil && check.verdict == true)
        #expect(check.answered(2, otherLife: Life.make(start: 8, chance: 0)) == false)
    }

    @Test("one later start is enough to know an old copy; a node alone knows at once")
    func early() {
        var check = CopyCheck(life: Life.make(start: 7, chance: 9), own: 1, members: 3)
        #expect(check.answered(0, otherLife: .max) == false)
        #expect(check.answered(2, otherLife: 0) == nil && check.verdict == false)
        #expect(CopyCheck(life: 1, own: 0, members: 1).verdict == true)
    }
}
