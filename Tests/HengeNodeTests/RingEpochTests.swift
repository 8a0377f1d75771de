import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import Testing

/// Requests while the ring changes: whom they ask, what is refused for an old ring, and that no
/// client hears of either.
@Suite struct RingEpochTests {
    /// Three members with N = 3 and a fourth that takes n3's place. All shards start with the
    /// document that begins the change.
    private func cluster(replacing leaving: Int = 3) throws -> (Cluster, RingDocument) {
        let list = (1...3).map { "n\($0)=127.0.0.1:\(7400 + $0)" }.joined(separator: ",")
        let document = try RingDocument.bootstrap(
            try BootstrapList.parse(list),
            replicas: 3,
            partitions: 64
        )
        let joining = Member(id: NodeID(4), name: "n4", peerAddress: "127.0.0.1:7404")
        let leaver = NodeID(UInt16(leaving))
        let begun = try document.beginning(
            members: document.members.filter { $0.id != leaver } + [joining],
            owners: document.owners.map { $0 == leaver ? joining.id : $0 }
        )
        return (try Cluster(document: begun), begun)
    }

    private func all(_ document: RingDocument) -> [Int] { Array(document.owners.indices) }

    @Test("before the first step the next replica takes no part")
    func current() throws {
        let (cluster, _) = try cluster()
        let k = key("k")
        #expect(cluster.set(k, "1", at: 1, .all) == "OK")
        #expect(cluster.stored(k, on: 3) == "1" && cluster.stored(k, on: 4) == nil)
        // It is no coordinator either.
        #expect(cluster.get(k, at: 4) == "1")
        #expect((1...3).contains { cluster.sent.contains("4→\($0) forward") })
    }

