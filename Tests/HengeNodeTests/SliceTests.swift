import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Shards that have a part of the token space each: they know nothing of the other parts.
@Suite struct SliceTests {
    private let keys = (0..<200).map { key("key \($0)") }

    private func slices(_ count: Int) -> [ShardSlice] {
        (0..<count).map { ShardSlice(index: $0, count: count) }
    }

    /// The same cluster once for each shard of its nodes.
    private func clusters(
        _ count: Int,
        nodes: Int = 3,
        _ change: (inout ShardConfiguration) -> Void = { _ in }
    ) throws -> [Cluster] {
        var configuration = ShardConfiguration()
        change(&configuration)
        return try slices(count).map {
            try Cluster(nodes: nodes, configuration: configuration, slice: $0)
        }
    }

    private func fill(_ clusters: [Cluster], _ value: String = "v") {
        for key in keys {
            let cluster = clusters[ShardSlice.index(of: key.token, count: clusters.count)]
            #expect(cluster.set(key, value, .all) == "OK")
        }
        for cluster in clusters { cluster.settle() }
    }

    private func keepHouse(_ cluster: Cluster, rounds: Int) {
        for _ in 0..<rounds {
            cluster.pass(milliseconds: 1_000)
            cluster.housekeep()
            cluster.settle()
        }
    }

    // MARK: Scans and counts

    private func page(
        _ cluster: Cluster,
        from: Token,
        through: Token = .max,
        limit: Int
    ) throws -> ScanPage {
        let range = ScanRange(
            from: from,
            through: through,
            bucket: nil,
            limit: limit,
            examinedMax: 1_000,
            wall: WallTime(milliseconds: 0)
        )
        let ticket = cluster.submit(at: cluster.nodes.count) {
            .scan($0, range, timeout: .seconds(1))
        }
        cluster.run()
        guard case .page(let page)? = cluster.reply(ticket) else {
            return try #require(nil, "no page: \(cluster.answer(ticket) ?? "nothing")")
        }
        return page
    }

    @Test("a scan that comes to the slice's end goes on with the next slice's first token")
    func scanEnds() throws {
        for (nodes, count) in [(1, 2), (3, 4), (5, 4)] {
            let clusters = try clusters(count, nodes: nodes)
            for (index, cluster) in clusters.enumerated() {
                let first = cluster.ring.tokenRange(partition: index * 64 / count).lowerBound
                var next: Token? = first
                while let from = next, ShardSlice(index: index, count: count).contains(from) {
                    next = try page(cluster, from: from, limit: 1_000).next
                }
                guard index + 1 < count else {
                    #expect(next == nil)
                    continue
                }
                let partition = (index + 1) * 64 / count
                #expect(next == cluster.ring.tokenRange(partition: partition).lowerBound)
            }
        }
    }

    @Test("a scan that ends within the slice has no next page")
    func scanWithin() throws {
        let cluster = try #require(try clusters(4, nodes: 1).dropFirst().first)
        let range = cluster.ring.tokenRange(partition: 20)
        let page = try page(cluster, from: range.lowerBound, through: range.upperBound, limit: 9)
        #expect(page.next == nil && page.keys.isEmpty)
    }

    @Test("from shard to shard a scan finds each key once, in order of token")
    func scans() throws {
        for (nodes, count) in [(1, 2), (3, 2), (5, 8)] {
            let clusters = try clusters(count, nodes: nodes)
            fill(clusters)
            var found: [StoredKey] = []
            var next: Token? = .min
            while let from = next, found.count <= keys.count {
                let shard = ShardSlice.index(of: from, count: count)
                let page = try page(clusters[shard], from: from, limit: 7)
                found += page.keys
                next = page.next
            }
            #expect(found == keys.sorted { $0.token < $1.token })
        }
    }

    @Test("the counts of a node's shards add up to all keys, also while other nodes are down")
    func counts() throws {
        let clusters = try clusters(4, nodes: 5)
        fill(clusters)
        for isDown in [false, true] {
            if isDown { for cluster in clusters { cluster.take(down: 4) } }
            var sum = 0
            for (index, cluster) in clusters.enumerated() {
                let ticket = cluster.submit(at: 1) { .count($0, timeout: .seconds(1)) }
                cluster.run()
                guard case .count(let count)? = cluster.reply(ticket) else {
                    Issue.record("no count of shard \(index)")
                    continue
                }
                #expect(count == own(index, 4).count)
                sum += count
            }
            #expect(sum == keys.count)
        }
    }

    private func own(_ index: Int, _ count: Int) -> [StoredKey] {
        keys.filter { ShardSlice(index: index, count: count).contains($0.token) }
    }

    // MARK: Upkeep

