import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import Testing

import struct NIOCore.ByteBuffer

@Suite struct ReadTests {
    let k = key("k")

    @Test("a read at QUORUM takes one object, one digest and leaves the third replica alone")
    func story() throws {
        let cluster = try Cluster()
        #expect(cluster.get(k) == "nothing")
        cluster.set(k, "v", .all)
        let before = cluster.sent.count
        #expect(cluster.get(k) == "v")
        let sent = cluster.sent.dropFirst(before).map { $0.dropFirst(4) }
        #expect(sent == ["fetch digest", "fetched digest"])
        #expect(cluster.isQuiet)
    }

    @Test(
        "level × replicas up: as many fetches as needed, or UNAVAILABLE with the numbers"
    )
    func levels() throws {
        let levels: [(Consistency, Int)] = [
            (.one, 1), (.quorum, 2), (.all, 3), (.count(1), 1), (.count(2), 2), (.count(3), 3),
            (.count(4), 4),
        ]
        for (level, required) in levels {
            for alive in 1...3 {
                let cluster = try Cluster()
                cluster.set(k, "v", .all)
                for number in 0..<(3 - alive) { cluster.take(down: 3 - number) }
                let before = cluster.sent.count
                let answer = cluster.get(k, level)
                let fetches = cluster.sent.dropFirst(before).count { $0.contains("fetch ") }
                if required <= alive {
                    #expect(answer == "v")
                    #expect(fetches == required - 1)
                } else {
                    #expect(answer == "UNAVAILABLE required=\(required) alive=\(alive)")
                    #expect(fetches == 0 && cluster.node(1).shard.counters.unavailable == 1)
                }
                #expect(cluster.isQuiet)
            }
        }
    }

    @Test("a node reads alone at ONE where its record is one of the key's, and only then")
    func alone() throws {
        let three = try Cluster()
        func readsAlone(_ cluster: Cluster, _ node: Int, _ request: ClientRequest) -> Bool {
            cluster.node(node).shard.readsAlone(request)
        }
        func read(_ level: Consistency) -> ClientRequest {
            ClientRequest(
                key: k,
                operation: .read,
                levels: ConsistencyLevels(read: level, write: .quorum),
                timeout: .seconds(1)
            )
        }
        #expect(readsAlone(three, 1, read(.one)))
        #expect(readsAlone(three, 1, read(.count(1))))
        #expect(!readsAlone(three, 1, read(.quorum)))
        #expect(!readsAlone(three, 1, read(.all)))
        var other = read(.one)
        other.isSloppy = true
        #expect(!readsAlone(three, 1, other))
        other = read(.one)
        other.isExplained = true
        #expect(!readsAlone(three, 1, other))
        other = read(.one)
        other.operation = .write(.delete())
        #expect(!readsAlone(three, 1, other))
        let five = try Cluster(nodes: 5)
        let alone = (1...5).count { readsAlone(five, $0, read(.one)) }
        #expect(alone == 3)
        let one = try Cluster(nodes: 1, replicas: 1)
        #expect(readsAlone(one, 1, read(.quorum)))
    }

