import HengeBase
import HengeMessages
import HengeNode
import Testing

@Suite struct ForwardTests {
    /// Five nodes; the replicas of `k` in order of preference, and a node that is none.
    private func cluster() throws -> (Cluster, replicas: [Int], outsider: Int) {
        let cluster = try Cluster(nodes: 5)
        let list = cluster.ring.preferenceList(of: k.token)
        let replicas = (0..<list.count).map { Int(list[$0].rawValue) }
        let outsider = (1...5).first { !replicas.contains($0) } ?? 0
        return (cluster, replicas, outsider)
    }

    let k = key("k")

    @Test("a node without a replica hands requests to one that has, and its answer back")
    func story() throws {
        let (cluster, replicas, outsider) = try cluster()
        #expect(cluster.set(k, "v", at: outsider) == "OK")
        #expect(cluster.get(k, at: outsider) == "v")
        #expect(cluster.ask(.inspect, k, at: outsider)?.contains(" v; ") == true)
        #expect(cluster.stored(k, on: outsider) == nil)
        #expect(cluster.node(outsider).shard.counters.forwarded == 3)
        #expect(cluster.node(replicas[0]).shard.counters.forwardsServed == 3)
        #expect(cluster.isQuiet)
    }

    @Test("a request to a replica is never handed on")
    func replicasServe() throws {
        let (cluster, replicas, _) = try cluster()
        for number in replicas {
            cluster.set(k, "v", at: number)
            cluster.get(k, at: number)
            #expect(cluster.node(number).shard.counters.forwarded == 0)
        }
    }

    @Test("the first replica that is up is asked; with none: UNAVAILABLE before anything is sent")
    func replicasDown() throws {
        let (cluster, replicas, outsider) = try cluster()
        cluster.set(k, "v", at: replicas[0], .all)
        cluster.take(down: replicas[0])
        #expect(cluster.get(k, at: outsider) == "v")
        #expect(cluster.node(replicas[1]).shard.counters.forwardsServed == 1)
        cluster.take(down: replicas[1])
        #expect(cluster.get(k, at: outsider) == "UNAVAILABLE required=2 alive=1")
        #expect(cluster.set(k, "w", at: outsider) == "UNAVAILABLE required=2 alive=1")
        #expect(cluster.get(k, at: outsider, .one) == "v")
        cluster.take(down: replicas[2])
        #expect(cluster.get(k, at: outsider, .one) == "UNAVAILABLE required=1 alive=0")
    }

    @Test("when the node that was asked is lost, a read goes to the next and a write is a TIMEOUT")
    func targetLost() throws {
        let (cluster, replicas, outsider) = try cluster()
        cluster.set(k, "v", at: replicas[0], .all)
        cluster.holds = { $0.isMessage("forward") }
        let read = cluster.request(.read, k, at: outsider)
        let write = cluster.request(.write(.value("w")), k, at: outsider)
        cluster.run()
        cluster.take(down: replicas[0])
        #expect(cluster.answer(write) == "TIMEOUT required=2 received=0")
        #expect(cluster.answer(read) == nil)
        cluster.run()
        cluster.release()
        #expect(cluster.answer(read) == "v")
        #expect(cluster.isQuiet)
    }

    @Test("a read that every replica was lost for is a TIMEOUT")
    func allTargetsLost() throws {
        let (cluster, replicas, outsider) = try cluster()
        cluster.holds = { $0.isMessage("forward") }
        let read = cluster.request(.read, k, at: outsider, read: .one)
        for number in replicas {
            cluster.run()
            cluster.take(down: number)
        }
        #expect(cluster.answer(read) == "TIMEOUT required=1 received=0")
    }

    @Test("no answer in time is a TIMEOUT, and the late answer is counted")
    func timeout() throws {
        let (cluster, _, outsider) = try cluster()
        cluster.holds = { $0.isMessage("forwarded") }
        let read = cluster.request(.read, k, at: outsider, timeout: .milliseconds(40))
        cluster.run()
        cluster.pass(milliseconds: 40)
        #expect(cluster.answer(read) == "TIMEOUT required=2 received=0")
        cluster.release()
        #expect(cluster.node(outsider).shard.counters.lateAnswers == 1)
    }

    @Test("a forwarded request that comes to a node without a replica does not bounce")
    func noBounce() throws {
        let (cluster, replicas, outsider) = try cluster()
        let request = ClientRequest(
            key: k,
            operation: .read,
            levels: .standard,
            timeout: .milliseconds(100)
        )
        let message = PeerMessage.forward(RequestID(rawValue: 77), request, epoch: 1)
        let sender = NodeID(UInt16(replicas[0]))
        cluster.step(NodeID(UInt16(outsider)), .message(from: sender, message))
        #expect(cluster.sent == ["\(outsider)→\(replicas[0]) forwarded"])
        #expect(cluster.isQuiet)
    }

    @Test("a forwarded request whose time has run out is dropped")
    func expired() throws {
        let (cluster, replicas, outsider) = try cluster()
        let request = ClientRequest(
            key: k,
            operation: .write(.value("v")),
            levels: .standard,
            timeout: .zero
        )
        let message = PeerMessage.forward(RequestID(rawValue: 77), request, epoch: 1)
        let target = NodeID(UInt16(replicas[0]))
        cluster.step(target, .message(from: NodeID(UInt16(outsider)), message))
        cluster.run()
        #expect(cluster.stored(k, on: replicas[0]) == nil)
        #expect(cluster.node(replicas[0]).shard.counters.expiredDropped == 1)
        #expect(cluster.isQuiet)
    }
}
