import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Scans, counts and the tallies that counts come from.
@Suite struct CoverageTests {
    private func range(_ from: Token, limit: Int, bucket: ByteBuffer? = nil) -> ScanRange {
        ScanRange(
            from: from,
            through: .max,
            bucket: bucket,
            limit: limit,
            examinedMax: 1_000,
            wall: WallTime(milliseconds: 0)
        )
    }

    /// Every page from the first token on.
    private func scan(
        _ cluster: Cluster,
        at node: Int,
        limit: Int,
        bucket: ByteBuffer? = nil
    ) -> [StoredKey] {
        var keys: [StoredKey] = []
        var next: Token? = .min
        var pages = 0
        while let from = next, pages < 1_000 {
            pages += 1
            let range = range(from, limit: limit, bucket: bucket)
            let ticket = cluster.submit(at: node) { .scan($0, range, timeout: .seconds(1)) }
            cluster.run()
            guard case .page(let page)? = cluster.replies[ticket.rawValue]?.first else {
                Issue.record("no page: \(cluster.answer(ticket) ?? "nothing")")
                return keys
            }
            keys += page.keys
            next = page.next
        }
        return keys
    }

    private func count(_ cluster: Cluster, at node: Int) -> String? {
        let ticket = cluster.submit(at: node) { .count($0, timeout: .seconds(1)) }
        cluster.run()
        return cluster.answer(ticket)
    }

    @Test("a scan over nodes that each hold a part finds each live key once, in order of token")
    func scans() throws {
        for nodes in [1, 3, 6] {
            let cluster = try Cluster(nodes: nodes)
            let keys = (0..<40).map { key("key \($0)") }
            for (index, key) in keys.enumerated() { cluster.set(key, "v", at: 1 + index % nodes) }
            cluster.ask(.write(.delete()), keys[3])
            cluster.set(key("elsewhere", bucket: "other"), "v")
            let live = keys.enumerated().filter { $0.offset != 3 }.map(\.element)
            let expected = live.sorted { $0.token < $1.token }
            for node in 1...nodes {
                let bucket = ByteBuffer(string: "default")
                #expect(scan(cluster, at: node, limit: 7, bucket: bucket) == expected)
            }
            #expect(scan(cluster, at: 1, limit: 1_000).count == 40)
            #expect(count(cluster, at: nodes) == "count 40")
            #expect(cluster.isQuiet)
        }
    }

    @Test("a node that is down is covered by others; one that goes down is a TIMEOUT")
    func nodesDown() throws {
        let cluster = try Cluster(nodes: 5)
        let keys = (0..<20).map { key("key \($0)") }
        for key in keys { cluster.set(key, "v", .all) }
        cluster.take(down: 4)
        #expect(Set(scan(cluster, at: 1, limit: 100)) == Set(keys))
        #expect(count(cluster, at: 1) == "count 20")
        cluster.holds = { $0.isMessage("count") }
        let lost = cluster.submit(at: 1) { .count($0, timeout: .seconds(1)) }
        cluster.run()
        for number in [2, 3, 5] { cluster.take(down: number) }
        #expect(cluster.answer(lost) == "TIMEOUT required=1 received=0")
        #expect(count(cluster, at: 1) == "UNAVAILABLE required=1 alive=0")
    }

    @Test("a scan that fails or takes too long says so")
    func scanFails() throws {
        let cluster = try Cluster(nodes: 6)
        cluster.fails = { _, _ in .io }
        let range = range(.min, limit: 10)
        let failed = (1...6).map { node in
            cluster.submit(at: node) { .scan($0, range, timeout: .seconds(1)) }
        }
        cluster.run()
        for ticket in failed {
            #expect(cluster.answer(ticket) == "STORAGE io required=1 received=0")
        }
        cluster.holds = { if case .storage = $0 { true } else { false } }
        let slow = cluster.submit(at: 1) { .scan($0, range, timeout: .milliseconds(30)) }
        cluster.run()
        cluster.pass(milliseconds: 30)
        #expect(cluster.answer(slow) == "TIMEOUT required=1 received=0")
        cluster.release()
        #expect(cluster.isQuiet)
    }

    @Test("tallies equal a naive count of each disk, by partition, through failures and restarts")
    func tallies() throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let cluster = try Cluster()
            let keys = (0..<10).map { key("\($0)") }
            for _ in 0..<120 {
                let chosen = keys[generator.below(10)]
                let node = 1 + generator.below(3)
                let failing = generator.chance(1, in: 4) ? 1 + generator.below(3) : 0
                cluster.fails = { id, request in
                    guard case .persist = request, id == NodeID(UInt16(failing)) else { return nil }
                    return .io
                }
                switch generator.below(4) {
                case 0: cluster.request(.write(.delete()), chosen, at: node)
                case 1: cluster.request(.read, chosen, at: node, read: .all)
                case 2: cluster.request(.write(.value("b", basis: .nothing)), chosen, at: node)
                default: cluster.request(.write(.value("value")), chosen, at: node)
                }
                if generator.chance(1, in: 2) { cluster.run() }
            }
            cluster.run()
            for node in cluster.nodes { check(node, cluster.ring, seed) }
        }
    }

    private func check(_ node: Cluster.Node, _ ring: Ring, _ seed: UInt64) {
        var naive = Array(repeating: RecordWeight.nothing, count: ring.partitions)
        for (key, bytes) in node.disk {
            guard let object = try? EncodedObject(bytes) else { continue }
            let siblings = object.decoded().siblings
            let holdsValue = siblings.contains { $0.payload != .tombstone }
            let partition = ring.partition(of: key.token)
            naive[partition] =
                naive[partition]
                + RecordWeight(
                    records: 1,
                    keys: holdsValue ? 1 : 0,
                    siblings: max(0, siblings.count - 1),
                    bytes: key.bytes.readableBytes + bytes.readableBytes
                )
        }
        #expect(node.shard.partitionTallies.weights == naive, "seed \(seed), node \(node.id)")
    }

    @Test("the first count of a disk joins what was written meanwhile")
    func initialTallies() throws {
        let cluster = try Cluster(nodes: 1, replicas: 1)
        cluster.set(key("old"), "v")
        let old = cluster.node(1).shard.partitionTallies.weights
        cluster.restart(1)
        cluster.set(key("new"), "v")
        cluster.ask(.write(.delete()), key("old"))
        #expect(!cluster.node(1).shard.partitionTallies.isComplete)
        #expect(cluster.node(1).shard.savedState.counts == nil)
        cluster.node(1).shard.addInitialTallies(old, leaves: cluster.noLeaves)
        check(cluster.node(1), cluster.ring, 0)
        #expect(count(cluster, at: 1) == "count 1")
        #expect(cluster.node(1).shard.partitionTallies.total.records == 2)
    }
}
