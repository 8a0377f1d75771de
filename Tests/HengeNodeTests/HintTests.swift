import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import Testing

import struct NIOCore.ByteBuffer

/// Hinted handoff with three nodes that hold everything; node 3 comes and goes.
@Suite struct HintTests {
    private func counters(_ cluster: Cluster, _ node: Int = 1) -> ShardCounters {
        cluster.node(node).shard.counters
    }

    @Test("story: a replica that is down gets a hint with the write, and the write on its return")
    func story() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        let ticket = cluster.request(.write(.value("a")), key("k"))
        var carried = 0
        cluster.holds = { event in
            if case .storage(_, .persist(_, _, let hints, _)) = event { carried += hints.count }
            return false
        }
        cluster.run()
        #expect(cluster.answer(ticket) == "OK" && carried == 1)
        #expect(cluster.hints(on: 1, for: 3).map(\.key) == [key("k")])
        #expect(cluster.hints(on: 1, for: 3).map(\.sequence) == [1])
        #expect(counters(cluster).hintsStored == 1 && cluster.isQuiet)
        #expect(cluster.node(1).shard.hintBacklogs.map(\.count) == [1])
        cluster.bring(up: 3)
        #expect(!cluster.isQuiet)
        cluster.settle()
        #expect(cluster.stored(key("k"), on: 3) == "a")
        #expect(cluster.hints(on: 1, for: 3).isEmpty)
        #expect(counters(cluster).hintsDelivered == 1 && cluster.isQuiet)
        #expect(counters(cluster).hintBytesDelivered > 0)
        #expect(counters(cluster, 3).handOffsReceived == 1)
        #expect(cluster.node(1).shard.hintBacklogs.isEmpty)
        #expect(cluster.get(key("k"), at: 3, .one) == "a")
    }

    @Test("a replica that was asked and did not store gets a hint when the write ends")
    func missed() throws {
        let lost = try Cluster()
        lost.holds = { $0.isMessage("store", to: 3) }
        #expect(lost.set(key("k"), "a") == "OK")
        #expect(lost.hints(on: 1, for: 3).isEmpty)
        lost.pass(milliseconds: 600)
        lost.holds = { _ in false }
        // It is up, so the hint is delivered at once.
        lost.settle()
        #expect(lost.stored(key("k"), on: 3) == "a" && counters(lost).hintsDelivered == 1)

        let cut = try Cluster()
        cut.holds = { $0.isMessage("store", to: 3) }
        cut.set(key("k"), "a")
        cut.take(down: 3)
        cut.run()
        #expect(cut.hints(on: 1, for: 3).count == 1)

        let failing = try Cluster()
        failing.fails = { id, request in
            if case .persist = request, id == NodeID(3) { return .io }
            return nil
        }
        #expect(failing.set(key("k"), "a") == "OK")
        failing.fails = { _, _ in nil }
        failing.settle()
        #expect(failing.stored(key("k"), on: 3) == "a")
    }

    @Test("a replica that refuses the timestamp gets no hint: it would refuse it again")
    func clockDrift() throws {
        let cluster = try Cluster()
        cluster.node(1).clockAhead = 3_600_000
        cluster.set(key("k"), "a", .one)
        cluster.pass(milliseconds: 600)
        #expect(cluster.hints(on: 1, for: 3).isEmpty && counters(cluster).hintsStored == 0)
        #expect(counters(cluster, 3).clockDriftRefused == 1)
    }

    @Test("the last copy goes over: deletes, later versions, and siblings")
    func contents() throws {
        let cluster = try Cluster()
        cluster.set(key("gone"), "a")
        cluster.take(down: 3)
        cluster.set(key("later"), "a")
        cluster.set(key("later"), "b")
        cluster.set(key("both"), "x", basis: .nothing)
        cluster.set(key("both"), "y", basis: .nothing)
        cluster.ask(.write(.delete()), key("gone"))
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.stored(key("later"), on: 3) == "b")
        #expect(cluster.stored(key("both"), on: 3) == "x+y")
        #expect(cluster.stored(key("gone"), on: 3) == "gone")
    }

    @Test("a key that is written again and again leaves one hint while its replica is down")
    func hotKey() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        for number in 0..<500 { cluster.set(key("hot"), "\(number)") }
        #expect(cluster.hints(on: 1, for: 3).count == 1)
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.stored(key("hot"), on: 3) == "499")
        // Delivered ones cover nothing any more.
        cluster.take(down: 3)
        cluster.set(key("hot"), "500")
        #expect(cluster.hints(on: 1, for: 3).count == 1)
    }

    @Test("a write that relied on another's hint is not left out when that is delivered early")
    func sharedHintInFlight() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        cluster.set(key("k"), "a")
        // Writes of one disk stay in order, so the later ones wait as well.
        cluster.holds = { event in
            switch event {
            case .storage(let id, .persist), .storage(let id, .keepHints),
                .storage(let id, .dropHints):
                id == NodeID(1)
            case .storage, .message: false
            }
        }
        cluster.request(.write(.value("b")), key("k"))
        cluster.run()
        cluster.bring(up: 3)
        cluster.run()
        #expect(cluster.stored(key("k"), on: 3) == "a")
        cluster.release()
        cluster.settle()
        #expect(cluster.stored(key("k"), on: 3) == "b")
    }

    @Test("a failed write loses its hint and not that of the write which relied on it")
    func sharedHintFails() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        var failures = 1
        cluster.fails = { _, request in
            guard case .persist = request, failures > 0 else { return nil }
            failures -= 1
            return .io
        }
        cluster.request(.write(.value("a")), key("k"), write: .one)
        cluster.request(.write(.value("b")), key("k"), write: .one)
        cluster.run()
        #expect(cluster.stored(key("k"), on: 1) == "b")
        #expect(cluster.hints(on: 1, for: 3).count == 1)
        #expect(counters(cluster).hintsDropped == 1 && counters(cluster).hintsStored == 1)
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.stored(key("k"), on: 3) == "b")
    }

    @Test("the holder restarts with a backlog: it goes on, and no sequence is given out twice")
    func holderRestarts() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        for number in 0..<5 { cluster.set(key("\(number)"), "v") }
        cluster.take(down: 1)
        cluster.restart(1)
        cluster.take(down: 3)
        #expect(cluster.node(1).shard.hintBacklogs.map(\.count) == [5])
        cluster.set(key("5"), "v")
        #expect(cluster.hints(on: 1, for: 3).map(\.sequence) == [1, 2, 3, 4, 5, 6])
        cluster.bring(up: 3)
        cluster.settle()
        for number in 0..<6 { #expect(cluster.stored(key("\(number)"), on: 3) == "v") }
        #expect(cluster.hints(on: 1, for: 3).isEmpty)
    }

    @Test("a target that comes and goes while it is delivered to gets all in the end")
    func flapping() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        for number in 0..<600 { cluster.set(key("\(number)"), "v") }
        for round in 0..<30 {
            cluster.bring(up: 3)
            for _ in 0..<(round * 29) where !cluster.queue.isEmpty { cluster.next(at: 0) }
            cluster.take(down: 3)
        }
        cluster.settle()
        #expect(cluster.isQuiet)
        cluster.bring(up: 3)
        cluster.settle()
        for number in 0..<600 { #expect(cluster.stored(key("\(number)"), on: 3) == "v") }
        #expect(cluster.hints(on: 1, for: 3).isEmpty && cluster.isQuiet)
        #expect(counters(cluster).hintsStored == counters(cluster).hintsDelivered)
    }

    @Test("a receiver that fails or has too much to do is asked again, ever more rarely")
    func receiverRefuses() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        cluster.set(key("k"), "a")
        cluster.fails = { id, request in
            if case .persist = request, id == NodeID(3) { return .io }
            return nil
        }
        cluster.bring(up: 3)
        for _ in 0..<1_000 { cluster.pass(milliseconds: 10) }
        let offers = cluster.sent.count { $0 == "1→3 hand over 1" }
        // 0, 0.1, 0.3, 0.7, 1.5, 3.1 and 6.3 s, give or take.
        #expect((6...8).contains(offers), "\(offers)")
        #expect(cluster.hints(on: 1, for: 3).count == 1)
        cluster.fails = { _, _ in nil }
        cluster.settle()
        #expect(cluster.stored(key("k"), on: 3) == "a")

        var configuration = ShardConfiguration()
        configuration.replicaWorkMax = 2
        let busy = try Cluster(configuration: configuration)
        busy.take(down: 3)
        busy.set(key("k"), "a")
        busy.holds = { $0.isLoad(on: 3) }
        busy.bring(up: 3)
        busy.request(.read, key("other"), at: 3, read: .one)
        busy.run()
        #expect(busy.sent.contains("3→1 handed over overloaded"))
        busy.release()
        busy.settle()
        #expect(busy.stored(key("k"), on: 3) == "a")
    }

    @Test("an answer that never comes is waited for 10 s; one that comes after counts for nothing")
    func answerLost() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        cluster.set(key("k"), "a")
        cluster.holds = { $0.isMessage("handed over") }
        cluster.bring(up: 3)
        cluster.run()
        #expect(!cluster.isQuiet)
        for _ in 0..<12 { cluster.pass(milliseconds: 1_000) }
        #expect(cluster.sent.count { $0 == "1→3 hand over 1" } == 2)
        let late = counters(cluster).lateAnswers
        cluster.release()
        cluster.settle()
        #expect(counters(cluster).lateAnswers == late + 1)
        #expect(cluster.hints(on: 1, for: 3).isEmpty && counters(cluster).hintsDelivered == 1)
    }

    @Test("storage failures of the holder delay delivery, and lose no hint")
    func holderFails() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        for number in 0..<20 { cluster.set(key("\(number)"), "v") }
        var generator = SeededGenerator(seed: 3)
        cluster.fails = { id, request in
            guard id == NodeID(1) else { return nil }
            switch request {
            case .loadHints, .dropHints, .load, .loadVersion:
                return generator.chance(1, in: 3) ? .io : nil
            case .persist, .scan, .remove, .keepHints, .list, .saveWatermark,
                .saveTransfer, .dropPartition:
                return nil
            }
        }
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.isQuiet && cluster.hints(on: 1, for: 3).isEmpty)
        for number in 0..<20 { #expect(cluster.stored(key("\(number)"), on: 3) == "v") }
    }

    @Test("a hint whose record is gone or rotten is passed over")
    func recordsGone() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        for name in ["gone", "rotten", "good"] { cluster.set(key(name), "v") }
        cluster.node(1).disk[key("gone")] = nil
        cluster.node(1).disk[key("rotten")] = ByteBuffer(string: "?")
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.stored(key("good"), on: 3) == "v")
        #expect(counters(cluster).hintsDelivered == 1 && counters(cluster).hintsGone == 2)
        #expect(counters(cluster).rottenRecords == 1)
        #expect(cluster.notes.contains(.rottenRecord(key("rotten"))))
        #expect(cluster.hints(on: 1, for: 3).isEmpty)
    }

    @Test("a receiver takes no record that has no home with it")
    func foreignRecords() throws {
        let cluster = try Cluster(nodes: 4, replicas: 2)
        let foreign = try #require(
            (0..<100).map { key("\($0)") }
                .first { !cluster.ring.preferenceList(of: $0.token).contains(NodeID(1)) }
        )
        let own = try #require(
            (0..<100).map { key("\($0)") }
                .first { cluster.ring.preferenceList(of: $0.token).contains(NodeID(1)) }
        )
        let home = Int(cluster.ring.preferenceList(of: foreign.token)[0].rawValue)
        cluster.set(foreign, "v", at: home)
        let bytes = try #require(cluster.node(home).disk[foreign])
        let object = try EncodedObject(bytes)
        let records = [HandedRecord(key: foreign, object: object), .init(key: own, object: object)]
        cluster.step(NodeID(1), .message(from: NodeID(2), .handOff(.init(rawValue: 9), records)))
        cluster.run()
        #expect(cluster.stored(foreign, on: 1) == nil && cluster.stored(own, on: 1) == "v")
        #expect(counters(cluster).handOffsForeign == 1 && cluster.isQuiet)
        #expect(cluster.sent.last == "1→2 handed over durable(refused: 1)")
    }

    @Test("records from a clock too far ahead are refused and counted, and the rest is taken")
    func refusedRecords() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        cluster.set(key("a"), "v")
        cluster.node(1).clockAhead = 3_600_000
        cluster.set(key("b"), "v", .one)
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.stored(key("a"), on: 3) == "v" && cluster.stored(key("b"), on: 3) == nil)
        #expect(counters(cluster).handOffsRefused == 1)
        #expect(cluster.hints(on: 1, for: 3).isEmpty && cluster.isQuiet)
    }
}
