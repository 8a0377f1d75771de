import HengeBase
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing
import Testing

/// All work in the background of a small cluster draws from one budget.
@Suite struct SharedBudgetTests {
    private let names = (0..<200).map { "key \($0)" }
    private let value = String(repeating: "v", count: 4_000)

    /// At a rate of which the least share is next to nothing for these keys.
    private func cluster(_ change: (inout ShardConfiguration) -> Void = { _ in }) throws -> Cluster
    {
        var configuration = ShardConfiguration()
        configuration.background.bytesPerSecond = 64 * 16_384
        configuration.compareInterval = .seconds(86_400)
        configuration.scrubInterval = .seconds(86_400)
        change(&configuration)
        return try Cluster(configuration: configuration)
    }

    private func taken(_ cluster: Cluster, _ kind: BackgroundBudget.Kind, on node: Int) -> Int {
        cluster.node(node).shard.budget.taken[kind.rawValue]
    }

    private func share(_ cluster: Cluster, _ node: Int = 1) -> Int {
        cluster.node(node).shard.budget.share
    }

    /// Time with requests at #1, of so many milliseconds each.
    private func serve(_ cluster: Cluster, seconds: Int, taking milliseconds: Int64) {
        for _ in 0..<seconds {
            var left: Int64 = 1_000
            while left > 0 {
                cluster.holds = { event in
                    if case .message(_, let target, .fetched) = event { return target == NodeID(1) }
                    return false
                }
                for _ in 0..<20 { cluster.request(.read, key(names[0])) }
                cluster.run()
                for _ in 0..<max(1, milliseconds / 10) {
                    cluster.pass(milliseconds: min(10, milliseconds))
                }
                cluster.release()
                cluster.pass(milliseconds: 10)
                left -= milliseconds + 10
            }
            cluster.housekeep()
        }
    }

    private func replacing(_ cluster: Cluster) throws -> RingDocument {
        let document = cluster.ring.document
        let new = Member(id: NodeID(4), name: "n4", peerAddress: "127.0.0.1:7404")
        let owners = document.owners.map { $0 == NodeID(3) ? NodeID(4) : $0 }
        let members = document.members.filter { $0.id != NodeID(3) } + [new]
        return try document.beginning(members: members, owners: owners)
    }

    private func isThere(_ cluster: Cluster, _ name: String) -> Bool {
        let stored = cluster.stored(key(name), on: 4)
        return stored != nil && stored == cluster.stored(key(name), on: 2)
    }

    /// The time that it takes until nothing moves.
    private func settle(_ cluster: Cluster) -> UInt64 {
        let began = cluster.now
        cluster.settle(limitMilliseconds: 120_000)
        return cluster.now.since(began).milliseconds
    }

    @Test("hints take from it, and go at its rate")
    func hints() throws {
        let cluster = try cluster()
        cluster.take(down: 3)
        for name in names { cluster.set(key(name), value) }
        cluster.bring(up: 3)
        let took = settle(cluster)
        let bytes = taken(cluster, .hints, on: 1)
        #expect(bytes >= names.count * 4_512 && cluster.hints(on: 1, for: 3).isEmpty)
        #expect(cluster.node(1).shard.budget.bytes == bytes)
        // 64 KiB are there at the begin, and the last batch is not waited for.
        #expect((300...1_100).contains(took), "\(took) ms for \(bytes) bytes at 1 MiB a second")
    }

    @Test("comparisons take from it")
    func comparisons() throws {
        let cluster = try cluster { $0.hintBytesMax = 0 }
        cluster.take(down: 3)
        for name in names { cluster.set(key(name), value) }
        cluster.bring(up: 3)
        for node in cluster.nodes {
            cluster.step(node.id, .compareNow)
            cluster.settle()
        }
        #expect(cluster.stored(key(names[0]), on: 3) == cluster.stored(key(names[0]), on: 1))
        let sum = cluster.nodes.reduce(0) { $0 + taken(cluster, .entropy, on: Int($1.id.rawValue)) }
        #expect(sum >= names.count * 4_000)
    }

    @Test("the scrub takes from it")
    func scrub() throws {
        let cluster = try cluster { $0.scrubInterval = .seconds(11) }
        for name in names { cluster.set(key(name), value) }
        cluster.settle()
        for _ in 0..<3 {
            cluster.pass(milliseconds: 11_000)
            cluster.housekeep()
            cluster.settle()
        }
        #expect(cluster.node(1).shard.counters.scrubbed >= names.count)
        #expect(taken(cluster, .scrub, on: 1) >= names.count * 4_000)
    }

    @Test("transfers take from it on both sides")
    func transfers() throws {
        let cluster = try cluster()
        for name in names { cluster.set(key(name), value) }
        cluster.settle()
        let document = try replacing(cluster)
        cluster.adopt(document)
        cluster.adopt(try document.advancing(Array(0..<64), to: .writeBoth))
        cluster.housekeep()
        let took = settle(cluster)
        #expect(names.allSatisfy { isThere(cluster, $0) })
        #expect(taken(cluster, .transfers, on: 4) >= names.count * 4_512)
        let sent = taken(cluster, .transfers, on: 3)
        #expect((names.count * 4_512...names.count * 4_912).contains(sent))
        #expect(took >= 600, "\(took) ms at 1 MiB a second")
    }

    @Test("a transfer waits at its source while the requests of that node suffer, and goes on")
    func transferYields() throws {
        let cluster = try cluster { $0.background.bytesPerSecond = 64 * 2_048 }
        for name in names { cluster.set(key(name), value) }
        cluster.settle()
        // What is normal at #1.
        serve(cluster, seconds: 12, taking: 1)
        #expect(share(cluster) == BackgroundBudget.parts)
        let document = cluster.ring.document
        let new = Member(id: NodeID(4), name: "n4", peerAddress: "127.0.0.1:7404")
        let owners = document.owners.map { $0 == NodeID(1) ? NodeID(4) : $0 }
        let changed = try document.beginning(members: document.members + [new], owners: owners)
        cluster.adopt(changed)
        cluster.adopt(try changed.advancing(Array(0..<64), to: .writeBoth))
        cluster.housekeep()
        var least = BackgroundBudget.parts
        for _ in 0..<20 {
            serve(cluster, seconds: 1, taking: 50)
            least = min(least, share(cluster))
        }
        #expect(least < BackgroundBudget.parts / 4)
        cluster.settle(limitMilliseconds: 120_000)
        for _ in 0..<60 {
            cluster.pass(milliseconds: 1_000)
            cluster.housekeep()
            cluster.settle()
        }
        #expect(share(cluster) == BackgroundBudget.parts)
        #expect(names.allSatisfy { isThere(cluster, $0) })
    }

    @Test("a request counts with all of its time, at the node that coordinates it")
    func latencies() throws {
        let cluster = try cluster()
        cluster.housekeep()
        cluster.holds = { event in
            if case .message(_, let target, _) = event { return target == NodeID(1) }
            return false
        }
        for _ in 0..<10 { cluster.request(.read, key("a")) }
        cluster.pass(milliseconds: 40)
        cluster.release()
        for _ in 0..<10 {
            cluster.pass(milliseconds: 1_000)
            cluster.housekeep()
            // Something is asked each second, so that the node is not idle.
            cluster.request(.read, key("a"))
            cluster.run()
        }
        let p99 = cluster.node(1).shard.budget.p99?.milliseconds
        #expect(p99.map { (40...48).contains($0) } == true, "\(String(describing: p99))")
        #expect(cluster.node(2).shard.budget.p99 == nil)
    }
}
