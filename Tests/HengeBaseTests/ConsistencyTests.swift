import HengeBase
import Testing

@Suite struct ConsistencyTests {
    @Test("how many replicas each level needs")
    func required() {
        for replicas in 1...ReplicaSet.replicasMax {
            #expect(Consistency.one.required(of: replicas) == 1)
            #expect(Consistency.all.required(of: replicas) == replicas)
            let quorum = Consistency.quorum.required(of: replicas)
            // Two quorums meet, and nothing smaller would do.
            #expect(2 * quorum > replicas && 2 * (quorum - 1) <= replicas)
        }
        #expect(Consistency.count(2).required(of: 3) == 2)
        #expect(Consistency.count(5).required(of: 3) == 5)
        #expect(Consistency.count(0).required(of: 3) == 1)
    }

    @Test("reads levels in any case, and numbers from 1 to 8")
    func parse() {
        #expect(Consistency("one") == .one && Consistency("ONE") == .one)
        #expect(Consistency("Quorum") == .quorum && Consistency("aLL") == .all)
        for n in 1...8 { #expect(Consistency(String(n)) == .count(UInt8(n))) }
        for bad in ["", "0", "9", "-1", "256", "1.0", " ONE", "TWO", "QUORUMS", "１"] {
            #expect(Consistency(bad) == nil, "\(bad)")
        }
    }

    @Test("what it prints it reads")
    func description() {
        for level in [Consistency.one, .quorum, .all, .count(1), .count(8)] {
            #expect(Consistency(level.description) == level)
        }
    }

    @Test("both levels are QUORUM when nobody says otherwise")
    func standard() {
        #expect(ConsistencyLevels.standard == ConsistencyLevels(read: .quorum, write: .quorum))
    }
}
