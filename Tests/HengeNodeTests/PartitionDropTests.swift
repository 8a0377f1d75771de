import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import Testing

/// What is left of partitions that have moved on.
@Suite struct PartitionDropTests {
    private func keepHouse(_ cluster: Cluster, rounds: Int) {
        for _ in 0..<rounds {
            cluster.pass(milliseconds: 1_000)
            cluster.housekeep()
            cluster.settle()
        }
    }

    /// Has node 4 take all that node 3 has, step by step.
    private func replaceNode3(of cluster: Cluster, afterEachStep: () -> Void) throws {
        let new = Member(id: NodeID(4), name: "n4", peerAddress: "127.0.0.1:7404")
        let before = cluster.ring.document
        var document = try before.beginning(
            members: before.members.filter { $0.id != NodeID(3) } + [new],
            owners: before.owners.map { $0 == NodeID(3) ? NodeID(4) : $0 }
        )
        cluster.adopt(document)
        for step: PartitionStep in [.writeBoth, .readNext, .next] {
            document = try document.advancing(Array(0..<64), to: step)
            cluster.adopt(document)
            afterEachStep()
        }
        cluster.adopt(try document.finishing())
    }

    @Test("a partition stays until the writes to it that the node coordinates have ended")
    func writeUnderWay() throws {
        let cluster = try Cluster()
        let (k, other) = (key("k"), key("other"))
        #expect(cluster.ring.partition(of: k.token) != cluster.ring.partition(of: other.token))
        #expect(cluster.set(other, "o", .all) == "OK")
        cluster.holds = { $0.isMessage("store", from: 3) }
        let ticket = cluster.request(
            .write(.value("v", basis: .coordinator)),
            k,
            at: 3,
            write: .all,
            timeout: .seconds(60)
        )
        cluster.run()
        func lookAround() {
            for _ in 0..<10 {
                cluster.pass(milliseconds: 100)
                cluster.housekeep()
            }
        }
        try replaceNode3(of: cluster, afterEachStep: lookAround)
        lookAround()
        #expect(cluster.node(3).disk[other] == nil)
        #expect(cluster.node(3).disk[k] != nil && cluster.answer(ticket) == nil)
        cluster.pass(milliseconds: 60_000)
        #expect(cluster.answer(ticket) == "TIMEOUT required=3 received=1")
        keepHouse(cluster, rounds: 2)
        #expect(cluster.node(3).disk.isEmpty)
    }

    @Test("a record whose write failed and took effect is dropped with its partition")
    func failedWriteTookEffect() throws {
        let cluster = try Cluster()
        let k = key("k")
        let node = cluster.node(3)
        cluster.fails = { id, request in
            guard case .persist(let key, let bytes, _, _) = request, id == node.id else {
                return nil
            }
            node.disk[key] = bytes
            return .io
        }
        #expect(cluster.set(k, "v") == "OK")
        cluster.settle()
        cluster.fails = { _, _ in nil }
        // Node 3 looks at what is there, and counts it no more than before.
        keepHouse(cluster, rounds: 3)
        #expect(cluster.node(3).shard.partitionTallies.total.records == 0)
        #expect(cluster.node(3).disk[k] != nil)

        try replaceNode3(of: cluster) { keepHouse(cluster, rounds: 20) }
        keepHouse(cluster, rounds: 2)
        #expect(cluster.node(3).disk.isEmpty && cluster.node(3).shard.hasGivenAllAway)
        #expect(cluster.stored(k, on: 4) == "v")
    }
}
