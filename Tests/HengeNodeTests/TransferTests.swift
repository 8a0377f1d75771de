import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing
import Testing

import struct NIOCore.ByteBuffer

/// Partitions that move to a new node in a small cluster, and what is left behind.
@Suite struct TransferTests {
    private let names = (0..<300).map { "key \($0)" }
    private var keys: [StoredKey] { names.map { key($0) } }

    /// Three nodes that hold everything, with these keys, one record a page.
    private func cluster(_ change: (inout ShardConfiguration) -> Void = { _ in }) throws -> Cluster
    {
        var configuration = ShardConfiguration()
        configuration.transferPageBytes = 1
        change(&configuration)
        let cluster = try Cluster(configuration: configuration)
        for name in names { cluster.set(key(name), "v", .all) }
        cluster.settle()
        return cluster
    }

    /// The ring in which #4 takes the place of #3, before anything moves.
    private func replacing(_ cluster: Cluster) throws -> RingDocument {
        let document = cluster.ring.document
        let new = Member(id: NodeID(4), name: "n4", peerAddress: "127.0.0.1:7404")
        let owners = document.owners.map { $0 == NodeID(3) ? NodeID(4) : $0 }
        let members = document.members.filter { $0.id != NodeID(3) } + [new]
        return try document.beginning(members: members, owners: owners)
    }

    private var all: [Int] { Array(0..<64) }

    private func keepHouse(_ cluster: Cluster, rounds: Int) {
        for _ in 0..<rounds {
            cluster.pass(milliseconds: 1_000)
            cluster.housekeep()
            cluster.settle()
        }
    }

    private func report(_ cluster: Cluster, _ node: Int = 4) throws -> RingReport {
        let report = cluster.node(node).shard.ringReport
        return try #require(report)
    }

    private func held(_ cluster: Cluster, on node: Int) -> Int {
        names.count { cluster.stored(key($0), on: node) == "v" }
    }

    // MARK: Stories

    @Test("all that a node holds moves to the one in its place, step by step, and is then dropped")
    func story() throws {
        let cluster = try cluster()
        #expect(cluster.node(1).shard.ringReport == nil)
        var document = try replacing(cluster)
        cluster.adopt(document)
        keepHouse(cluster, rounds: 2)
        #expect(held(cluster, on: 4) == 0)
        #expect(try report(cluster).progress.partitionsLeft == 64)
        document = try document.advancing(all, to: .writeBoth)
        cluster.adopt(document)
        keepHouse(cluster, rounds: 40)
        #expect(held(cluster, on: 4) == names.count)
        let done = try report(cluster)
        #expect(done.ready == (0..<64).map { UInt16($0) } && done.epoch == document.epoch)
        #expect(done.progress.partitionsDone == 64 && done.progress.partitionsLeft == 0)
        #expect(done.progress.keysDone == names.count && done.progress.bytesLeft == 0)
        #expect(done.progress.wait == nil && done.progress.recordsSkipped == 0)
        #expect(try report(cluster, 1).ready.isEmpty)
        let counters = cluster.node(4).shard.counters
        #expect(counters.recordsTakenOver == names.count && counters.partitionsTakenOver == 64)
        // Only the node in whose place it comes was asked, and each record came once.
        #expect(cluster.sent.count { $0.hasPrefix("4→3 transfer") } >= names.count)
        #expect(!cluster.sent.contains { $0.hasPrefix("4→1 transfer") })

        document = try document.advancing(all, to: .readNext)
        cluster.adopt(document)
        keepHouse(cluster, rounds: 2)
        #expect(held(cluster, on: 3) == names.count)
        #expect(try report(cluster).progress.partitionsDone == 64)
        document = try document.advancing(all, to: .next)
        cluster.adopt(document)
        keepHouse(cluster, rounds: 2)
        #expect(held(cluster, on: 3) == 0 && cluster.node(3).disk.isEmpty)
        #expect(cluster.node(3).shard.counters.partitionsDropped > 30)
        cluster.adopt(try document.finishing())
        keepHouse(cluster, rounds: 2)
        for node in [1, 2, 4] { #expect(held(cluster, on: node) == names.count) }
        #expect(cluster.node(4).transfers.isEmpty && cluster.isQuiet)
        #expect(cluster.node(4).shard.ringReport == nil)
        let tallies = cluster.nodes.map { $0.shard.savedState.counts?.tallies.map(\.records) }
        #expect(tallies[2]?.reduce(0, +) == 0 && tallies[3] == tallies[0])
        for partition in all {
            #expect(cluster.node(3).shard.root(of: partition) == 0)
            #expect(
                cluster.node(4).shard.root(of: partition)
                    == cluster.node(1).shard.root(of: partition))
        }
    }

