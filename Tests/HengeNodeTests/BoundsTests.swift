import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import Testing

/// What a shard refuses, drops and gives up.
@Suite struct BoundsTests {
    let k = key("k")

    @Test("past the bound of requests in flight: OVERLOADED at once, and room again when they end")
    func requests() throws {
        var configuration = ShardConfiguration()
        configuration.requestsMax = 2
        let cluster = try Cluster(configuration: configuration)
        cluster.holds = { $0.isMessage("stored") }
        let first = (0..<2).map { cluster.request(.write(.value("\($0)")), key("\($0)")) }
        let sent = cluster.sent.count
        #expect(cluster.ask(.read, k) == "OVERLOADED 2 of 2")
        let range = ScanRange(
            from: .min,
            through: .max,
            bucket: nil,
            limit: 1,
            examinedMax: 1,
            wall: WallTime(milliseconds: 0)
        )
        let scan = cluster.submit(at: 1) { .scan($0, range, timeout: .seconds(1)) }
        let count = cluster.submit(at: 1) { .count($0, timeout: .seconds(1)) }
        #expect(cluster.answer(scan) == "OVERLOADED 2 of 2")
        #expect(cluster.answer(count) == "OVERLOADED 2 of 2")
        #expect(cluster.sent.count >= sent)
        cluster.release()
        for ticket in first { #expect(cluster.answer(ticket) == "OK") }
        #expect(cluster.get(k) == "nothing")
        #expect(cluster.node(1).shard.counters.overloaded == 3)
    }

    @Test("writes that are answered and wait for a silent replica leave room for new ones")
    func silentReplica() throws {
        var configuration = ShardConfiguration()
        configuration.requestsMax = 2
        configuration.replicaWorkMax = 6
        let cluster = try Cluster(configuration: configuration)
        cluster.holds = { $0.isMessage("store", to: 3) }
        for number in 0..<6 { #expect(cluster.set(key("\(number)"), "v") == "OK") }
        #expect(cluster.node(1).shard.inFlight == 0 && !cluster.isQuiet)
        #expect(cluster.set(k, "v") == "OVERLOADED 6 of 6")
        cluster.release()
        #expect(cluster.set(k, "v") == "OK")
        #expect(cluster.isQuiet)
    }

    @Test("past the bound of storage work: clients are told OVERLOADED, coordinators go elsewhere")
    func storageWork() throws {
        var configuration = ShardConfiguration()
        configuration.replicaWorkMax = 2
        let cluster = try Cluster(configuration: configuration)
        cluster.pauseHints()
        cluster.holds = { $0.isLoad(on: 2) }
        let stuck = (0..<2).map { cluster.request(.read, key("\($0)"), at: 2, read: .one) }
        cluster.run()
        #expect(cluster.set(k, "v") == "OK")
        #expect(cluster.set(k, "w", .all)?.hasPrefix("TIMEOUT required=3 received=") == true)
        #expect(cluster.get(k, .quorum) == "w")
        #expect(cluster.get(k, .quorum) == "w")
        #expect(cluster.get(k, .all)?.hasPrefix("OVERLOADED") == true)
        #expect(cluster.get(k, at: 2, .one) == "OVERLOADED 2 of 2")
        cluster.release()
        for ticket in stuck { #expect(cluster.answer(ticket) == "nothing") }
        #expect(cluster.get(k, at: 2, .all) == "w")
        #expect(cluster.isQuiet)
    }

    @Test("a disk that falls behind refuses writes, other nodes' too, and still reads")
    func storageBehind() throws {
        let cluster = try Cluster(configuration: ShardConfiguration())
        cluster.pauseHints()
        #expect(cluster.set(k, "v", .all) == "OK")
        cluster.node(2).shard.isStorageBehind = true
        #expect(cluster.set(k, "w") == "OK")
        #expect(cluster.set(k, "x", .all) != "OK")
        #expect(cluster.stored(k, on: 1) == "x" && cluster.stored(k, on: 2) == "v")
        #expect(cluster.set(k, "y", at: 2)?.hasPrefix("OVERLOADED") == true)
        #expect(cluster.get(k, at: 2, .one) == "v")
        cluster.node(2).shard.isStorageBehind = false
        #expect(cluster.set(k, "z", .all) == "OK")
        #expect(cluster.isQuiet)
    }

    @Test("writes that wait behind one slow load count against the bound")
    func waiters() throws {
        var configuration = ShardConfiguration()
        configuration.replicaWorkMax = 3
        let cluster = try Cluster(configuration: configuration)
        cluster.holds = { $0.isLoad(on: 1) }
        let tickets = (0..<3).map { cluster.request(.write(.value("\($0)")), k) }
        #expect(cluster.ask(.write(.value("x")), k) == "OVERLOADED 3 of 3")
        cluster.release()
        for ticket in tickets { #expect(cluster.answer(ticket) == "OK") }
        #expect(cluster.isQuiet)
    }

    @Test("a disk that hangs: writes are answered in time, nothing is written when it comes back")
    func hangingDisk() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isLoad(on: 1) }
        let tickets = (0..<3).map {
            cluster.request(.write(.value("\($0)")), k, timeout: .milliseconds(20))
        }
        cluster.run()
        cluster.pass(milliseconds: 20)
        for ticket in tickets {
            #expect(cluster.answer(ticket) == "TIMEOUT required=2 received=0")
        }
        cluster.release()
        #expect(cluster.get(k, .all) == "nothing")
        #expect(cluster.node(1).shard.counters.expiredDropped == 3)
        #expect(cluster.isQuiet)
    }

    @Test("stores and fetches that come too late are dropped, not served")
    func expiredReplicaWork() throws {
        let cluster = try Cluster()
        cluster.pauseHints()
        cluster.set(k, "old", .all)
        cluster.holds = { $0.isLoad(on: 2) }
        let write = cluster.request(.write(.value("v")), k, timeout: .milliseconds(20))
        let read = cluster.request(.read, k, read: .all, timeout: .milliseconds(20))
        cluster.run()
        cluster.pass(milliseconds: 20)
        let before = cluster.sent.count
        cluster.release()
        #expect(cluster.answer(write) == "OK")
        #expect(cluster.answer(read)?.hasPrefix("TIMEOUT required=3") == true)
        #expect(cluster.sent.count == before)
        #expect(cluster.stored(k, on: 2) == "old")
        #expect(cluster.node(2).shard.counters.expiredDropped == 2)
        #expect(cluster.isQuiet)
    }

    @Test("a request may not ask for more time than the configured longest")
    func longestTimeout() throws {
        var configuration = ShardConfiguration()
        configuration.timeoutMax = .milliseconds(100)
        let cluster = try Cluster(configuration: configuration)
        cluster.holds = { $0.isMessage("fetched") }
        let ticket = cluster.request(.read, k, timeout: .seconds(3_600))
        cluster.run()
        cluster.pass(milliseconds: 100)
        #expect(cluster.answer(ticket) == "TIMEOUT required=2 received=1")
    }

    @Test(
        "a write from a clock too far ahead is refused by the others, and doesn't move their clocks"
    )
    func clockDrift() throws {
        let cluster = try Cluster()
        cluster.node(1).clockAhead = 59_000
        #expect(cluster.set(k, "slightly ahead") == "OK")
        cluster.node(2).clockAhead = 10_000_000
        #expect(cluster.set(key("b"), "far ahead", at: 2) == "CLOCKDRIFT required=2 received=1")
        #expect(cluster.node(1).shard.counters.clockDriftRefused == 1)
        let noted = cluster.notes.contains { note in
            if case .clockDrift(NodeID(2), let ahead) = note { ahead >= 9_900_000 } else { false }
        }
        #expect(noted)
        // A read brings the record here; what is written after it must still be accepted elsewhere.
        cluster.get(key("b"), at: 1, .all)
        #expect(cluster.set(key("b"), "mine", at: 1) == "OK")
        #expect(cluster.set(key("c"), "mine too", at: 1, .all) == "OK")
        #expect(cluster.get(key("b"), at: 3, .quorum)?.contains("mine") == true)
    }

    @Test("later writes have later timestamps, also when the wall clock steps back")
    func timestampsRise() throws {
        let cluster = try Cluster()
        cluster.set(k, "a", .all, basis: .nothing)
        cluster.node(2).clockAhead = -30_000
        cluster.set(k, "b", at: 2, .all, basis: .nothing)
        let ticket = cluster.request(.read, k)
        cluster.run()
        guard case .object(let object?)? = cluster.response(ticket) else {
            Issue.record("no object")
            return
        }
        let newest = object.newestLive(at: cluster.wall(NodeID(1)))
        #expect(newest.map { String(buffer: $0.value) } == "b")
    }

    @Test("counts from a peer that make no sense are no harm")
    func absurdCounts() throws {
        let cluster = try Cluster(nodes: 5)
        cluster.holds = { $0.isMessage("counted") }
        let ticket = cluster.submit(at: 1) { .count($0, timeout: .seconds(1)) }
        cluster.run()
        for case .message(let sender, let target, .counted(let id, let keys)) in cluster.held {
            let short = PeerMessage.counted(id, keys: Array(keys.dropLast()))
            cluster.step(target, .message(from: sender, short))
            let absurd = PeerMessage.counted(id, keys: keys.map { _ in .max })
            cluster.step(target, .message(from: sender, absurd))
        }
        #expect(cluster.answer(ticket) == "count \(Int.max)")
    }

    @Test("messages about nothing in flight are counted and answered by nothing")
    func strayMessages() throws {
        let cluster = try Cluster()
        for raw in 0..<24 as Range<UInt64> {
            let id = RequestID(rawValue: raw | 1 << 40)
            let messages: [PeerMessage] = [
                .stored(id, .durable), .fetched(id, .object(nil)), .fetched(id, .digest(.absent)),
                .forwarded(id, .object(nil)), .scanned(id, .failure(.io)), .counted(id, keys: []),
            ]
            for message in messages { cluster.step(NodeID(1), .message(from: NodeID(2), message)) }
        }
        #expect(cluster.node(1).shard.counters.lateAnswers == 24 * 6)
        #expect(cluster.sent.isEmpty && cluster.isQuiet)
    }
}
