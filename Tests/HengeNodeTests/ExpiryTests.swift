import HengeBase
import HengeMessages
import HengeNode
import Testing

/// Expiry and conditions through whole requests; the arithmetic has its table in
/// `MutationPlanTests`.
@Suite struct ExpiryTests {
    let k = key("k")

    private func wall(_ cluster: Cluster, after milliseconds: Int64) -> WallTime {
        WallTime(milliseconds: UInt64(cluster.wallMilliseconds + milliseconds))
    }

    @Test("an expired value is a tombstone to readers, on every replica, and can be written over")
    func story() throws {
        let cluster = try Cluster()
        let mutation = Mutation.value("v", expiry: .at(wall(cluster, after: 100)))
        cluster.ask(.write(mutation), k)
        #expect(cluster.get(k) == "v")
        cluster.pass(milliseconds: 99)
        #expect(cluster.get(k) == "v")
        cluster.pass(milliseconds: 1)
        for number in 1...3 { #expect(cluster.get(k, at: number) == "gone") }
        let absent = Mutation.value("new", condition: .absent)
        #expect(cluster.ask(.write(absent), k) == "OK")
        #expect(cluster.get(k, .all) == "new")
    }

    @Test("SET NX, SET XX, GETSET and their previous values, at a replica that missed the write")
    func conditions() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        cluster.set(k, "v")
        cluster.bring(up: 3)
        let absent = Mutation.value("nx", condition: .absent, returnsPrevious: true)
        #expect(cluster.ask(.write(absent), k, at: 3) == "not applied, is v")
        let present = Mutation.value("xx", condition: .present)
        #expect(cluster.ask(.write(present), k, at: 3) == "OK")
        let swap = Mutation.value("next", returnsPrevious: true)
        #expect(cluster.ask(.write(swap), k, at: 2) == "OK, was xx")
        #expect(cluster.get(k, .all) == "next")
        let other = key("other")
        #expect(cluster.ask(.write(present), other) == "not applied")
        #expect(cluster.ask(.write(.value("v", returnsPrevious: true)), other) == "OK")
        #expect(cluster.isQuiet)
    }

    @Test("of two swaps in one turn the second finds the value of the first, not that of its read")
    func swapsInOneTurn() throws {
        let cluster = try Cluster()
        cluster.set(k, "v", .all)
        let first = cluster.request(.write(.value("a", returnsPrevious: true)), k)
        let second = cluster.request(.write(.value("b", returnsPrevious: true)), k)
        cluster.run()
        #expect(cluster.answer(first) == "OK, was v")
        #expect(cluster.answer(second) == "OK, was a")
        #expect(cluster.get(k, .all) == "b")
    }

    @Test("EXPIRE, PERSIST and KEEPTTL keep the value or the expiry that the newest sibling has")
    func expire() throws {
        let cluster = try Cluster()
        #expect(cluster.ask(.write(.expire(.at(wall(cluster, after: 50)))), k) == "not applied")
        cluster.set(k, "v")
        #expect(cluster.ask(.write(.expire(.at(wall(cluster, after: 50)))), k, at: 2) == "OK")
        cluster.ask(.write(.value("w", expiry: .keep)), k, at: 3)
        #expect(cluster.get(k) == "w")
        cluster.pass(milliseconds: 50)
        #expect(cluster.get(k) == "gone")
        cluster.ask(.write(.value("x", expiry: .at(wall(cluster, after: 50)))), k)
        #expect(cluster.ask(.write(.expire(.never, .presentWithExpiry)), k) == "OK")
        let again = cluster.ask(.write(.expire(.never, .presentWithExpiry)), k)
        #expect(again == "not applied, is x")
        cluster.pass(milliseconds: 50)
        #expect(cluster.get(k) == "x")
        cluster.ask(.write(.expire(.at(wall(cluster, after: -1)))), k)
        #expect(cluster.get(k) == "gone")
    }

    @Test("EXPIRE NX XX GT LT on a key without and with an expiry, as Redis 7")
    func expireConditions() throws {
        let rows: [(Mutation.Condition, withoutExpiry: Bool, earlier: Bool, later: Bool)] = [
            (.presentWithoutExpiry, true, false, false),
            (.presentWithExpiry, false, true, true),
            (.expiryEarlier, false, true, false),
            (.expiryLater, true, false, true),
        ]
        for (condition, withoutExpiry, earlier, later) in rows {
            let cases: [(Int64?, Bool)] = [(nil, withoutExpiry), (50, earlier), (150, later)]
            for (expiry, applies) in cases {
                let cluster = try Cluster()
                let first = expiry.map { Mutation.Expiry.at(wall(cluster, after: $0)) } ?? .never
                cluster.ask(.write(.value("v", expiry: first)), k)
                let expire = Mutation.expire(.at(wall(cluster, after: 100)), condition)
                let answer = cluster.ask(.write(expire), k)
                #expect(answer == (applies ? "OK" : "not applied, is v"), "\(condition)")
            }
        }
    }

    @Test("a condition needs the read level too, before anything is written")
    func unavailable() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        let present = Mutation.value("v", condition: .absent)
        let answer = cluster.ask(.write(present), k, read: .all, write: .one)
        #expect(answer == "UNAVAILABLE required=3 alive=2")
        #expect(cluster.ask(.write(present), k, read: .quorum, write: .one) == "OK")
    }

    @Test("replicas that go down between the read and the write of a condition: UNAVAILABLE")
    func unavailableBetween() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isMessage("fetched") }
        let mutation = Mutation.value("v", condition: .absent)
        let ticket = cluster.request(.write(mutation), k, read: .quorum, write: .all)
        cluster.run()
        let asked = cluster.held.first.map { $0.isMessage("fetched", from: 2) } == true ? 2 : 3
        cluster.take(down: 5 - asked)
        cluster.release()
        #expect(cluster.answer(ticket) == "UNAVAILABLE required=3 alive=2")
        #expect((1...3).allSatisfy { cluster.stored(k, on: $0) == nil })
        #expect(cluster.isQuiet)
    }
}
