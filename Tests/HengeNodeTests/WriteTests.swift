import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import Testing

import struct NIOCore.ByteBuffer

@Suite struct WriteTests {
    let k = key("k")

    @Test("a write is acknowledged when W replicas hold it durably, and reaches the rest")
    func story() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isPersist(on: 3) || $0.isPersist(on: 1) }
        let ticket = cluster.request(.write(.value("v")), k)
        cluster.run()
        #expect(cluster.stored(k, on: 2) == "v")
        #expect(cluster.answer(ticket) == nil)
        cluster.release()
        #expect(cluster.answer(ticket) == "OK")
        #expect((1...3).allSatisfy { cluster.stored(k, on: $0) == "v" })
        #expect(cluster.isQuiet)
    }

    @Test("level × replicas up: stored on all that are up, or UNAVAILABLE and written nowhere")
    func levels() throws {
        let levels: [(Consistency, Int)] = [
            (.one, 1), (.quorum, 2), (.all, 3), (.count(2), 2), (.count(3), 3), (.count(5), 5),
        ]
        for (level, required) in levels {
            for alive in 1...3 {
                let cluster = try Cluster()
                for number in 0..<(3 - alive) { cluster.take(down: 3 - number) }
                let answer = cluster.set(k, "v", level)
                let holders = (1...3).count { cluster.stored(k, on: $0) == "v" }
                if required <= alive {
                    #expect(answer == "OK")
                    #expect(holders == alive)
                } else {
                    #expect(answer == "UNAVAILABLE required=\(required) alive=\(alive)")
                    #expect(holders == 0 && cluster.sent.isEmpty)
                }
                #expect(cluster.isQuiet)
            }
        }
    }

    @Test("replicas that go down while the record is read make it UNAVAILABLE, not a lost write")
    func unavailableAfterTheLoad() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isLoad(on: 1) }
        let ticket = cluster.request(.write(.value("v")), k)
        cluster.run()
        cluster.take(down: 2)
        cluster.take(down: 3)
        cluster.release()
        #expect(cluster.answer(ticket) == "UNAVAILABLE required=2 alive=1")
        #expect(cluster.stored(k, on: 1) == nil)
        #expect(cluster.isQuiet)
    }

    @Test(
        "too few acknowledgements in time: TIMEOUT with their number, and the write may still land"
    )
    func timeout() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isMessage("stored") }
        let ticket = cluster.request(.write(.value("v")), k, timeout: .milliseconds(30))
        cluster.run()
        cluster.pass(milliseconds: 30)
        #expect(cluster.answer(ticket) == "TIMEOUT required=2 received=1")
        #expect(cluster.node(1).shard.counters.timedOut == 1)
        cluster.release()
        #expect(cluster.node(1).shard.counters.lateAnswers == 2)
        #expect(cluster.get(k) == "v")
        #expect(cluster.isQuiet)
    }

    @Test("a peer that goes down is abandoned at once: TIMEOUT when too few are left")
    func peerDown() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isMessage("store") }
        let quorum = cluster.request(.write(.value("v")), k)
        let all = cluster.request(.write(.value("w")), key("other"), write: .all)
        cluster.run()
        cluster.take(down: 2)
        #expect(cluster.answer(quorum) == nil)
        #expect(cluster.answer(all) == "TIMEOUT required=3 received=1")
        cluster.release()
        #expect(cluster.answer(quorum) == "OK")
        #expect(cluster.isQuiet)
    }

    @Test("an acknowledgement of an earlier incarnation's write does not count for a later one")
    func incarnations() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isMessage("stored", to: 1) }
        cluster.request(.write(.value("first")), k)
        cluster.run()
        cluster.take(down: 1)
        cluster.restart(1)
        cluster.holds = { $0.isMessage("store", from: 1) }
        let ticket = cluster.request(.write(.value("second")), k)
        cluster.run()
        let late = cluster.held.filter { $0.isMessage("stored", to: 1) }
        #expect(late.count == 2)
        for case .message(let sender, let target, let message) in late {
            cluster.step(target, .message(from: sender, message))
        }
        #expect(cluster.answer(ticket) == nil)
        #expect(cluster.node(1).shard.counters.lateAnswers == 2)
    }

    @Test("acknowledgements that nobody asked for are counted and change nothing")
    func unsolicited() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        cluster.holds = { $0.isLoad(on: 1) || $0.isMessage("store") }
        let ticket = cluster.request(.write(.value("v")), k)
        cluster.run()
        cluster.release()
        cluster.holds = { $0.isMessage("store") }
        let other = cluster.request(.write(.value("w")), k)
        cluster.run()
        guard case .message(_, _, .store(let id, _, _, _, _))? = cluster.held.first else {
            Issue.record("nothing was sent to node 2")
            return
        }
        // Before its record has come, and from a replica that was not asked.
        cluster.step(NodeID(1), .message(from: NodeID(3), .stored(id, .durable)))
        cluster.step(NodeID(1), .message(from: NodeID(9), .stored(id, .durable)))
        #expect(cluster.answer(other) == nil)
        cluster.release()
        #expect(cluster.answer(ticket) == "OK" && cluster.answer(other) == "OK")
        #expect(cluster.node(1).shard.counters.lateAnswers == 2)
    }

    @Test("an answer to a write that still waits for its record changes nothing")
    func answerBeforeTheWrite() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isMessage("store", from: 1) }
        cluster.request(.write(.value("v")), k)
        cluster.run()
        guard case .message(_, _, .store(let id, _, _, _, _))? = cluster.held.first else {
            Issue.record("nothing was sent")
            return
        }
        cluster.release()
        cluster.holds = { $0.isLoad(on: 1) }
        let ticket = cluster.request(.write(.value("w")), k)
        let next = RequestID(rawValue: id.rawValue + 1 << 32)
        cluster.step(NodeID(1), .message(from: NodeID(2), .stored(next, .durable)))
        cluster.release()
        #expect(cluster.answer(ticket) == "OK")
        #expect(cluster.node(1).shard.counters.lateAnswers >= 1)
    }

    @Test("own disk × others' disks: acknowledged only by those that hold it, failures typed")
    func persistFailures() throws {
        for failing in 0..<8 {
            let cluster = try Cluster()
            cluster.pauseHints()
            cluster.fails = { id, request in
                guard case .persist = request else { return nil }
                return failing & (1 << (Int(id.rawValue) - 1)) != 0 ? .noSpace : nil
            }
            let answer = cluster.set(k, "v")
            let holders = (1...3).count { cluster.stored(k, on: $0) == "v" }
            let failed = failing.nonzeroBitCount
            #expect(holders == 3 - failed)
            if failed <= 1 {
                #expect(answer == "OK")
            } else {
                #expect(answer?.hasPrefix("STORAGE noSpace required=2 received=") == true)
            }
            let renewed = failing & 1 != 0 ? 1 : 0
            #expect(cluster.node(1).shard.counters.actorRenewals == renewed)
            #expect(cluster.isQuiet)
        }
    }

    @Test(
        "a write that failed at home is not claimed by the next: both are there"
    )
    func renewedActor() throws {
        let cluster = try Cluster()
        cluster.fails = { id, request in
            guard case .persist = request, id == NodeID(1) else { return nil }
            return .io
        }
        #expect(cluster.set(k, "first") == "OK")
        cluster.fails = { _, _ in nil }
        cluster.set(k, "second")
        #expect(cluster.get(k, .all) == "first+second")
        cluster.set(k, "third")
        #expect(cluster.get(k, .all) == "third")
    }

    @Test(
        "a record that can't be loaded fails its writes, also those that wait; nothing is written"
    )
    func loadFails() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isLoad(on: 1) }
        let tickets = (0..<3).map { cluster.request(.write(.value("\($0)")), k) }
        cluster.run()
        cluster.fails = { id, _ in id == NodeID(1) ? .io : nil }
        cluster.release()
        for ticket in tickets {
            #expect(cluster.answer(ticket) == "STORAGE io required=2 received=0")
        }
        #expect(cluster.stored(k, on: 2) == nil)
        #expect(cluster.isQuiet)
    }

    @Test("a write on a rotten record goes on under a new actor, and a read brings the rest back")
    func rotten() throws {
        let cluster = try Cluster()
        cluster.set(k, "old", .all)
        var garbage = ByteBuffer()
        garbage.writeString("garbage")
        cluster.node(1).disk[k] = garbage
        #expect(cluster.set(k, "new") == "OK")
        #expect(cluster.node(1).shard.counters.actorRenewals == 1)
        #expect(cluster.get(k, .all) == "new+old")
    }

    @Test("two writes of one key in one turn see each other: plain ones replace, blind ones stay")
    func oneTurn() throws {
        for (basis, expected) in [(Mutation.Basis.coordinator, "b"), (.nothing, "a+b")] {
            let cluster = try Cluster()
            let first = cluster.request(.write(.value("a", basis: basis)), k)
            let second = cluster.request(.write(.value("b", basis: basis)), k)
            cluster.run()
            #expect(cluster.answer(first) == "OK" && cluster.answer(second) == "OK")
            #expect(cluster.get(k, .all) == expected)
            #expect(cluster.isQuiet)
        }
    }

    @Test(
        "a store that is repeated is acknowledged again without another persist once it is durable"
    )
    func repeatedStore() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isMessage("store", to: 2) }
        cluster.request(.write(.value("v")), k)
        cluster.run()
        let copy = cluster.held
        cluster.release()
        let before = cluster.sent.count
        var persists = 0
        cluster.fails = { _, request in
            if case .persist = request { persists += 1 }
            return nil
        }
        for case .message(let sender, let target, let message) in copy {
            cluster.step(target, .message(from: sender, message))
        }
        cluster.run()
        #expect(cluster.sent.dropFirst(before) == ["2→1 stored durable"])
        #expect(persists == 0)
    }
}
