import HengeBase
import HengeMessages
import HengeNode
import Testing

/// Explanations of requests that are handed on: a leg for each node.
@Suite struct ExplainedForwardTests {
    let k = key("k")

    /// Five nodes; the replicas of `k` in order of preference, and a node that is none.
    private func cluster() throws -> (Cluster, replicas: [Int], outsider: Int) {
        let cluster = try Cluster(nodes: 5)
        let list = cluster.ring.preferenceList(of: k.token)
        let replicas = (0..<list.count).map { Int(list[$0].rawValue) }
        let outsider = (1...5).first { !replicas.contains($0) } ?? 0
        cluster.set(k, "v", at: replicas[0], .all)
        return (cluster, replicas, outsider)
    }

    @Test("both nodes tell: the one asked of the way, the coordinator of what it did")
    func story() throws {
        let (cluster, replicas, outsider) = try cluster()
        cluster.forgetSent()
        let ticket = cluster.request(.read, k, at: outsider, read: .one, explained: true)
        cluster.run()
        let explanation = try #require(cluster.explanation(ticket))
        #expect(explanation.legs.map(\.node) == [outsider, replicas[0]].map { NodeID(UInt16($0)) })
        #expect(explanation.legs.allSatisfy { !$0.isCut })
        let (a, b) = (outsider, replicas[0])
        #expect(
            spell(explanation) == [
                "\(a): forwards to \(b)", "\(a): answered by \(b)", "\(a): replies",
                "\(b): coordinates r1 w0", "\(b): asks \(b) object", "\(b): \(b) answers object 1",
                "\(b): replies",
            ]
        )
        #expect(cluster.answer(ticket) == "v")
        #expect(
            cluster.sent == ["\(a)→\(b) forward", "\(b)→\(a) forwarded", "\(b)→\(a) explained"])
        #expect(cluster.isQuiet)
    }

    @Test(
        "the answer comes when it is there; the explanation waits for the slow replica's deadline")
    func slowReplica() throws {
        let (cluster, replicas, outsider) = try cluster()
        cluster.holds = { $0.isMessage("stored", from: replicas[2]) }
        let write = ClientRequest.Operation.write(.value("w"))
        let ticket = cluster.request(write, k, at: outsider, explained: true)
        cluster.run()
        #expect(cluster.sent.contains("\(replicas[0])→\(outsider) forwarded"))
        #expect(cluster.answer(ticket) == nil)
        cluster.pass(milliseconds: 500)
        #expect(cluster.answer(ticket) == "OK")
        let explanation = try #require(cluster.explanation(ticket))
        #expect(explanation.legs[0].replied?.after == .zero)
        #expect(spell(explanation).last == "\(replicas[0]): hint for \(replicas[2]) kept")
        cluster.release()
        cluster.settle()
        #expect(cluster.isQuiet)
    }

    @Test("who has answered and then says nothing more is not waited for longer than a while")
    func silent() throws {
        for dies in [false, true] {
            let (cluster, replicas, outsider) = try cluster()
            cluster.holds = { $0.isMessage("explained") }
            let ticket = cluster.request(.read, k, at: outsider, read: .one, explained: true)
            cluster.run()
            #expect(cluster.answer(ticket) == nil)
            if dies {
                cluster.take(down: replicas[0])
            } else {
                cluster.pass(milliseconds: 590)
                #expect(cluster.answer(ticket) == nil)
                cluster.pass(milliseconds: 10)
            }
            #expect(cluster.answer(ticket) == "v")
            let explanation = try #require(cluster.explanation(ticket))
            #expect(explanation.legs.count == 1 && explanation.legs[0].isCut)
            if dies { cluster.bring(up: replicas[0]) }
            cluster.release()
            cluster.settle()
            #expect(cluster.replies[ticket.rawValue]?.count == 1)
            #expect(cluster.isQuiet)
        }
    }

    @Test("a node that is lost before it answers is told of, and the next one's leg is there")
    func lost() throws {
        let (cluster, replicas, outsider) = try cluster()
        cluster.holds = { $0.isMessage("forward", to: replicas[0]) }
        let ticket = cluster.request(.read, k, at: outsider, read: .one, explained: true)
        cluster.run()
        cluster.take(down: replicas[0])
        cluster.run()
        let steps = spell(try #require(cluster.explanation(ticket)))
        let a = outsider
        #expect(
            steps.prefix(4) == [
                "\(a): forwards to \(replicas[0])", "\(a): loses \(replicas[0])",
                "\(a): forwards to \(replicas[1])", "\(a): answered by \(replicas[1])",
            ]
        )
        #expect(steps.contains("\(replicas[1]): coordinates r1 w0"))
        #expect(cluster.node(outsider).shard.workInFlight == 0)
    }

    @Test("a forwarded read that is hedged tells so, and has the leg of the one that answered")
    func hedge() throws {
        let (cluster, replicas, outsider) = try cluster()
        for _ in 0..<20 { cluster.get(k, at: outsider) }
        cluster.holds = { $0.isMessage("forward", to: replicas[0]) }
        let ticket = cluster.request(.read, k, at: outsider, explained: true)
        cluster.run()
        cluster.pass(milliseconds: 10)
        let explanation = try #require(cluster.explanation(ticket))
        let hedge = try #require(explanation.legs.last?.node.rawValue)
        #expect(spell(explanation).contains("\(outsider): hedges to \(hedge)"))
        #expect(replicas.dropFirst().contains(Int(hedge)))
        cluster.release()
        #expect(cluster.isQuiet)
    }

    @Test("one id sent twice, explained and not, is answered twice and nothing traps")
    func twice() throws {
        let (cluster, replicas, outsider) = try cluster()
        let id = RequestID(rawValue: 1 << 33)
        for isExplained in [false, true, true] {
            let request = ClientRequest(
                key: k,
                operation: .read,
                levels: ConsistencyLevels(read: .quorum, write: .quorum),
                timeout: .milliseconds(500),
                isExplained: isExplained
            )
            let message = PeerMessage.forward(id, request, epoch: 1)
            let sender = NodeID(UInt16(outsider))
            cluster.step(NodeID(UInt16(replicas[0])), .message(from: sender, message))
        }
        cluster.forgetSent()
        cluster.run()
        #expect(cluster.sent.count { $0.hasSuffix("forwarded") } == 3)
        #expect(cluster.sent.count { $0.hasSuffix("explained") } == 1)
        #expect(cluster.isQuiet)
    }

    @Test("what a node that was not asked tells is dropped, and so is more than there is room for")
    func hostile() throws {
        let (cluster, replicas, outsider) = try cluster()
        let entry = NodeID(UInt16(outsider))
        cluster.holds = { $0.isMessage("explained") }
        let ticket = cluster.request(.read, k, at: outsider, read: .one, explained: true)
        cluster.run()
        guard case .message(let sender, _, .explained(let id, _))? = cluster.held.last else {
            Issue.record("nothing is told")
            return
        }
        let leg = Explanation.Leg(node: NodeID(9), epoch: 1)
        let stranger = NodeID(UInt16(replicas[1]))
        let one = PeerMessage.explained(id, Explanation(legs: [leg]))
        cluster.step(entry, .message(from: stranger, one))
        let other = RequestID(rawValue: id.rawValue &+ 32)
        cluster.step(entry, .message(from: sender, .explained(other, Explanation(legs: [leg]))))
        #expect(cluster.answer(ticket) == nil)
        let legs = Array(repeating: leg, count: Explanation.legsMax)
        cluster.step(entry, .message(from: sender, .explained(id, Explanation(legs: legs))))
        let explanation = try #require(cluster.explanation(ticket))
        #expect(explanation.legs.count == Explanation.legsMax && explanation.legs[0].isCut)
        cluster.release()
        #expect(cluster.replies[ticket.rawValue]?.count == 1 && cluster.isQuiet)
    }
}
