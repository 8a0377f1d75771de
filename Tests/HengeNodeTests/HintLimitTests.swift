import HengeBase
import HengeMessages
import HengeNode
import HengeReplication
import Testing

/// What bounds hints, and what operators do about them.
@Suite struct HintLimitTests {
    private func counters(_ cluster: Cluster) -> ShardCounters { cluster.node(1).shard.counters }

    @Test("past the bound, or with a disk nearly full, hints are dropped and writes are not")
    func bounds() throws {
        var configuration = ShardConfiguration()
        configuration.hintBytesMax = 500
        let cluster = try Cluster(configuration: configuration)
        cluster.take(down: 3)
        for number in 0..<100 { #expect(cluster.set(key("\(number)"), "v") == "OK") }
        let kept = cluster.hints(on: 1, for: 3).count
        #expect(kept > 5 && kept < 15, "\(kept)")
        #expect(counters(cluster).hintsDropped == 100 - kept)
        #expect(cluster.node(1).shard.hintBacklogs.allSatisfy { $0.bytes <= 500 })
        cluster.bring(up: 3)
        cluster.settle()
        cluster.take(down: 3)
        cluster.node(1).shard.isStorageTight = true
        #expect(cluster.set(key("tight"), "v") == "OK")
        #expect(cluster.hints(on: 1, for: 3).isEmpty)
        cluster.node(1).shard.isStorageTight = false
        #expect(cluster.set(key("roomy"), "v") == "OK")
        #expect(cluster.hints(on: 1, for: 3).count == 1)
    }

    @Test("hints that can't be written are dropped and counted")
    func writeFails() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isMessage("store", to: 3) }
        cluster.fails = { _, request in
            if case .keepHints = request { return .noSpace }
            return nil
        }
        #expect(cluster.set(key("k"), "v") == "OK")
        cluster.take(down: 3)
        cluster.run()
        #expect(counters(cluster).hintsDropped == 1 && counters(cluster).hintsStored == 0)
        #expect(cluster.node(1).shard.hintBacklogs.isEmpty && cluster.isQuiet)
    }

    @Test("old hints are not delivered but dropped")
    func expiryAtDelivery() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        cluster.set(key("old"), "v")
        cluster.pass(milliseconds: 3 * 3_600_000)
        cluster.set(key("new"), "v")
        cluster.pass(milliseconds: 1)
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.stored(key("old"), on: 3) == nil)
        #expect(cluster.stored(key("new"), on: 3) == "v")
        #expect(counters(cluster).hintsExpired == 1 && counters(cluster).hintsDelivered == 1)
    }

    @Test("old hints for a node that stays away are dropped by the slow upkeep, all of them")
    func expirySweep() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        for number in 0..<700 { cluster.set(key("\(number)"), "v") }
        cluster.housekeep()
        #expect(cluster.hints(on: 1, for: 3).count == 700)
        cluster.pass(milliseconds: 3 * 3_600_000 + 1)
        cluster.set(key("new"), "v")
        cluster.housekeep()
        #expect(cluster.hints(on: 1, for: 3).map(\.key) == [key("new")])
        #expect(counters(cluster).hintsExpired == 700 && cluster.isQuiet)
        let left = cluster.node(1).shard.hintBacklogs
        #expect(left.map(\.count) == [1] && left[0].bytes < 100)
        #expect(left[0].oldest == cluster.hints(on: 1, for: 3)[0].created)
    }

    @Test("paused: hints are kept and none delivered, also in the middle; resumed: all go")
    func pause() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        cluster.set(key("a"), "v")
        cluster.step(NodeID(1), .hints(.pause))
        let isPaused = cluster.node(1).shard.areHintsPaused
        #expect(isPaused)
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.isQuiet && cluster.stored(key("a"), on: 3) == nil)
        cluster.step(NodeID(1), .hints(.resume))
        cluster.step(NodeID(1), .hints(.pause))
        cluster.settle()
        #expect(cluster.isQuiet && cluster.hints(on: 1, for: 3).count == 1)
        cluster.step(NodeID(1), .hints(.resume))
        cluster.settle()
        #expect(cluster.stored(key("a"), on: 3) == "v" && cluster.hints(on: 1, for: 3).isEmpty)
    }

    @Test("dropped: all that there are for one node, or for all; later ones are kept")
    func drop() throws {
        let cluster = try Cluster(nodes: 3)
        cluster.take(down: 2)
        cluster.take(down: 3)
        for number in 0..<600 { cluster.set(key("\(number)"), "v", .one) }
        cluster.step(NodeID(1), .hints(.drop(NodeID(2))))
        cluster.set(key("after"), "v", .one)
        cluster.settle()
        #expect(cluster.hints(on: 1, for: 2).map(\.key) == [key("after")])
        #expect(cluster.hints(on: 1, for: 3).count == 601)
        #expect(counters(cluster).hintsDropped == 600)
        cluster.step(NodeID(1), .hints(.drop(nil)))
        cluster.settle()
        #expect(cluster.hints(on: 1, for: 2).isEmpty && cluster.hints(on: 1, for: 3).isEmpty)
        #expect(counters(cluster).hintsDropped == 1_202 && cluster.isQuiet)
        #expect(cluster.node(1).shard.hintBacklogs.isEmpty)
    }

    @Test("large records go in batches of their own, and at the rate of the throttle")
    func throttle() throws {
        var configuration = ShardConfiguration()
        configuration.hintBytesPerSecond = 1_000_000
        let cluster = try Cluster(configuration: configuration)
        cluster.take(down: 3)
        let value = String(repeating: "x", count: 500_000)
        for number in 0..<6 { cluster.set(key("\(number)"), value) }
        cluster.bring(up: 3)
        let began = cluster.now
        cluster.settle()
        #expect(cluster.hints(on: 1, for: 3).isEmpty)
        #expect(cluster.sent.count { $0 == "1→3 hand over 1" } == 6)
        // The first goes at once, with 256 KiB of credit; what follows pays for what went before.
        let took = cluster.now.since(began).milliseconds
        #expect((2_200...2_400).contains(took), "\(took) ms")
    }

    @Test("tiny records cost their share: their number is bounded as well as their bytes")
    func throttleOfTinyRecords() throws {
        var configuration = ShardConfiguration()
        configuration.hintBytesPerSecond = 512 * 1_000
        let cluster = try Cluster(configuration: configuration)
        cluster.take(down: 3)
        for number in 0..<2_500 { cluster.set(key("\(number)"), "v") }
        cluster.bring(up: 3)
        let began = cluster.now
        cluster.settle()
        let took = cluster.now.since(began).milliseconds
        #expect(cluster.hints(on: 1, for: 3).isEmpty)
        #expect((1_800...2_600).contains(took), "\(took) ms for 2,500 records at some 900 a second")
    }
}