    @Test("a giving node with an old copy of its disk waits for no node that waits for it")
    func oldCopyGives() throws {
        let cluster = try cluster()
        var document = try replacing(cluster)
        cluster.adopt(document)
        document = try document.advancing(all, to: .writeBoth)
        cluster.adopt(document)
        cluster.take(down: 3)
        let saved = cluster.node(3).shard.savedState
        cluster.restart(3, saved: saved, confirmed: false)
        #expect(cluster.notes.contains(.mustCompare))
        #expect(cluster.node(3).shard.isCompared == false)
        keepHouse(cluster, rounds: 60)
        #expect(cluster.node(3).shard.isCompared == true)
        #expect(held(cluster, on: 4) == names.count)
        #expect(try report(cluster).ready.count == 64)
    }

    @Test("nothing moves before majorities of both sets have adopted the step")
    func adoption() throws {
        let cluster = try cluster()
        let document = try replacing(cluster)
        cluster.adopt(document)
        let both = Ring(try document.advancing(all, to: .writeBoth))
        cluster.step(NodeID(4), .ring(both))
        cluster.step(NodeID(4), .memberEpoch(NodeID(1), both.document.epoch))
        keepHouse(cluster, rounds: 3)
        #expect(!cluster.sent.contains { $0.contains("transfer") })
        #expect(try report(cluster).progress.wait == .adoption)
        // #3 is not there yet, and says so; it is asked again.
        cluster.step(NodeID(4), .memberEpoch(NodeID(2), both.document.epoch))
        keepHouse(cluster, rounds: 2)
        #expect(cluster.sent.contains { $0.hasPrefix("3→4 transferred staleRing") })
        #expect(held(cluster, on: 4) == 0)
        #expect(try report(cluster).progress.wait == .source(NodeID(3)))
        cluster.step(NodeID(3), .ring(both))
        keepHouse(cluster, rounds: 60)
        #expect(held(cluster, on: 4) == names.count)
    }

    @Test("in the place of a node that is down, all is merged from a majority of the others")
    func quorum() throws {
        let cluster = try cluster()
        cluster.take(down: 3)
        // #1 and #2 each hold what the other lacks.
        for (number, name) in names.enumerated() {
            cluster.node(1 + number % 2).disk[key(name)] = nil
        }
        let document = try replacing(cluster)
        cluster.adopt(document)
        cluster.adopt(try document.advancing(all, to: .writeBoth))
        keepHouse(cluster, rounds: 80)
        #expect(held(cluster, on: 4) == names.count)
        #expect(try report(cluster).ready.count == 64)
        // One alone is no quorum.
        cluster.take(down: 2)
        cluster.node(4).disk = [:]
        cluster.node(4).transfers = [:]
        cluster.take(down: 4)
        cluster.restart(4)
        cluster.take(down: 2)
        cluster.tellEpochs()
        cluster.step(NodeID(4), .memberEpoch(NodeID(2), cluster.ring.document.epoch))
        keepHouse(cluster, rounds: 3)
        #expect(held(cluster, on: 4) == 0)
        #expect(try report(cluster).progress.wait == .source(NodeID(3)))
    }