    @Test("it compares its own partitions and no others, and mends what differs there")
    func compares() throws {
        let clusters = try clusters(2) {
            $0.hintBytesMax = 0
            $0.compareInterval = .seconds(10)
        }
        let slices = slices(2)
        for (slice, cluster) in zip(slices, clusters) {
            let own = own(slice.index, 2)
            for key in own { cluster.set(key, "old") }
            cluster.take(down: 3)
            for key in own.prefix(7) { cluster.set(key, "new") }
            cluster.bring(up: 3)
            cluster.settle()
            for node in cluster.nodes {
                cluster.step(node.id, .compareNow)
                cluster.settle()
            }
            #expect(own.prefix(7).allSatisfy { cluster.stored($0, on: 3) == "new" })
            let time = ClockReading(now: cluster.now, wall: cluster.wall(NodeID(3)))
            let status = cluster.node(3).shard.entropyStatus(at: time)
            #expect(status.ranges.map(\.partition) == Array(slice.partitions(of: 64)))
            #expect(status.ranges.allSatisfy { $0.verifiedAge != nil })
        }
    }

    @Test("it asks its storage for nothing of other partitions, all through a change of the ring")
    func takesOver() throws {
        let slice = ShardSlice(index: 2, count: 4)
        let partitions = slice.partitions(of: 64)
        let cluster = try Cluster(slice: slice)
        cluster.holds = { event in
            if case .storage(_, let request) = event { expectWithin(slice, request) }
            return false
        }
        let own = own(2, 4)
        for key in own { cluster.set(key, "v", .all) }
        cluster.settle()
        var document = try replacing(cluster)
        cluster.adopt(document)
        #expect(cluster.node(4).shard.ringReport?.progress.partitionsLeft == partitions.count)
        document = try document.advancing(Array(0..<64), to: .writeBoth)
        cluster.adopt(document)
        keepHouse(cluster, rounds: 20)
        let said = cluster.node(4).shard.ringReport
        let report = try #require(said)
        #expect(report.ready == partitions.map { UInt16($0) })
        #expect(report.progress.partitionsDone == partitions.count)
        #expect(report.progress.partitionsLeft == 0)
        #expect(own.allSatisfy { cluster.stored($0, on: 4) == "v" })
        for step: PartitionStep in [.readNext, .next] {
            document = try document.advancing(Array(0..<64), to: step)
            cluster.adopt(document)
            keepHouse(cluster, rounds: 2)
        }
        #expect(cluster.node(3).shard.ringReport?.isDrained == true)
        #expect(cluster.node(3).disk.isEmpty)
        cluster.adopt(try document.finishing())
        keepHouse(cluster, rounds: 2)
        #expect(cluster.node(3).shard.hasGivenAllAway && cluster.isQuiet)
    }

    /// The ring in which #4 takes the place of #3, before anything moves.
    private func replacing(_ cluster: Cluster) throws -> RingDocument {
        let document = cluster.ring.document
        let new = Member(id: NodeID(4), name: "n4", peerAddress: "127.0.0.1:7404")
        let owners = document.owners.map { $0 == NodeID(3) ? NodeID(4) : $0 }
        let members = document.members.filter { $0.id != NodeID(3) } + [new]
        return try document.beginning(members: members, owners: owners)
    }

    private func expectWithin(_ slice: ShardSlice, _ request: StorageRequest) {
        let partitions = slice.partitions(of: 64)
        switch request {
        case .load(let key, _), .loadVersion(let key, _), .persist(let key, _, _, _),
            .remove(let key, _):
            #expect(slice.contains(key.token))
        case .list(let range, _):
            #expect(slice.contains(range.from) && slice.contains(range.through))
        case .scan(let range, _):
            #expect(slice.contains(range.from) && slice.contains(range.through))
        case .dropPartition(let partition, _, _), .saveWatermark(let partition, _, _),
            .saveTransfer(let partition, _, _):
            #expect(partitions.contains(partition))
        case .keepHints, .loadHints, .dropHints: break
        }
    }

    @Test("it hands out nothing of a partition that is another shard's")
    func foreignTransfer() throws {
        let cluster = try Cluster(slice: ShardSlice(index: 0, count: 2))
        var document = try replacing(cluster)
        cluster.adopt(document)
        document = try document.advancing(Array(0..<64), to: .writeBoth)
        cluster.adopt(document)
        for (partition, isOwn) in [(0, true), (31, true), (32, false), (63, false)] {
            var refused = false
            cluster.holds = { event in
                guard case .message(_, _, .transferred(_, let result)) = event else { return false }
                if case .staleRing = result { refused = true }
                return true
            }
            let request = TransferRequest(
                partition: partition,
                from: nil,
                bytesMax: 1,
                epoch: document.epoch
            )
            let id = RequestID(rawValue: UInt64(partition + 1))
            cluster.step(NodeID(1), .message(from: NodeID(4), .transfer(id, request)))
            cluster.run()
            #expect(refused == !isOwn, "partition \(partition)")
        }
    }
}
