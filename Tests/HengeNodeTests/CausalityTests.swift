import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import Testing

@Suite struct CausalityTests {
    let k = key("k")

    private func context(_ cluster: Cluster, _ ticket: Ticket) throws -> VersionVector {
        cluster.run()
        return try #require(cluster.response(ticket)?.context)
    }

    @Test("Dynamo 4.4: two clients that read the same and write leave both, and one resolves them")
    func story() throws {
        let cluster = try Cluster()
        cluster.set(k, "cart")
        let seen = try context(cluster, cluster.request(.read, k))
        cluster.set(k, "cart with a book", at: 1, basis: .context(seen))
        cluster.set(k, "cart with a lamp", at: 2, basis: .context(seen))
        #expect(cluster.get(k, .all) == "cart with a book+cart with a lamp")
        let both = try context(cluster, cluster.request(.read, k, read: .all))
        cluster.set(k, "cart with a book and a lamp", at: 3, basis: .context(both))
        #expect(cluster.get(k, .all) == "cart with a book and a lamp")
    }

    @Test("basis × what it has seen: what is replaced and what stays")
    func bases() throws {
        for node in 1...3 {
            let cluster = try Cluster()
            let first = try context(cluster, cluster.request(.write(.value("a")), k, write: .all))
            cluster.set(k, "b", at: node, .all, basis: .nothing)
            #expect(cluster.get(k) == "a+b")
            cluster.set(k, "c", at: node, .all, basis: .context(first))
            #expect(cluster.get(k) == "b+c")
            cluster.set(k, "d", at: node, .all)
            #expect(cluster.get(k) == "d")
        }
    }

    @Test("a plain write does not drop what its replica has not seen")
    func plainKeepsUnseen() throws {
        let cluster = try Cluster()
        cluster.take(down: 2)
        cluster.set(k, "a", at: 1, .one)
        cluster.bring(up: 2)
        cluster.holds = { $0.isMessage("store", from: 2) }
        cluster.set(k, "b", at: 2, .one)
        cluster.release()
        #expect(cluster.get(k, .all) == "a+b")
    }

    @Test("the context of a write covers it: the next write that names it replaces it")
    func writtenContext() throws {
        let cluster = try Cluster()
        var seen = VersionVector()
        for value in ["a", "b", "c"] {
            let mutation = Mutation.value(value, basis: .context(seen))
            seen = try context(cluster, cluster.request(.write(mutation), k))
        }
        #expect(cluster.get(k) == "c")
    }

    @Test("a delete is a tombstone with a context; a concurrent write survives it")
    func deletes() throws {
        let cluster = try Cluster()
        let seen = try context(cluster, cluster.request(.write(.value("a")), k))
        #expect(cluster.ask(.write(.delete(.context(seen))), k) == "OK")
        #expect(cluster.get(k) == "gone")
        let deleted = try context(cluster, cluster.request(.read, k))
        #expect(deleted.descends(from: seen) && !deleted.isEmpty)
        cluster.set(k, "b", basis: .context(seen))
        #expect(cluster.get(k) == "b")
        cluster.ask(.write(.delete()), k)
        #expect(cluster.get(k) == "gone")
        cluster.set(k, "c", basis: .context(deleted))
        #expect(cluster.get(k) == "c")
    }

    @Test(
        "past the cap a causal write is a CONFLICT and a plain one resolves; a warning is noted"
    )
    func siblingCap() throws {
        var configuration = ShardConfiguration()
        configuration.siblingsWarning = 3
        configuration.siblingsMax = 5
        let cluster = try Cluster(configuration: configuration)
        for index in 1...5 {
            #expect(cluster.set(k, "\(index)", basis: .nothing) == "OK")
            let warnings = cluster.node(1).shard.counters.siblingWarnings
            #expect(warnings == max(0, index - 3))
        }
        #expect(cluster.notes.contains(.manySiblings(k, count: 4)))
        #expect(cluster.set(k, "6", basis: .nothing) == "CONFLICT 6 of 5")
        #expect(cluster.get(k, .all) == "1+2+3+4+5")
        #expect(cluster.node(1).shard.counters.conflictsRefused == 1)
        #expect(cluster.set(k, "plain") == "OK")
        #expect(cluster.get(k) == "plain")
    }

    @Test("repair is exempt from the cap, so that objects over it converge")
    func repairIsExempt() throws {
        var configuration = ShardConfiguration()
        configuration.siblingsMax = 2
        let cluster = try Cluster(configuration: configuration)
        for number in 1...3 {
            cluster.holds = { $0.isMessage("store", from: number) }
            cluster.set(k, "\(number)", at: number, .one, basis: .nothing)
        }
        cluster.holds = { _ in false }
        #expect(cluster.get(k, .all) == "1+2+3")
        #expect((1...3).allSatisfy { cluster.stored(k, on: $0) == "1+2+3" })
    }

    @Test("the default cap is 100, the warning above 25")
    func defaults() throws {
        let cluster = try Cluster(nodes: 1, replicas: 1)
        for index in 1...100 { cluster.set(k, "\(index)", basis: .nothing) }
        #expect(cluster.node(1).shard.counters.siblingWarnings == 75)
        #expect(cluster.set(k, "101", basis: .nothing) == "CONFLICT 101 of 100")
    }

    @Test("a context that claims writes which never were takes a new actor, and nothing traps")
    func forgedContext() throws {
        let cluster = try Cluster()
        let seen = try context(cluster, cluster.request(.write(.value("a")), k))
        let forged = VersionVector(
            sorted: seen.entries.map { Dot(actor: $0.actor, counter: UInt64.max) }
        )
        #expect(cluster.set(k, "b", basis: .context(forged)) == "OK")
        #expect(cluster.get(k, .all) == "b")
        #expect(cluster.node(1).shard.counters.actorRenewals == 1)
        for number in 1...3 { #expect(cluster.set(k, "\(number)", at: number) == "OK") }
        #expect(cluster.get(k, .all) == "3")
    }

    @Test("a record too large is refused before anything is sent")
    func tooLarge() throws {
        var configuration = ShardConfiguration()
        configuration.objectBytesMax = 200
        let cluster = try Cluster(configuration: configuration)
        #expect(cluster.set(k, String(repeating: "x", count: 100), basis: .nothing) == "OK")
        let sent = cluster.sent.count
        let answer = cluster.set(k, String(repeating: "y", count: 100), basis: .nothing)
        #expect(answer == "TOOLARGE limit=200")
        #expect(cluster.sent.count == sent)
        #expect(cluster.isQuiet)
    }
}