    @Test("a crash of the receiver goes on where it was; what is ready stays ready")
    func receiverCrash() throws {
        let cluster = try cluster()
        let document = try replacing(cluster)
        cluster.adopt(document)
        // So that it takes a while.
        var budget = 150
        cluster.holds = { event in
            guard event.isMessage("transfer", to: 3) else { return false }
            budget -= 1
            return budget < 0
        }
        cluster.adopt(try document.advancing(all, to: .writeBoth))
        for _ in 0..<20 {
            cluster.pass(milliseconds: 1_000)
            cluster.housekeep()
        }
        let before = held(cluster, on: 4)
        #expect(before > 20 && before < names.count)
        let ready = try report(cluster).ready
        #expect(!ready.isEmpty && ready.count < 64)
        cluster.take(down: 4)
        cluster.restart(4)
        cluster.node(4).shard.addInitialTallies(
            cluster.node(4).tally(cluster.ring),
            leaves: cluster.noLeaves
        )
        cluster.tellEpochs()
        cluster.holds = { _ in false }
        cluster.housekeep()
        #expect(try Set(report(cluster).ready).isSuperset(of: ready))
        keepHouse(cluster, rounds: 60)
        #expect(held(cluster, on: 4) == names.count)
        #expect(try report(cluster).ready.count == 64)
        // Nothing came twice, but the page of each partition that was under way.
        #expect(cluster.node(4).shard.counters.recordsTakenOver <= names.count - before + 4)
        #expect(try report(cluster).progress.keysDone <= names.count + 4)
    }

    @Test("when the source dies on the way, others go on from where it was")
    func sourceDeath() throws {
        let cluster = try cluster()
        let document = try replacing(cluster)
        cluster.adopt(document)
        var budget = 150
        cluster.holds = { event in
            guard event.isMessage("transfer", to: 3) else { return false }
            budget -= 1
            return budget < 0
        }
        cluster.adopt(try document.advancing(all, to: .writeBoth))
        for _ in 0..<20 {
            cluster.pass(milliseconds: 1_000)
            cluster.housekeep()
        }
        let before = held(cluster, on: 4)
        #expect(before > 20 && before < names.count)
        cluster.take(down: 3)
        cluster.holds = { _ in false }
        keepHouse(cluster, rounds: 80)
        #expect(held(cluster, on: 4) == names.count)
        let pages = cluster.node(1).shard.counters.transferPagesServed
        #expect(pages > 0 && pages < names.count - before + 70)
        #expect(try report(cluster).ready.count == 64)
    }

    // MARK: Faults

    @Test("a rotten record is left out and told, and its holder mends it")
    func rotten() throws {
        let cluster = try cluster()
        cluster.node(3).disk[key(names[5])] = ByteBuffer(string: "rotten")
        let document = try replacing(cluster)
        cluster.adopt(document)
        cluster.adopt(try document.advancing(all, to: .writeBoth))
        keepHouse(cluster, rounds: 40)
        #expect(held(cluster, on: 4) == names.count - 1)
        #expect(try report(cluster).progress.recordsSkipped == 1)
        #expect(try report(cluster).ready.count == 64)
        #expect(cluster.notes.contains(.rottenRecord(key(names[5]))))
        #expect(cluster.node(3).shard.counters.transferRecordsSkipped == 1)
    }

    @Test("a receiver whose disk fails tries again, and is not ready before")
    func failingDisk() throws {
        let cluster = try cluster()
        let document = try replacing(cluster)
        cluster.adopt(document)
        var left = 30
        cluster.fails = { node, request in
            guard node == NodeID(4), left > 0 else { return nil }
            switch request {
            case .persist, .saveTransfer:
                left -= 1
                return .io
            default: return nil
            }
        }
        cluster.adopt(try document.advancing(all, to: .writeBoth))
        keepHouse(cluster, rounds: 1)
        #expect(try report(cluster).ready.count < 64)
        keepHouse(cluster, rounds: 100)
        #expect(left == 0 && held(cluster, on: 4) == names.count)
        #expect(try report(cluster).ready.count == 64)
    }

