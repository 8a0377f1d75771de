import HengeBase
import HengeMessages
import HengeNode
import Testing

@Suite struct HedgingTests {
    let k = key("k")

    /// A cluster whose node 1 has read often enough to be allowed a hedge, and to know that reads
    /// take no time.
    private func cluster(_ change: (inout ShardConfiguration) -> Void = { _ in }) throws -> Cluster
    {
        var configuration = ShardConfiguration()
        change(&configuration)
        let cluster = try Cluster(configuration: configuration)
        cluster.set(k, "v", .all)
        for _ in 0..<20 { cluster.get(k) }
        return cluster
    }

    private func wake(_ cluster: Cluster) -> Instant? { cluster.node(1).shard.nextWake }

    @Test("a read that lags asks the third replica, which makes the answer; nothing is left over")
    func story() throws {
        let cluster = try cluster()
        cluster.holds = { $0.isMessage("fetched") }
        let ticket = cluster.request(.read, k)
        cluster.run()
        #expect(wake(cluster) == cluster.now + .milliseconds(10))
        cluster.pass(milliseconds: 9)
        #expect(cluster.node(1).shard.counters.hedges == 0)
        let before = cluster.sent.count
        cluster.holds = { _ in false }
        cluster.pass(milliseconds: 1)
        #expect(cluster.sent.dropFirst(before).first?.hasSuffix("fetch digest") == true)
        #expect(cluster.answer(ticket) == "v")
        #expect(cluster.node(1).shard.counters.hedges == 1)
        #expect(cluster.node(1).shard.counters.hedgesWon == 1)
        #expect(wake(cluster) == nil)
        cluster.release()
        #expect(cluster.node(1).shard.counters.lateAnswers == 1)
        #expect(cluster.isQuiet)
    }

    @Test("no hedge: when it is off, when no other replica is up, and for a read of one replica")
    func none() throws {
        for row in 0..<3 {
            let cluster = try cluster { $0.hedgesReads = row != 0 }
            if row == 1 { cluster.take(down: 3) }
            cluster.holds = { $0.isMessage("fetched") || $0.isLoad(on: 1) }
            cluster.request(.read, k, read: row == 2 ? .one : .quorum)
            cluster.run()
            #expect(wake(cluster) == nil, "row \(row)")
            cluster.pass(milliseconds: 50)
            #expect(cluster.node(1).shard.counters.hedges == 0, "row \(row)")
            cluster.release()
            #expect(cluster.isQuiet)
        }
    }

