import HengeBase
import HengeMessages
import HengeNode
import HengeReplication
import HengeRing
import Testing

/// What explanations tell, and that they change nothing and leave nothing behind.
@Suite struct ExplainingTests {
    let k = key("k")

    /// Asks, runs until nothing moves, and spells how it went.
    private func explain(
        _ operation: ClientRequest.Operation,
        _ cluster: Cluster,
        at node: Int = 1,
        _ level: Consistency = .quorum,
        sloppy: Bool = false
    ) -> [String] {
        let ticket = cluster.request(
            operation,
            k,
            at: node,
            read: level,
            write: level,
            sloppy: sloppy,
            explained: true
        )
        cluster.run()
        return cluster.explanation(ticket).map(spell) ?? []
    }

    @Test("story: a read tells whom it asked, who answered with what, and when it replied")
    func read() throws {
        let cluster = try Cluster()
        cluster.set(k, "v", .all)
        let steps = explain(.read, cluster, .count(3))
        #expect(steps.first == "1: coordinates r3 w0")
        #expect(steps.last == "1: replies")
        #expect(
            Set(steps.dropFirst().dropLast()) == [
                "1: asks 1 object", "1: 1 answers object 1", "1: asks 2 digest",
                "1: 2 answers digest", "1: asks 3 digest", "1: 3 answers digest",
            ]
        )
        #expect(
            explain(.read, cluster, .one) == [
                "1: coordinates r1 w0", "1: asks 1 object", "1: 1 answers object 1", "1: replies",
            ])
        #expect(cluster.isQuiet)
    }

    @Test("digests that differ: the object is fetched, merged, and the stale replica repaired")
    func repair() throws {
        for repair in [ReadRepair.blocking, .async] {
            var configuration = ShardConfiguration()
            configuration.readRepair = repair
            let cluster = try Cluster(configuration: configuration)
            cluster.pauseHints()
            cluster.set(k, "old", .all)
            cluster.take(down: 3)
            cluster.set(k, "new")
            cluster.bring(up: 3)
            let ticket = cluster.request(.read, k, read: .all, explained: true)
            cluster.run()
            let explanation = try #require(cluster.explanation(ticket))
            let steps = spell(explanation)
            let merged = try #require(steps.firstIndex(of: "1: merges 1"))
            let repairing = try #require(steps.firstIndex(of: "1: repairs 3"))
            let replied = try #require(steps.firstIndex(of: "1: replies"))
            #expect(merged < repairing && steps.count { $0.contains("merges") } == 1)
            #expect(steps.contains("1: asks 3 object"), "whose version no object has told of")
            if repair == .blocking {
                let repaired = try #require(steps.firstIndex(of: "1: 3 repaired durable"))
                #expect(repairing < repaired && repaired < replied)
            } else {
                #expect(replied < repairing)
            }
            // The version that was merged is that of the up-to-date replicas.
            var versions: [Explanation.Version] = []
            for step in explanation.legs[0].steps {
                switch step.event {
                case .answers(NodeID(1), .object(let version)), .merges(let version):
                    versions.append(version)
                default: break
                }
            }
            #expect(versions.count == 2 && versions.first == versions.last)
            #expect(cluster.stored(k, on: 3) == "new" && cluster.isQuiet)
        }
    }

    @Test("a write with a node down is sent to the others and hinted with the coordinator's own")
    func hint() throws {
        let cluster = try Cluster()
        cluster.take(down: 3)
        let steps = explain(.write(.value("a")), cluster)
        #expect(steps.prefix(3) == ["1: coordinates r0 w2", "1: skips 3", "1: makes 1"])
        #expect(Set(steps[3...4]) == ["1: sends 1", "1: sends 2"])
        #expect(
            steps[5...] == [
                "1: hint for 3 kept", "1: 1 stores durable", "1: 2 stores durable", "1: replies",
            ]
        )
        #expect(cluster.hints(on: 1, for: 3).count == 1)
        cluster.bring(up: 3)
        cluster.settle()
        #expect(cluster.isQuiet)
    }

    @Test("a client's answer waits until the last replica has stored the write, or is given up")
    func whole() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isMessage("stored", from: 3) }
        let ticket = cluster.request(.write(.value("a")), k, explained: true)
        cluster.run()
        #expect(cluster.answer(ticket) == nil && !cluster.isQuiet)
        #expect(cluster.node(1).shard.hasWork == true, "or nobody would look at the time")
        cluster.pass(milliseconds: 600)
        #expect(cluster.answer(ticket) == "OK")
        let explanation = try #require(cluster.explanation(ticket))
        let steps = spell(explanation)
        let replied = try #require(steps.firstIndex(of: "1: replies"))
        #expect(steps[(replied + 1)...] == ["1: deadline", "1: hint for 3 kept"])
        // The answer itself was there at once, and is told to have been.
        #expect(explanation.legs[0].steps[replied].after == .zero)
        #expect(cluster.reply(ticket)?.answeredAfter == .zero)
        #expect(explanation.legs[0].steps.last?.after == .milliseconds(600))
        cluster.release()
        cluster.settle()
        #expect(cluster.isQuiet)
    }

    @Test("a write that reads first shows both halves; one that does not apply shows one")
    func readsFirst() throws {
        let cluster = try Cluster()
        let set = Mutation.value("a", condition: .absent)
        let steps = explain(.write(set), cluster)
        #expect(steps.first == "1: coordinates r2 w2")
        #expect(steps.contains("1: 1 answers nothing") && steps.contains("1: makes 1"))
        #expect(steps.contains("1: 3 stores durable"))
        let again = explain(.write(set), cluster)
        #expect(again.contains("1: 1 answers object 1") && again.last == "1: replies")
        #expect(!again.contains { $0.contains("makes") || $0.contains("sends") })
        #expect(cluster.isQuiet)
    }

    @Test("too few replicas: nothing but the failure")
    func unavailable() throws {
        let cluster = try Cluster()
        cluster.take(down: 2)
        cluster.take(down: 3)
        #expect(explain(.read, cluster) == ["1: fails"])
        #expect(explain(.write(.value("a")), cluster) == ["1: fails"])
        #expect(cluster.isQuiet)
    }

    @Test("a replica that is lost meanwhile is told of, with the hint that it leaves")
    func lost() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isMessage("stored", from: 3) }
        let ticket = cluster.request(.write(.value("a")), k, explained: true)
        cluster.run()
        cluster.take(down: 3)
        cluster.run()
        let steps = spell(try #require(cluster.explanation(ticket)))
        #expect(steps.suffix(3) == ["1: replies", "1: loses 3", "1: hint for 3 kept"])
        #expect(cluster.node(1).shard.workInFlight == 0)
    }

    @Test("a stand-in is named with the replica in whose place it is asked")
    func standIn() throws {
        let cluster = try Cluster(nodes: 5)
        let list = cluster.ring.preferenceList(of: k.token)
        let homes = (0..<3).map { Int(list[$0].rawValue) }
        let partition = cluster.ring.partition(of: k.token)
        let standIn = try #require(cluster.ring.standIns(partition: partition).first).rawValue
        cluster.take(down: homes[2])
        let steps = explain(.write(.value("a")), cluster, at: homes[0], .all, sloppy: true)
        let (own, home) = (homes[0], homes[2])
        #expect(steps.contains("\(own): \(standIn) stands in for \(home)"))
        #expect(steps.contains("\(own): \(standIn) stores durable"))
        #expect(!steps.contains { $0.contains("skips") || $0.contains("hint") })
    }

    @Test("a read that lags tells of its hedge")
    func hedge() throws {
        let cluster = try Cluster()
        cluster.set(k, "v", .all)
        for _ in 0..<20 { cluster.get(k) }
        cluster.holds = { $0.isMessage("fetched") }
        let ticket = cluster.request(.read, k, explained: true)
        cluster.run()
        cluster.holds = { _ in false }
        cluster.pass(milliseconds: 10)
        let steps = spell(try #require(cluster.explanation(ticket)))
        let hedged = try #require(steps.firstIndex(of: "1: hedges"))
        #expect(steps[hedged + 1].hasPrefix("1: asks ") && steps.last == "1: replies")
        cluster.release()
        #expect(cluster.isQuiet)
    }

    @Test("more than 64 at once are answered without")
    func bounded() throws {
        let cluster = try Cluster()
        cluster.holds = { $0.isMessage("fetch") }
        let tickets = (0..<70).map { _ in cluster.request(.read, k, explained: true) }
        cluster.run()
        cluster.release()
        #expect(tickets.count { cluster.explanation($0) != nil } == 64)
        #expect(tickets.allSatisfy { cluster.answer($0) == "nothing" })
        #expect(cluster.isQuiet)
    }

    @Test("a write that waits for a newer ring tells of it and goes on")
    func parked() throws {
        let list = (1...3).map { "n\($0)=127.0.0.1:\(7400 + $0)" }.joined(separator: ",")
        let document = try RingDocument.bootstrap(
            try BootstrapList.parse(list),
            replicas: 3,
            partitions: 64
        )
        let joining = Member(id: NodeID(4), name: "n4", peerAddress: "127.0.0.1:7404")
        let begun = try document.beginning(
            members: document.members.dropLast() + [joining],
            owners: document.owners.map { $0 == NodeID(3) ? joining.id : $0 }
        )
        let both = try begun.advancing(Array(begun.owners.indices), to: .writeBoth)
        for operation in [ClientRequest.Operation.read, .write(.value("1"))] {
            let cluster = try Cluster(document: begun)
            for node in 2...4 { cluster.adopt(both, at: node) }
            let ticket = cluster.request(operation, k, at: 1, explained: true)
            cluster.run()
            #expect(cluster.answer(ticket) == nil)
            cluster.adopt(both, at: 1)
            cluster.run()
            let steps = spell(try #require(cluster.explanation(ticket)))
            #expect(steps.contains { $0.hasSuffix(" refuses") })
            let waits = try #require(steps.firstIndex { $0.contains("waits after") })
            let goesOn = try #require(steps.firstIndex(of: "1: resumes at \(both.epoch)"))
            #expect(waits < goesOn && steps.contains("1: replies"))
            if case .write = operation {
                #expect(steps.contains("1: 4 stores durable"))
                #expect(steps.count { $0.contains("makes") } == 1)
            }
            #expect(cluster.isQuiet)
        }
    }
}