    @Test("a write that a source took in before it adopted the step is in its pages")
    func barrier() throws {
        let cluster = try cluster { $0.transferPageBytes = 1 << 20 }
        let document = try replacing(cluster)
        cluster.adopt(document)
        // Under way at #3, from a coordinator that knows nothing of the change.
        cluster.holds = { event in
            guard case .storage(NodeID(3), let request) = event else { return false }
            switch request {
            case .persist, .keepHints: return true
            default: return false
            }
        }
        #expect(cluster.set(key("late"), "v", at: 1, .one) == "OK")
        cluster.adopt(try document.advancing(all, to: .writeBoth))
        for _ in 0..<5 {
            cluster.pass(milliseconds: 1_000)
            cluster.housekeep()
        }
        // The storage ends writes in order, so what comes after them has not ended either.
        #expect(cluster.stored(key("late"), on: 3) == nil)
        cluster.release()
        keepHouse(cluster, rounds: 40)
        #expect(cluster.stored(key("late"), on: 4) == "v")
    }

    @Test("records for partitions that this node is to hold are taken from others as well")
    func handedOver() throws {
        let cluster = try cluster()
        let document = try replacing(cluster)
        cluster.adopt(document)
        let bytes = try #require(cluster.node(1).disk[key(names[0])])
        let record = HandedRecord(key: key(names[0]), object: try EncodedObject(bytes))
        let id = RequestID(rawValue: 7)
        cluster.step(NodeID(4), .message(from: NodeID(1), .handOff(id, [record])))
        cluster.run()
        #expect(held(cluster, on: 4) == 0)
        let both = try document.advancing(all, to: .writeBoth)
        cluster.step(NodeID(4), .ring(Ring(both)))
        cluster.step(NodeID(4), .message(from: NodeID(1), .handOff(id, [record])))
        cluster.run()
        #expect(held(cluster, on: 4) == 1)
    }

    // MARK: Giving away

    @Test("a partition that went elsewhere while a node was down is dropped after its start")
    func lateDrop() throws {
        let cluster = try cluster()
        var document = try replacing(cluster)
        cluster.adopt(document)
        for step in [PartitionStep.writeBoth, .readNext, .next] {
            if step == .next { cluster.take(down: 3) }
            document = try document.advancing(Array(0..<32), to: step)
            cluster.adopt(document)
            keepHouse(cluster, rounds: 40)
        }
        let moved = names.filter { cluster.ring.partition(of: key($0).token) < 32 }
        #expect(held(cluster, on: 3) == names.count && !moved.isEmpty)
        cluster.restart(3)
        keepHouse(cluster, rounds: 2)
        // Not before the records on its disk were counted.
        #expect(held(cluster, on: 3) == names.count)
        cluster.node(3).shard.addInitialTallies(
            cluster.node(3).tally(cluster.ring),
            leaves: cluster.noLeaves
        )
        keepHouse(cluster, rounds: 2)
        #expect(held(cluster, on: 3) == names.count)
        cluster.tellEpochs()
        keepHouse(cluster, rounds: 2)
        #expect(held(cluster, on: 3) == names.count - moved.count)
        for name in names {
            let isMoved = cluster.ring.partition(of: key(name).token) < 32
            #expect((cluster.stored(key(name), on: 3) == nil) == isMoved)
        }
    }

    @Test("a change that is given up leaves nothing at the node that would have joined")
    func abort() throws {
        let cluster = try cluster()
        var document = try replacing(cluster)
        cluster.adopt(document)
        document = try document.advancing(all, to: .writeBoth)
        cluster.adopt(document)
        keepHouse(cluster, rounds: 3)
        #expect(held(cluster, on: 4) > 0)
        document = try document.aborting()
        cluster.adopt(document)
        keepHouse(cluster, rounds: 3)
        #expect(try report(cluster).ready.isEmpty)
        cluster.adopt(try document.finishing())
        keepHouse(cluster, rounds: 2)
        #expect(cluster.node(4).disk.isEmpty && cluster.node(4).transfers.isEmpty)
        for node in 1...3 { #expect(held(cluster, on: node) == names.count) }
    }
}

extension Cluster.Node {
    /// What the engine counts at the start.
    func tally(_ ring: Ring) -> [RecordWeight] {
        var weights = Array(repeating: RecordWeight.nothing, count: ring.partitions)
        for (key, bytes) in disk where key.standInFor == nil {
            guard let object = try? EncodedObject(bytes) else { continue }
            let partition = ring.partition(of: key.token)
            weights[partition] = weights[partition] + RecordWeight(of: object, key: key)
        }
        return weights
    }
}