    @Test("reads that begin in one turn ask one other node together, those of other turns others")
    func company() throws {
        let cluster = try Cluster()
        let keys = (0..<20).map { key("k\($0)") }
        for key in keys { cluster.set(key, "v", .all) }
        /// How many reads of one turn asked whom.
        func turn(_ keys: some Sequence<StoredKey>) -> [String: Int] {
            cluster.forgetSent()
            for key in keys { cluster.request(.read, key) }
            let asked = cluster.sent.map { String($0.prefix(3)) }
            cluster.run()
            cluster.pass(milliseconds: 1)
            return asked.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        let turns = (0..<8).map { _ in turn(keys.prefix(10)) }
        #expect(turns.allSatisfy { $0.values.map(\.self) == [10] })
        #expect(Set(turns.flatMap(\.keys)) == ["1→2", "1→3"])
        // More than one node is to do at once is shared out.
        let long = (0..<8).map { turn(keys[$0...] + keys[..<$0]) }
        #expect(long.contains { $0.count == 2 })
    }

    /// A cluster where node 3 missed the last write of `k`.
    private func stale(_ repair: ReadRepair) throws -> Cluster {
        var configuration = ShardConfiguration()
        configuration.readRepair = repair
        let cluster = try Cluster(configuration: configuration)
        cluster.pauseHints()
        cluster.set(k, "old", .all)
        cluster.take(down: 3)
        cluster.set(k, "new")
        cluster.bring(up: 3)
        #expect(cluster.stored(k, on: 3) == "old")
        return cluster
    }

    @Test(
        "a mismatch is merged and repaired: blocking before the answer, async after it, off never"
    )
    func repairModes() throws {
        for repair in ReadRepair.allCases {
            let cluster = try stale(repair)
            cluster.holds = { $0.isMessage("store", to: 3) }
            let ticket = cluster.request(.read, k, read: .all)
            cluster.run()
            #expect(cluster.answer(ticket) == (repair == .blocking ? nil : "new"), "\(repair)")
            cluster.release()
            #expect(cluster.answer(ticket) == "new", "\(repair)")
            #expect(cluster.stored(k, on: 3) == (repair == .off ? "old" : "new"), "\(repair)")
            #expect(cluster.node(1).shard.counters.digestMismatches == 1, "\(repair)")
            #expect(cluster.node(1).shard.counters.readRepairs == (repair == .off ? 0 : 1))
            #expect(cluster.isQuiet)
        }
    }

    @Test("the coordinator's own stale replica is repaired too, by a merge with what it writes")
    func ownRepair() throws {
        let cluster = try stale(.blocking)
        #expect(cluster.get(k, at: 3, .all) == "new")
        #expect(cluster.stored(k, on: 3) == "new")
        #expect(cluster.isQuiet)
    }

    @Test("a blocking repair that can't be stored goes to a spare replica, else it is a TIMEOUT")
    func repairFails() throws {
        let cluster = try Cluster()
        cluster.set(k, "old", .all)
        cluster.holds = { $0.isMessage("store", from: 1) }
        cluster.set(k, "new", at: 1, .one)
        cluster.holds = { _ in false }
        cluster.fails = { id, request in
            guard case .persist = request, id != NodeID(1) else { return nil }
            return .noSpace
        }
        let answer = cluster.get(k)
        #expect(answer == "TIMEOUT required=2 received=1")
        cluster.fails = { id, request in
            guard case .persist = request, id == NodeID(2) else { return nil }
            return .noSpace
        }
        #expect(cluster.get(k) == "new")
        #expect(cluster.get(k) == "new")
        #expect(cluster.stored(k, on: 3) == "new")
    }

    @Test("a storage failure is replaced by a spare replica, and typed when there is none")
    func storageFailures() throws {
        for failure in [StorageFailure.io, .noSpace, .readOnly] {
            let cluster = try Cluster()
            cluster.set(k, "v", .all)
            cluster.fails = { id, _ in id == NodeID(1) ? failure : nil }
            #expect(cluster.get(k) == "v")
            let answer = cluster.get(k, .all)
            #expect(answer?.hasPrefix("STORAGE \(failure) required=3 received=") == true)
            cluster.fails = { id, _ in id == NodeID(2) ? failure : nil }
            #expect(cluster.get(k) == "v")
            #expect(cluster.get(k) == "v")
            #expect(cluster.isQuiet)
        }
    }

    @Test(
        "a rotten own record is answered from the others, repaired, its actor renewed"
    )
    func rotten() throws {
        let cluster = try Cluster()
        cluster.set(k, "v", .all)
        var garbage = ByteBuffer()
        garbage.writeString("garbage")
        cluster.node(1).disk[k] = garbage
        #expect(cluster.get(k) == "v")
        #expect(cluster.stored(k, on: 1) == "v")
        #expect(cluster.node(1).shard.counters.actorRenewals == 1)
        #expect(cluster.notes.contains(.rottenRecord(k)))
        #expect(cluster.isQuiet)
    }

    @Test("a rotten record of another replica is replaced by a spare's and repaired")
    func rottenElsewhere() throws {
        let cluster = try Cluster()
        cluster.set(k, "v", .all)
        cluster.fails = { id, request in
            guard case .loadVersion = request, id == NodeID(2) else { return nil }
            return .corrupt
        }
        cluster.get(k)
        cluster.get(k)
        #expect(cluster.get(k, .all)?.hasPrefix("STORAGE corrupt required=3 received=") == true)
        #expect(cluster.node(2).shard.counters.rottenRecords >= 2)
        cluster.fails = { _, _ in nil }
        #expect(cluster.get(k, .all) == "v")
    }

    @Test("no answer in time: TIMEOUT with the number that came; late answers are counted")
    func timeout() throws {
        let cluster = try Cluster()
        cluster.set(k, "v", .all)
        cluster.holds = { $0.isMessage("fetched", from: 3) }
        let ticket = cluster.request(.read, k, read: .all, timeout: .milliseconds(50))
        cluster.run()
        cluster.pass(milliseconds: 49)
        #expect(cluster.answer(ticket) == nil)
        cluster.pass(milliseconds: 1)
        #expect(cluster.answer(ticket) == "TIMEOUT required=3 received=2")
        cluster.release()
        #expect(cluster.answer(ticket) == "TIMEOUT required=3 received=2")
        #expect(cluster.node(1).shard.counters.lateAnswers == 1)
        #expect(cluster.isQuiet)
    }

    @Test("a replica that goes down is abandoned at once for a spare, or for TIMEOUT")
    func peerDown() throws {
        let cluster = try Cluster()
        cluster.set(k, "v", .all)
        cluster.holds = { $0.isMessage("fetch ") }
        let quorum = cluster.request(.read, k)
        let all = cluster.request(.read, k, read: .all)
        cluster.run()
        cluster.take(down: 2)
        cluster.release()
        #expect(cluster.answer(quorum) == "v")
        #expect(cluster.answer(all) == "TIMEOUT required=3 received=1")
        #expect(cluster.isQuiet)
    }

    @Test(
        "stale replicas that are gone when the repair begins end the read once, explained or not",
        arguments: [false, true]
    )
    func repairTargetsGone(isExplained: Bool) throws {
        let cluster = try Cluster(nodes: 5, replicas: 5)
        for number in [2, 3] { cluster.take(down: number) }
        cluster.set(k, "new", .count(3))
        for number in [2, 3] { cluster.bring(up: number) }
        cluster.holds = { $0.isMessage("fetched", from: 5) }
        let ticket = cluster.request(.read, k, read: .all, explained: isExplained)
        cluster.run()
        cluster.take(down: 2)
        cluster.take(down: 3)
        cluster.release()
        #expect(cluster.answer(ticket) == "TIMEOUT required=5 received=3")
        #expect(cluster.isQuiet)
    }

    @Test("no read shows what is not durable yet")
    func onlyDurable() throws {
        let cluster = try Cluster()
        cluster.set(k, "old", .all)
        cluster.holds = { event in (1...3).contains { event.isPersist(on: $0) } }
        let write = cluster.request(.write(.value("new")), k)
        cluster.run()
        #expect(cluster.get(k, .all) == "old")
        #expect(cluster.answer(write) == nil)
        cluster.release()
        #expect(cluster.answer(write) == "OK")
        #expect(cluster.get(k, .one) == "new")
    }

    @Test("an inspection tells each replica's state")
    func inspect() throws {
        let cluster = try Cluster()
        cluster.set(k, "v", .all)
        cluster.node(2).disk[k] = nil
        cluster.take(down: 3)
        let order = cluster.ring.preferenceList(of: k.token)
        let states = ["#1 v", "#2 absent", "#3 unreachable"]
        let expected = (0..<3).map { states[Int(order[$0].rawValue) - 1] }.joined(separator: "; ")
        #expect(cluster.ask(.inspect, k) == expected)
        cluster.bring(up: 3)
        cluster.fails = { id, _ in id == NodeID(2) ? .io : nil }
        #expect(cluster.ask(.inspect, k)?.contains("#2 io") == true)
        cluster.holds = { $0.isMessage("fetched") }
        let ticket = cluster.request(.inspect, k, timeout: .milliseconds(20))
        cluster.run()
        cluster.pass(milliseconds: 20)
        #expect(cluster.answer(ticket)?.contains("#2 unreachable") == true)
        cluster.release()
        #expect(cluster.isQuiet)
    }
}
