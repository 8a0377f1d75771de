import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Records that were handed over are merged some at a time.
@Suite struct MergeSliceTests {
    private let names = (0..<150).map { "key \($0)" }

    /// The third node was away for all of the keys.
    private func cluster() throws -> Cluster {
        var configuration = ShardConfiguration()
        configuration.compareInterval = .seconds(86_400)
        configuration.scrubInterval = .seconds(86_400)
        let cluster = try Cluster(configuration: configuration)
        cluster.take(down: 3)
        for name in names { cluster.set(key(name), "v") }
        return cluster
    }

    /// What the third node writes at each instant until all is still.
    private func slices(_ cluster: Cluster) -> [Int] {
        var written: [Instant: Int] = [:]
        cluster.fails = { id, request in
            if id == NodeID(3), case .persist = request { written[cluster.now, default: 0] += 1 }
            return nil
        }
        var left = 20_000
        while !cluster.isQuiet, left > 0 {
            cluster.pass(milliseconds: 1)
            left -= 1
        }
        return written.sorted { $0.key < $1.key }.map(\.value)
    }

    /// A request that it can't serve, and is busy with all the same.
    private func askAlone(_ cluster: Cluster) { _ = cluster.get(key("nothing"), at: 3) }

    private func isThere(_ cluster: Cluster, _ name: String) -> Bool {
        cluster.stored(key(name), on: 3) == "v"
    }

    @Test("a few at a time while requests come, and the sender hears of the end alone")
    func busy() throws {
        let cluster = try cluster()
        askAlone(cluster)
        cluster.forgetSent()
        cluster.bring(up: 3)
        let slices = slices(cluster)
        #expect(slices.count >= 15 && slices.allSatisfy { $0 <= 8 }, "\(slices)")
        #expect(names.allSatisfy { isThere(cluster, $0) })
        let answers = cluster.sent.count { $0.hasPrefix("3→1 handed") }
        #expect(answers > 0 && answers < slices.count, "\(answers) for \(slices.count) slices")
        #expect(cluster.isQuiet && cluster.hints(on: 1, for: 3).isEmpty)
    }

    @Test("many at a time while none come, with the loop free in between")
    func idle() throws {
        let cluster = try cluster()
        cluster.pass(milliseconds: 5_000)
        cluster.bring(up: 3)
        let slices = slices(cluster)
        #expect(slices.allSatisfy { $0 <= 64 }, "\(slices)")
        #expect(names.allSatisfy { isThere(cluster, $0) })
    }

    @Test("what waits is merged also when its sender is gone, which sends it again")
    func lostMeanwhile() throws {
        let cluster = try cluster()
        askAlone(cluster)
        cluster.bring(up: 3)
        var wake: Instant?
        var left = 1_000
        while wake == nil, left > 0 {
            cluster.pass(milliseconds: 1)
            wake = cluster.node(3).shard.nextWake
            left -= 1
        }
        #expect(wake != nil, "nothing waits")
        cluster.take(down: 3)
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.isQuiet)
        #expect(names.allSatisfy { isThere(cluster, $0) })
    }
}