    @Test("hedges stay within a tenth of the reads; those beyond are counted and wait")
    func budget() throws {
        let cluster = try cluster()
        cluster.holds = { $0.isMessage("fetched") }
        let tickets = (0..<10).map { _ in cluster.request(.read, k) }
        cluster.run()
        cluster.pass(milliseconds: 10)
        let counters = cluster.node(1).shard.counters
        #expect(counters.reads == 30 && counters.hedges == 3 && counters.hedgesSuppressed == 7)
        cluster.release()
        for ticket in tickets { #expect(cluster.answer(ticket) == "v") }
        #expect(cluster.isQuiet)
    }

    @Test("once reads are known to be fast, a hedge waits for a millisecond alone")
    func observedDelay() throws {
        let cluster = try cluster()
        for _ in 0..<64 { cluster.get(k) }
        cluster.holds = { $0.isMessage("fetched") }
        cluster.request(.read, k)
        #expect(wake(cluster) == cluster.now + .milliseconds(1))
    }

    @Test("a replica that lags is not asked any more; after a while it is again")
    func order() throws {
        let cluster = try cluster()
        cluster.holds = { $0.isMessage("fetch ", to: 3) }
        // In turns of their own, so that one of them asks node 3.
        for _ in 0..<2 {
            cluster.request(.read, k)
            cluster.pass(milliseconds: 1)
        }
        cluster.pass(milliseconds: 10)
        cluster.pass(milliseconds: 20)
        #expect(asked(3, by: cluster) == 0)
        cluster.release()
        #expect(asked(3, by: cluster) == 0)
        cluster.pass(milliseconds: 120_000)
        #expect(asked(3, by: cluster) >= 3)
    }

    /// How many of ten reads, each in a turn of its own, ask a node.
    private func asked(_ number: Int, by cluster: Cluster) -> Int {
        let before = cluster.sent.count
        for _ in 0..<10 {
            cluster.get(k)
            cluster.pass(milliseconds: 1)
        }
        return cluster.sent.dropFirst(before).count { $0.hasPrefix("1→\(number) fetch ") }
    }

    @Test("deadlines are looked at every 10 ms, however often hedges are due")
    func pacing() throws {
        let cluster = try cluster()
        for _ in 0..<64 { cluster.get(k) }
        cluster.holds = { $0.isMessage("fetched") }
        cluster.pass(milliseconds: 1)
        let ticket = cluster.request(.read, k, timeout: .milliseconds(2))
        cluster.pass(milliseconds: 1)
        cluster.request(.read, k)
        cluster.pass(milliseconds: 1)
        #expect(cluster.node(1).shard.counters.hedges == 2)
        #expect(cluster.answer(ticket) == nil)
        cluster.pass(milliseconds: 9)
        #expect(cluster.answer(ticket) == "TIMEOUT required=2 received=1")
    }

    // MARK: Forwarded reads

    /// Five nodes; the replicas of `k` in order, and one that is none and has handed on 20 reads.
    private func forwarding() throws -> (Cluster, replicas: [Int], outsider: Int) {
        let cluster = try Cluster(nodes: 5)
        let list = cluster.ring.preferenceList(of: k.token)
        let replicas = (0..<list.count).map { Int(list[$0].rawValue) }
        let outsider = (1...5).first { !replicas.contains($0) } ?? 0
        cluster.set(k, "v", at: replicas[0], .all)
        for _ in 0..<20 { cluster.get(k, at: outsider) }
        return (cluster, replicas, outsider)
    }

    @Test("a read that was handed on and lags is handed to a second node; a write never is")
    func forwards() throws {
        let (cluster, replicas, outsider) = try forwarding()
        cluster.holds = { $0.isMessage("forward", to: replicas[0]) }
        let write = cluster.request(.write(.value("w")), k, at: outsider)
        let read = cluster.request(.read, k, at: outsider)
        cluster.run()
        cluster.pass(milliseconds: 10)
        #expect(cluster.answer(read) == "v")
        #expect(cluster.answer(write) == nil)
        #expect(cluster.node(outsider).shard.counters.hedges == 1)
        #expect(cluster.node(outsider).shard.counters.hedgesWon == 1)
        #expect(cluster.get(k, at: outsider) == "v", "not handed to the one that lags")
        cluster.release()
        #expect(cluster.answer(write) == "OK")
        #expect(cluster.node(outsider).shard.counters.lateAnswers == 1)
        #expect(cluster.isQuiet)
    }

    @Test("of two nodes that a read was handed to, one may be lost or fail")
    func forwardsLost() throws {
        for lost in 0..<3 {
            let (cluster, replicas, outsider) = try forwarding()
            cluster.holds = { $0.isMessage("forward") }
            let read = cluster.request(.read, k, at: outsider, read: .one)
            cluster.run()
            cluster.pass(milliseconds: 10)
            #expect(cluster.node(outsider).shard.counters.hedges == 1)
            if lost < 2 {
                cluster.take(down: replicas[lost])
            } else if case .message(_, let second, .forward(let id, _, _))? = cluster.held.last {
                let failure = RequestFailure.unavailable(required: 1, alive: 0)
                let message = PeerMessage.forwarded(id, .failed(failure))
                cluster.step(NodeID(UInt16(outsider)), .message(from: second, message))
            }
            #expect(cluster.answer(read) == nil)
            cluster.release()
            #expect(cluster.answer(read) == "v", "lost \(lost)")
            #expect(cluster.isQuiet)
        }
    }
}
