import HengeBase
import HengeNode
import Testing

/// Two nodes that begin to compare at the same time.
@Suite struct CrossingComparisonTests {
    private static let keys = 40

    private func differing() throws -> Cluster {
        var configuration = ShardConfiguration()
        configuration.hintBytesMax = 0
        let cluster = try Cluster(nodes: 2, replicas: 2, configuration: configuration)
        cluster.take(down: 2)
        for number in 0..<Self.keys {
            #expect(cluster.set(key("k\(number)"), "v\(number)", at: 1, .one) == "OK")
        }
        cluster.bring(up: 2)
        return cluster
    }

    @Test("of two passes that cross one goes on, and sends each record once")
    func crossing() throws {
        let cluster = try differing()
        let before = cluster.nodes.map { $0.shard.counters }
        for node in cluster.nodes { cluster.step(node.id, .compareNow) }
        cluster.settle()
        for number in 0..<Self.keys {
            #expect(cluster.stored(key("k\(number)"), on: 2) == "v\(number)")
        }
        let after = cluster.nodes.map { $0.shard.counters }
        let changes = zip(before, after)
        #expect(changes.reduce(0) { $0 + $1.1.entropySent - $1.0.entropySent } == Self.keys)
        #expect(changes.reduce(0) { $0 + $1.1.comparisons - $1.0.comparisons } == 1)
        #expect(changes.allSatisfy { $0.comparisonsFailed == $1.comparisonsFailed })
    }

    @Test("the pass that was ended stops neither node from comparing later")
    func later() throws {
        let cluster = try differing()
        for node in cluster.nodes { cluster.step(node.id, .compareNow) }
        cluster.settle()
        for node in cluster.nodes {
            let before = cluster.nodes.reduce(0) { $0 + $1.shard.counters.comparisons }
            cluster.step(node.id, .compareNow)
            cluster.settle()
            let after = cluster.nodes.reduce(0) { $0 + $1.shard.counters.comparisons }
            #expect(after == before + 1)
        }
    }
}
