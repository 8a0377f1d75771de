import HengeBase
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing
import Testing

/// Telling when all is done that there was to do at some time.
@Suite struct SettleTests {
    private func reading(_ cluster: Cluster, _ node: Int) -> ClockReading {
        ClockReading(now: cluster.now, wall: cluster.wall(NodeID(UInt16(node))))
    }

    private func mark(_ cluster: Cluster, at node: Int = 1) throws -> SettleStatus {
        let status = cluster.node(node).shard.beginSettling(at: reading(cluster, node))
        return try #require(status)
    }

    /// As somebody asks who waits for no other node.
    private func status(
        of mark: SettleStatus,
        _ cluster: Cluster,
        at node: Int = 1,
        comparing: Bool = true
    ) -> SettleStatus? {
        cluster.node(node).shard.settleStatus(
            of: mark.token,
            comparing: comparing,
            at: reading(cluster, node)
        )
    }

    private func left(
        _ mark: SettleStatus,
        _ cluster: Cluster,
        at node: Int = 1
    ) throws -> [SettleStatus.Work] {
        try #require(status(of: mark, cluster, at: node)).left.map(\.work)
    }

    /// Rounds of all that is done in the background, with a look at the mark before each.
    ///
    /// - Returns: whether all was done in the end.
    private func settles(
        _ mark: SettleStatus,
        _ cluster: Cluster,
        at node: Int = 1,
        rounds: Int = 40
    ) -> Bool {
        for _ in 0..<rounds {
            guard let status = status(of: mark, cluster, at: node) else { return false }
            if status.left.isEmpty { return true }
            pass(cluster)
        }
        return false
    }

    /// A round of all that is done in the background.
    private func pass(_ cluster: Cluster) {
        cluster.pass(milliseconds: 1_000)
        cluster.housekeep()
        // What waits for a step of the ring never comes to rest.
        cluster.settle(limitMilliseconds: 1_000)
    }

    private func hints(_ left: [SettleStatus.Work]) -> [Int] {
        left.compactMap {
            guard case .hints(for: _, let count, bytes: _) = $0 else { return nil }
            return count
        }
    }

    // MARK: Hints and comparisons

    @Test("hints are waited for while their node is down, and then comparisons with it")
    func down() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        for number in 0..<5 { cluster.set(key("k\(number)"), "v") }
        cluster.settle()
        let mark = try mark(cluster)
        let three = NodeID(3)
        #expect(mark.left.count == 3 && mark.epoch == 1)
        guard case .hints(for: three, count: 5, let bytes) = mark.left[0].work else {
            Issue.record("\(mark.left)")
            return
        }
        #expect(bytes > 0 && mark.left[0].wait == .down(three))
        #expect(!settles(mark, cluster, rounds: 5))
        let later = try #require(status(of: mark, cluster))
        #expect(later.left.map(\.wait) == [.down(three), .hints, .down(three)])
        #expect(later.left[2].work == .comparisons(with: three, partitions: 64))

        cluster.bring(up: 3)
        #expect(settles(mark, cluster))
        for number in 0..<5 { #expect(cluster.stored(key("k\(number)"), on: 3) == "v") }
        // It stays so, whatever comes.
        cluster.take(down: 3)
        cluster.set(key("k0"), "w")
        #expect(status(of: mark, cluster)?.left.isEmpty == true)
    }