    @Test("while both sets are written to a write goes to the union, reads to the current set")
    func writeBoth() throws {
        let (cluster, begun) = try cluster()
        let k = key("k")
        let document = try begun.advancing(all(begun), to: .writeBoth)
        cluster.adopt(document)
        #expect(cluster.set(k, "1", at: 1, .all) == "OK")
        for node in 1...4 { #expect(cluster.stored(k, on: node) == "1") }
        cluster.forgetSent()
        for _ in 0..<6 { #expect(cluster.get(k, at: 1, .all) == "1") }
        #expect(!cluster.sent.contains { $0.hasPrefix("1→4 fetch") })
        #expect(cluster.sent.contains { $0.hasPrefix("1→3 fetch") })
        // With one replica of each set down W = 2 of both is still met, with n4 and n3 down too.
        cluster.take(down: 4)
        #expect(cluster.set(k, "2", at: 1) == "OK")
        cluster.take(down: 2)
        #expect(cluster.set(k, "3", at: 1) == "UNAVAILABLE required=2 alive=1")
        // What a read shows has to be at a quorum of both, too.
        #expect(cluster.get(k, at: 1) == "UNAVAILABLE required=2 alive=1")
        #expect(cluster.get(k, at: 1, .one) == "2")
    }

    /// n1 and n2 are in both sets; one that is in one of them alone has a write that timed out.
    @Test("what a read has shown is at a quorum of both sets, whichever is asked next")
    func monotonic() throws {
        for (step, reader, other) in [(PartitionStep.writeBoth, 3, 4), (.readNext, 4, 3)] {
            let (cluster, begun) = try cluster()
            let k = key("k")
            var document = try begun.advancing(all(begun), to: .writeBoth)
            cluster.adopt(document)
            #expect(cluster.set(k, "old", at: 1, .all) == "OK")
            if step == .readNext {
                document = try document.advancing(all(document), to: .readNext)
                cluster.adopt(document)
            }
            cluster.pauseHints()
            // Only the reader stores it.
            cluster.holds = { event in
                guard case .message(let from, _, .store) = event else { return false }
                return from == NodeID(UInt16(reader))
            }
            let lost = cluster.request(.write(.value("new")), k, at: reader)
            cluster.settle()
            #expect(cluster.answer(lost)?.hasPrefix("TIMEOUT") == true)
            #expect(cluster.stored(k, on: reader) == "new")
            cluster.holds = { _ in false }
            // A read that asks the reader and n1 shows it, and brings it to one of both.
            cluster.take(down: 2)
            #expect(cluster.get(k, at: reader) == "new")
            let holders = [1, 2, other].filter { cluster.stored(k, on: $0) == "new" }
            #expect(holders == [1, other], "at \(step)")
        }
    }

    @Test("then reads ask the next set, and the last step leaves the old replica out")
    func readNextAndNext() throws {
        let (cluster, begun) = try cluster()
        let k = key("k")
        var document = try begun.advancing(all(begun), to: .writeBoth)
        cluster.adopt(document)
        #expect(cluster.set(k, "1", at: 1, .all) == "OK")
        document = try document.advancing(all(document), to: .readNext)
        cluster.adopt(document)
        cluster.forgetSent()
        for _ in 0..<6 { #expect(cluster.get(k, at: 1, .all) == "1") }
        #expect(!cluster.sent.contains { $0.hasPrefix("1→3 fetch") })
        #expect(cluster.sent.contains { $0.hasPrefix("1→4 fetch") })
        #expect(cluster.set(k, "2", at: 4, .all) == "OK")
        #expect(cluster.stored(k, on: 3) == "2")
        document = try document.advancing(all(document), to: .next)
        cluster.adopt(document)
        #expect(cluster.set(k, "3", at: 1, .all) == "OK")
        #expect(cluster.stored(k, on: 3) == "2" && cluster.stored(k, on: 4) == "3")
        // The one that has left hands on what clients still ask it for.
        #expect(cluster.get(k, at: 3) == "3")
        #expect(cluster.set(k, "4", at: 3) == "OK")
        #expect(cluster.isQuiet)
    }

    @Test("a write by an old ring is refused, and goes on by the newer one with the same dot")
    func staleWrite() throws {
        let (cluster, begun) = try cluster()
        let k = key("k")
        let document = try begun.advancing(all(begun), to: .writeBoth)
        // n1 has not heard of it yet.
        for node in 2...4 { cluster.adopt(document, at: node) }
        let ticket = cluster.request(.write(.value("1")), k, at: 1)
        cluster.run()
        #expect(cluster.answer(ticket) == nil)
        #expect(cluster.node(1).shard.counters.staleRingRefusals == 2)
        #expect(cluster.oldRings.contains { $0.epoch == document.epoch && $0.at == NodeID(1) })
        #expect(cluster.node(1).shard.hasWork && cluster.node(1).shard.inFlight == 1)
        cluster.adopt(document, at: 1)
        cluster.run()
        #expect(cluster.answer(ticket) == "OK")
        for node in 1...4 { #expect(cluster.stored(k, on: node) == "1") }
        // One write, one sibling everywhere: it was not made twice.
        let versions = Set((1...4).map { cluster.node($0).disk[k] })
        #expect(versions.count == 1)
        #expect(cluster.isQuiet)
    }

    @Test("a read by an old ring begins anew, and a conditional write too")
    func staleRead() throws {
        let (cluster, begun) = try cluster()
        let k = key("k")
        #expect(cluster.set(k, "1", at: 1, .all) == "OK")
        let document = try begun.advancing(all(begun), to: .writeBoth)
        for node in 2...4 { cluster.adopt(document, at: node) }
        let read = cluster.request(.read, k, at: 1)
        let write = cluster.request(
            .write(.value("2", condition: .present, returnsPrevious: true)),
            k,
            at: 1
        )
        cluster.run()
        #expect(cluster.answer(read) == nil && cluster.answer(write) == nil)
        cluster.adopt(document, at: 1)
        cluster.run()
        #expect(cluster.answer(read) == "1")
        #expect(cluster.answer(write) == "OK, was 1")
        #expect(cluster.stored(k, on: 4) == "2")
        #expect(cluster.isQuiet)
    }

    @Test("what no newer ring comes for ends at its deadline")
    func deadline() throws {
        let (cluster, begun) = try cluster()
        let document = try begun.advancing(all(begun), to: .writeBoth)
        for node in 2...4 { cluster.adopt(document, at: node) }
        let read = cluster.request(.read, key("k"), at: 1)
        let write = cluster.request(.write(.value("2")), key("k"), at: 1)
        let everything = ScanRange(
            from: .min,
            through: .max,
            bucket: nil,
            limit: 10,
            examinedMax: 100,
            wall: cluster.wall(NodeID(1))
        )
        let count = cluster.submit(at: 4) { .count($0, timeout: .milliseconds(400)) }
        let scan = cluster.submit(at: 4) { .scan($0, everything, timeout: .milliseconds(400)) }
        cluster.run()
        #expect(cluster.answer(scan) != nil && cluster.answer(count) != nil)
        cluster.settle()
        #expect(cluster.answer(read)?.hasPrefix("TIMEOUT") == true)
        #expect(cluster.answer(write)?.hasPrefix("TIMEOUT") == true)
        #expect(cluster.isQuiet)
    }

    @Test("a store by a newer ring waits at a node that its own ring does not name")
    func early() throws {
        let (cluster, begun) = try cluster()
        let k = key("k")
        let document = try begun.advancing(all(begun), to: .writeBoth)
        for node in 1...3 { cluster.adopt(document, at: node) }
        let ticket = cluster.request(.write(.value("1")), k, at: 1, write: .all)
        cluster.run()
        #expect(cluster.answer(ticket) == nil && cluster.stored(k, on: 4) == nil)
        cluster.adopt(document, at: 4)
        cluster.run()
        #expect(cluster.answer(ticket) == "OK")
        #expect(cluster.stored(k, on: 4) == "1")
        #expect(cluster.isQuiet)
    }

    @Test("a request that is handed to where the key was is handed on")
    func handedOn() throws {
        let (cluster, begun) = try cluster()
        let k = key("k")
        var document = begun
        var documents: [RingDocument] = []
        for step in [PartitionStep.writeBoth, .readNext, .next] {
            document = try document.advancing(all(document), to: step)
            documents.append(document)
        }
        cluster.adopt(documents[0])
        #expect(cluster.set(k, "1", at: 1, .all) == "OK")
        for node in 1...3 { for document in documents { cluster.adopt(document, at: node) } }
        // n4 reads by the step at which n3 was still asked.
        cluster.take(down: 1)
        cluster.take(down: 2)
        let ticket = cluster.request(.read, k, at: 4, read: .one)
        cluster.run()
        cluster.adopt(documents[2], at: 4)
        cluster.run()
        #expect(cluster.answer(ticket) == "1")
    }

    @Test("a scan and a count by an old ring go on by the newer one")
    func coverage() throws {
        let (cluster, begun) = try cluster()
        for number in 0..<40 { cluster.set(key("k\(number)"), "v", at: 1, .all) }
        var document = try begun.advancing(all(begun), to: .writeBoth)
        cluster.adopt(document)
        for number in 0..<40 { cluster.set(key("k\(number)"), "w", at: 1, .all) }
        document = try document.advancing(all(document), to: .readNext)
        for node in 1...3 { cluster.adopt(document, at: node) }
        let range = ScanRange(
            from: .min,
            through: .max,
            bucket: nil,
            limit: 100,
            examinedMax: 1_000,
            wall: cluster.wall(NodeID(4))
        )
        let scan = cluster.submit(at: 4) { .scan($0, range, timeout: .seconds(1)) }
        let count = cluster.submit(at: 4) { .count($0, timeout: .seconds(1)) }
        cluster.run()
        #expect(cluster.answer(scan) == nil && cluster.answer(count) == nil)
        cluster.adopt(document, at: 4)
        cluster.run()
        guard case .page(let page)? = cluster.reply(scan),
            case .count(let keys)? = cluster.reply(count)
        else {
            Issue.record("no answer")
            return
        }
        #expect(page.keys.count == 40 && keys == 40)
        #expect(cluster.isQuiet)
    }
}
