import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import NIOCore
import Testing

/// What comparisons, the scrub and purging do to a small cluster.
@Suite struct EntropyTests {
    private let names = (0..<40).map { "key \($0)" }

    /// A cluster that keeps no hints, so that nothing but comparisons mends it.
    private func cluster(_ change: (inout ShardConfiguration) -> Void = { _ in }) throws -> Cluster
    {
        var configuration = ShardConfiguration()
        configuration.hintBytesMax = 0
        configuration.compareInterval = .seconds(10)
        change(&configuration)
        return try Cluster(configuration: configuration)
    }

    private func compareAll(_ cluster: Cluster) {
        for node in cluster.nodes where !cluster.down.contains(node.id) {
            cluster.step(node.id, .compareNow)
            cluster.settle()
        }
    }

    /// So many rounds of all that is done in the background.
    private func keepHouse(_ cluster: Cluster, rounds: Int) {
        for _ in 0..<rounds {
            for _ in 0..<11 { cluster.pass(milliseconds: 1_000) }
            cluster.housekeep()
            cluster.settle()
        }
    }

    private func stored(_ cluster: Cluster, on node: Int) -> [String?] {
        names.map { cluster.stored(key($0), on: node) }
    }

    @Test("what a node missed comes back without a hint and without a read")
    func missed() throws {
        let cluster = try cluster()
        for name in names { cluster.set(key(name), "old") }
        cluster.take(down: 3)
        for name in names.prefix(7) { cluster.set(key(name), "new") }
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.stored(key(names[0]), on: 3) == "old")
        compareAll(cluster)
        #expect(stored(cluster, on: 3) == stored(cluster, on: 1) && cluster.isQuiet)
        #expect(cluster.stored(key(names[0]), on: 3) == "new")
        let status = cluster.node(3).shard.entropyStatus(at: reading(cluster))
        #expect(status.isReady && status.ranges.count == 64)
        #expect(status.ranges.allSatisfy { $0.verifiedAge != nil && $0.replicas == 3 })
    }

    @Test("a write that failed and took effect all the same does not hide what others lack")
    func failedWriteTookEffect() throws {
        let cluster = try cluster()
        let k = key(names[0])
        keepHouse(cluster, rounds: 2)
        cluster.fails = { node, request in
            if case .persist = request, node != NodeID(2) { return .io }
            return nil
        }
        #expect(cluster.set(k, "v", at: 2, .one) == "OK")
        cluster.settle()
        cluster.fails = { _, _ in nil }
        cluster.node(1).disk[k] = cluster.node(2).disk[k]
        cluster.take(down: 3)
        keepHouse(cluster, rounds: 3)
        // What node 1 has taken in by now, node 3 may not claim for a tree that only seems equal.
        cluster.take(down: 2)
        cluster.bring(up: 3)
        keepHouse(cluster, rounds: 3)
        #expect(cluster.stored(k, on: 3) == "v")
    }

    @Test("a hint that is dropped has the replicas compared soon")
    func droppedHint() throws {
        let cluster = try cluster { $0.compareInterval = .seconds(3_600) }
        keepHouse(cluster, rounds: 1)
        cluster.fails = { node, request in
            if case .persist = request, node == NodeID(3) { return .io }
            return nil
        }
        #expect(cluster.set(key("a"), "v", at: 1, .one) == "OK")
        cluster.settle()
        cluster.fails = { _, _ in nil }
        #expect(cluster.stored(key("a"), on: 3) == nil)
        keepHouse(cluster, rounds: 4)
        #expect(cluster.stored(key("a"), on: 3) == "v")
    }

    private func reading(_ cluster: Cluster) -> ClockReading {
        ClockReading(now: cluster.now, wall: cluster.wall(NodeID(3)))
    }

    @Test("a comparison of equal replicas lists nothing")
    func equal() throws {
        let cluster = try cluster()
        for name in names { cluster.set(key(name), "v") }
        var lists = 0
        cluster.fails = { _, request in
            if case .list = request { lists += 1 }
            return nil
        }
        compareAll(cluster)
        #expect(lists == 0)
        #expect(cluster.nodes.reduce(0) { $0 + $1.shard.counters.comparisons } >= 3)
    }

    @Test("a lost disk is filled again, on schedule")
    func lostDisk() throws {
        let cluster = try cluster()
        for name in names { cluster.set(key(name), "v") }
        cluster.take(down: 3)
        cluster.node(3).disk = [:]
        cluster.restart(3)
        let nothing = Array(repeating: RecordWeight.nothing, count: 64)
        cluster.node(3).shard.addInitialTallies(nothing, leaves: cluster.noLeaves)
        keepHouse(cluster, rounds: 2)
        #expect(stored(cluster, on: 3) == names.map { _ in "v" })
        #expect(cluster.node(3).shard.counters.entropyReceived == names.count)
    }

    // MARK: Purging

    @Test("a deleted key is forgotten by all, after the watermark is on the disk")
    func purged() throws {
        let cluster = try cluster()
        for name in names { cluster.set(key(name), "v") }
        for name in names { cluster.ask(.write(.delete()), key(name)) }
        var removedUnsaved = 0
        cluster.fails = { id, request in
            guard case .remove(let key, _) = request else { return nil }
            let partition = cluster.ring.partition(of: key.token)
            if cluster.node(id).watermarks[partition] == nil { removedUnsaved += 1 }
            return nil
        }
        keepHouse(cluster, rounds: 6)
        for node in cluster.nodes { #expect(node.disk.isEmpty) }
        #expect(removedUnsaved == 0)
        #expect(cluster.node(1).shard.counters.purged == names.count)
        #expect(cluster.node(1).shard.partitionTallies.total.records == 0)
    }

    @Test("a node that purges first has not lost anything in the eyes of the others")
    func purgedEarlier() throws {
        let cluster = try cluster()
        for name in names { cluster.set(key(name), "v") }
        for name in names { cluster.ask(.write(.delete()), key(name)) }
        // All know what all have, but only the first may forget.
        cluster.fails = { node, request in
            if case .saveWatermark = request, node != NodeID(1) { return .io }
            return nil
        }
        keepHouse(cluster, rounds: 8)
        let counters = cluster.nodes.map { $0.shard.counters }
        #expect(counters[0].purged > 0 && counters[1].purged == 0)
        cluster.fails = { _, _ in nil }
        keepHouse(cluster, rounds: 4)
        for node in cluster.nodes {
            let left = node.disk.count
            #expect(left == 0)
            let counters = node.shard.counters
            #expect(counters.disputes == 0 && counters.actorRenewals == 0)
        }
    }

    @Test("a read that meets a record on its way out repairs nothing here, and answers once")
    func readWhilePurging() throws {
        let cluster = try cluster()
        cluster.set(key("k"), "v")
        cluster.ask(.write(.delete()), key("k"))
        cluster.fails = { node, request in
            if case .saveWatermark = request, node != NodeID(1) { return .io }
            return nil
        }
        // It has left the first one's disk, and the shard has not heard of that yet.
        cluster.holds = { event in
            if case .storage(NodeID(1), .remove) = event { true } else { false }
        }
        keepHouse(cluster, rounds: 6)
        #expect(cluster.held.count == 1)
        cluster.node(1).disk[key("k")] = nil
        let repairs = cluster.node(1).shard.counters.readRepairs
        let ticket = cluster.request(.read, key("k"), read: .all)
        cluster.run()
        #expect(cluster.answer(ticket) == "gone")
        #expect(cluster.replies[ticket.rawValue]?.count == 1)
        #expect(cluster.node(1).shard.counters.readRepairs == repairs + 1)
        #expect(cluster.node(1).disk.isEmpty)
        cluster.release()
        #expect(cluster.node(1).shard.counters.purged == 1)
    }

    @Test("nothing is purged while a home replica is away")
    func away() throws {
        let cluster = try cluster()
        for name in names { cluster.set(key(name), "v") }
        cluster.take(down: 3)
        for name in names { cluster.ask(.write(.delete()), key(name)) }
        keepHouse(cluster, rounds: 6)
        #expect(cluster.node(1).shard.counters.purged == 0)
        cluster.bring(up: 3)
        keepHouse(cluster, rounds: 6)
        for node in cluster.nodes { #expect(node.disk.isEmpty) }
    }

    @Test("an old value that comes after the purge is dropped, and said to be durable")
    func lateValue() throws {
        let cluster = try cluster()
        cluster.set(key("k"), "v")
        let bytes = try #require(cluster.node(1).disk[key("k")])
        let old = try EncodedObject(bytes)
        cluster.ask(.write(.delete()), key("k"))
        keepHouse(cluster, rounds: 6)
        #expect(cluster.node(1).disk.isEmpty)
        let store = PeerMessage.store(
            RequestID(rawValue: 1), key("k"), old, timeout: .seconds(1), epoch: 1)
        cluster.step(NodeID(1), .message(from: NodeID(2), store))
        cluster.settle()
        #expect(cluster.sent.last == "1→2 stored durable")
        #expect(cluster.node(1).disk.isEmpty)
        #expect(cluster.node(1).shard.counters.obsoleteDropped >= 1)
        #expect(cluster.set(key("k"), "w") == "OK")
        #expect(cluster.get(key("k"), .all) == "w", "a new value is not an old one")
    }

    @Test("a node that comes back with a purged value gives it up, by comparison alone")
    func staleDisk() throws {
        let cluster = try cluster()
        cluster.set(key("k"), "v")
        let old = cluster.node(3).disk
        cluster.ask(.write(.delete()), key("k"))
        keepHouse(cluster, rounds: 6)
        cluster.take(down: 3)
        cluster.node(3).disk = old
        cluster.node(3).watermarks = [:]
        cluster.restart(3, confirmed: false)
        #expect(cluster.notes.contains(.mustCompare))
        #expect(
            cluster.get(key("k"), .quorum) == "nothing", "it does not count before it was compared")
        let object = try EncodedObject(try #require(old[key("k")]))
        var leaves = cluster.noLeaves
        var tallies = Array(repeating: RecordWeight.nothing, count: 64)
        let partition = cluster.ring.partition(of: key("k").token)
        let fingerprint = RecordFingerprint.of(key("k"), object)
        leaves[partition].add(fingerprint, at: key("k").token, partitionBits: 6)
        tallies[partition] = RecordWeight(records: 1, keys: 1, bytes: 1)
        cluster.node(3).shard.addInitialTallies(tallies, leaves: leaves)
        keepHouse(cluster, rounds: 2)
        #expect(cluster.node(3).shard.isCompared == true)
        #expect(cluster.stored(key("k"), on: 3).map { $0 == "gone" } ?? true)
        #expect(cluster.node(1).disk.isEmpty && cluster.node(2).disk.isEmpty)
        keepHouse(cluster, rounds: 6)
        for node in cluster.nodes { #expect(node.disk.isEmpty) }
    }

    // MARK: Losses

    @Test("the scrub drops a rotten record, and the others give it back")
    func rot() throws {
        let cluster = try cluster { $0.scrubInterval = .seconds(11) }
        for name in names { cluster.set(key(name), "v") }
        cluster.node(2).disk[key(names[5])] = ByteBuffer(string: "?")
        keepHouse(cluster, rounds: 4)
        #expect(cluster.stored(key(names[5]), on: 2) == "v")
        let counters = cluster.node(2).shard.counters
        #expect(counters.rottenRecords == 1)
        #expect(counters.scrubbed >= names.count)
    }

    @Test("a node that has lost a record without a sign does not take it for purged")
    func silentLoss() throws {
        let cluster = try cluster { $0.scrubInterval = .seconds(11) }
        // Only who knows that its disk is no old copy contradicts others.
        for node in 1...3 { cluster.step(NodeID(UInt16(node)), .actorsConfirmed(true)) }
        for name in names { cluster.set(key(name), "v") }
        keepHouse(cluster, rounds: 3)
        cluster.node(1).disk[key(names[5])] = nil
        keepHouse(cluster, rounds: 6)
        for node in 1...3 { #expect(cluster.stored(key(names[5]), on: node) == "v") }
        #expect(cluster.node(1).shard.counters.leavesMended >= 1)
        #expect(cluster.node(1).shard.counters.disputes >= 1)
    }
}