    @Test("comparisons count once no other node holds anything for the two, and not before")
    func order() throws {
        let cluster = try Cluster(nodes: 5)
        let k = key("k")
        let partition = cluster.ring.partition(of: k.token)
        let list = cluster.ring.preferenceList(partition: partition)
        let homes = (0..<3).map { Int(list[$0].rawValue) }
        let others = cluster.ring.standIns(partition: partition).map { Int($0.rawValue) }
        let holder = others[0]
        for node in homes + [others[1]] { cluster.take(down: node) }
        #expect(cluster.set(k, "v", at: holder, .one, sloppy: true) == "OK")
        #expect(cluster.stored(k.standingIn(for: list[0]), on: holder) == "v")
        cluster.pauseHints()
        // Of all that is known of the write the record in the place of the first home is left.
        for home in homes.dropFirst() {
            cluster.step(NodeID(UInt16(holder)), .hints(.drop(NodeID(UInt16(home)))))
        }
        cluster.run()
        for node in homes + [others[1]] { cluster.bring(up: node) }
        let marks = try (1...5).map { try mark(cluster, at: $0) }
        func rounds(comparing: Bool) {
            for _ in 0..<20 {
                for (index, mark) in marks.enumerated() {
                    _ = status(of: mark, cluster, at: index + 1, comparing: comparing)
                }
                pass(cluster)
            }
        }
        rounds(comparing: false)
        #expect(homes.map { cluster.stored(k, on: $0) } == [nil, nil, nil])
        for node in 1...5 { cluster.step(NodeID(UInt16(node)), .hints(.resume)) }
        rounds(comparing: false)
        #expect(homes.map { cluster.stored(k, on: $0) } == ["v", nil, nil])
        for (index, mark) in marks.enumerated() {
            let left = try #require(status(of: mark, cluster, at: index + 1, comparing: false)).left
            #expect(!left.isEmpty && left.allSatisfy { $0.wait == .hints }, "\(left)")
        }
        rounds(comparing: true)
        for (index, mark) in marks.enumerated() {
            #expect(status(of: mark, cluster, at: index + 1)?.left.isEmpty == true)
        }
        #expect(homes.map { cluster.stored(k, on: $0) } == ["v", "v", "v"])
    }

    @Test("what comes after a mark does not count")
    func later() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        cluster.set(key("before"), "v")
        let marked = try mark(cluster)
        cluster.set(key("after"), "v")
        #expect(hints(try left(marked, cluster)) == [1])
        #expect(hints(try mark(cluster).left.map(\.work)) == [2])

        cluster.step(NodeID(1), .hints(.pause))
        cluster.bring(up: 3)
        #expect(try #require(status(of: marked, cluster)).left[0].wait == .paused)
        cluster.step(NodeID(1), .hints(.resume))
        cluster.settle()
        cluster.take(down: 3)
        cluster.set(key("more"), "v")
        #expect(cluster.hints(on: 1, for: 3).count == 1)
        #expect(hints(try left(marked, cluster)).isEmpty)
    }

    @Test("a record that is held for a node that leaves is waited for in its heirs' places")
    func heirs() throws {
        let cluster = try Cluster(nodes: 5)
        let k = key("k")
        let list = cluster.ring.preferenceList(of: k.token)
        let standIns = cluster.ring.standIns(partition: cluster.ring.partition(of: k.token))
        let (home, leaver, holder, heir) = (list[0], list[2], standIns[0], standIns[1])
        cluster.take(down: Int(leaver.rawValue))
        cluster.take(down: Int(heir.rawValue))
        #expect(cluster.set(k, "v", at: Int(home.rawValue), .all, sloppy: true) == "OK")
        let mark = try mark(cluster, at: Int(holder.rawValue))
        #expect(hints(mark.left.map(\.work)) == [1])
        let begun = try cluster.ring.document.beginning(
            members: cluster.ring.document.members.filter { $0.id != leaver },
            owners: cluster.ring.document.owners.map { $0 == leaver ? heir : $0 }
        )
        var document = begun
        for step in [PartitionStep.writeBoth, .readNext, .next] {
            let moving = (0..<64).filter { document.transition?.steps[$0] ?? .next < step }
            document = try document.advancing(moving, to: step)
        }
        cluster.adopt(try document.finishing())
        cluster.housekeep()
        cluster.settle(limitMilliseconds: 1_000)
        #expect(cluster.stored(k.standingIn(for: heir), on: Int(holder.rawValue)) == "v")
        let work = try left(mark, cluster, at: Int(holder.rawValue))
        #expect(
            work.contains {
                if case .hints(for: heir, count: 1, bytes: _) = $0 { true } else { false }
            },
            "\(work)"
        )
        #expect(hints(work).count == 1)
    }

    @Test("differences of which no hint tells are waited for, and made equal")
    func differences() throws {
        var configuration = ShardConfiguration()
        configuration.hintBytesMax = 0
        let cluster = try Cluster(configuration: configuration)
        cluster.take(down: 3)
        for number in 0..<20 { cluster.set(key("k\(number)"), "v") }
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.stored(key("k1"), on: 3) == nil)
        let marks = try (1...3).map { try mark(cluster, at: $0) }
        for mark in marks {
            #expect(hints(mark.left.map(\.work)).isEmpty)
            #expect(
                mark.left.map(\.work).allSatisfy {
                    if case .comparisons(with: _, partitions: 64) = $0 { true } else { false }
                })
        }
        for (index, mark) in marks.enumerated() { #expect(settles(mark, cluster, at: index + 1)) }
        for number in 0..<20 { #expect(cluster.stored(key("k\(number)"), on: 3) == "v") }
        // It took what was marked, and not the next time that it is due.
        #expect(cluster.now < Instant(nanoseconds: 60_000_000_000))
    }

    @Test("a comparison that was begun before a mark does not count")
    func earlier() throws {
        let cluster = try Cluster()
        cluster.holds = { if case .message(_, _, .entropy) = $0 { true } else { false } }
        for node in 1...3 { cluster.step(NodeID(UInt16(node)), .compareNow) }
        cluster.run()
        let mark = try mark(cluster)
        cluster.release()
        cluster.settle()
        let ranges = cluster.node(1).shard.entropyStatus(at: reading(cluster, 1)).ranges
        #expect(ranges.contains { $0.verifiedAge != nil })
        #expect(try left(mark, cluster).count == 2)
        #expect(settles(mark, cluster))
    }

    // MARK: Changes of the ring

    @Test("a change that runs is waited for, with what it leaves behind and its comparisons")
    func change() throws {
        let cluster = try Cluster(configuration: ShardConfiguration())
        for number in 0..<100 { cluster.set(key("k\(number)"), "v", .all) }
        cluster.settle()
        var document = try replacing(cluster.ring.document, 3, with: 4)
        cluster.adopt(document)
        let marks = try (1...4).map { try mark(cluster, at: $0) }
        #expect(marks.allSatisfy { $0.left.contains { $0.work == .change(partitions: 0) } })
        for step in [PartitionStep.writeBoth, .readNext, .next] {
            document = try document.advancing(Array(0..<64), to: step)
            cluster.adopt(document)
            #expect(!settles(marks[0], cluster, rounds: 10), "\(step)")
            for node in 2...4 { #expect(status(of: marks[node - 1], cluster, at: node) != nil) }
        }
        document = try document.finishing()
        cluster.adopt(document)
        cluster.pass(milliseconds: 1)
        // Of changes that begin now nothing is waited for.
        document = try replacing(document, 4, with: 5)
        cluster.adopt(document)
        document = try document.advancing(Array(0..<64), to: .writeBoth)
        cluster.adopt(document)
        for node in [1, 2, 4] {
            let isDone = settles(marks[node - 1], cluster, at: node, rounds: 10)
            let left = status(of: marks[node - 1], cluster, at: node)?.left ?? []
            #expect(isDone, "\(node): \(left)")
        }
        #expect(cluster.node(3).disk.isEmpty)
        for number in 0..<100 { #expect(cluster.stored(key("k\(number)"), on: 4) == "v") }
    }

    @Test("a change that goes back goes on")
    func abort() throws {
        let cluster = try Cluster()
        var document = try replacing(cluster.ring.document, 3, with: 4)
        cluster.adopt(document)
        let mark = try mark(cluster)
        document = try document.aborting()
        cluster.adopt(document)
        #expect(try left(mark, cluster).contains { $0 == .change(partitions: 0) })
        cluster.adopt(try document.finishing())
        #expect(!(try left(mark, cluster).contains { $0 == .change(partitions: 0) }))
        #expect(settles(mark, cluster))
    }

    private func replacing(
        _ document: RingDocument,
        _ old: UInt16,
        with new: UInt16
    ) throws -> RingDocument {
        let address = "127.0.0.1:\(7400 + new)"
        let member = Member(id: NodeID(new), name: "n\(new)", peerAddress: address)
        return try document.beginning(
            members: document.members.filter { $0.id != NodeID(old) } + [member],
            owners: document.owners.map { $0 == NodeID(old) ? NodeID(new) : $0 }
        )
    }

    // MARK: Names

    @Test("a mark is forgotten when nobody asks for it, and no more than 64 are kept")
    func names() throws {
        let cluster = try Cluster()
        let first = try mark(cluster)
        for _ in 1..<64 { _ = try mark(cluster) }
        #expect(cluster.node(1).shard.beginSettling(at: reading(cluster, 1)) == nil)
        for _ in 0..<61 { cluster.pass(milliseconds: 1_000) }
        #expect(status(of: first, cluster) != nil)
        #expect(cluster.node(1).shard.beginSettling(at: reading(cluster, 1)) != nil)
        cluster.take(down: 1)
        cluster.restart(1)
        #expect(status(of: first, cluster) == nil)
    }
}
