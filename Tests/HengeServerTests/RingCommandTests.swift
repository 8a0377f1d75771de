import HengeBase
import HengeMembership
import HengeMessages
import HengeRESP
import HengeRing
import HengeServer
import NIOCore
import Testing

@Suite struct RingCommandTests {
    private func read(_ tree: ReplyTree) throws -> RESPValue {
        var out = ByteBuffer()
        tree.write(RESPWriter(.v3), into: &out)
        var parser = RESPValueParser()
        return try #require(try parser.next(&out))
    }

    private func texts(_ value: RESPValue?) -> [String] {
        value?.elements.map(\.text) ?? []
    }

    @Test("changes are staged at a node, refused with a reason, and forgotten")
    func staging() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let client = try await cluster.client()
            #expect(
                try await client("HENGE.RING PLAN")
                    == "-ERR nothing is staged; begin with henge ring add, remove, replace or "
                    + "weight")
            let staged = try await client.value("HENGE.RING STAGE WEIGHT n2 3")
            #expect(staged["node"]?.text == "n1" && staged["epoch"]?.int == 1)
            #expect(texts(staged["operations"]) == ["weight n2 3"])
            #expect(
                try await client("HENGE.RING STAGE WEIGHT n2 3")
                    == "-ERR 'weight n2 3' is staged already")
            #expect(
                try await client("HENGE.RING STAGE REMOVE n2")
                    == "-ERR 'remove n2' contradicts 'weight n2 3', which is staged; "
                    + "henge ring stage --clear begins anew")
            #expect(
                try await client("HENGE.RING STAGE ADD n4 WEIGHT 2 ZONE z")
                    == "-ERR no node called 'n4' has asked to join; start it with "
                    + "henge serve --join")
            #expect(
                try await client("HENGE.RING STAGE FORCE-REMOVE n3")
                    == "-ERR 'n3' is up; use remove, which lets it give its data away first")
            #expect(
                try await client("HENGE.RING STAGE REMOVE n9")
                    == "-ERR no member is called 'n9'; henge ring show lists them")
            #expect(
                try await client("HENGE.RING STAGE WEIGHT n1 0")
                    == "-ERR 0 is no weight for 'n1'; a weight is 1 to 1000")
            for wrong in ["ADD", "ADD n4 WEIGHT", "WEIGHT n1", "REPLACE n1", "SOMETHING n1"] {
                let reply = try await client("HENGE.RING STAGE \(wrong)")
                #expect(reply == "-ERR syntax error", "\(wrong)")
            }
            // Another node knows nothing of it.
            let other = try await cluster.client(1)
            #expect(texts(try await other.value("HENGE.RING STAGED")["operations"]).isEmpty)
            _ = try await client.value("HENGE.RING STAGE ZONE n3 b")
            let both = try await client.value("HENGE.RING STAGED")
            #expect(texts(both["operations"]) == ["weight n2 3", "zone n3 b"])
            _ = try await client("HENGE.RING STAGE CLEAR")
            #expect(texts(try await client.value("HENGE.RING STAGED")["operations"]).isEmpty)
        }
    }

    @Test("a plan tells what all nodes hold, and a commit wants the plan as it is now")
    func planning() async throws {
        try await TestCluster.with(nodes: 4, replicas: 2) { cluster in
            let client = try await cluster.client()
            for number in 0..<200 { _ = try await client("SET key\(number) 0123456789") }
            _ = try await client("HENGE.RING STAGE REMOVE n4")
            _ = try await client("HENGE.RING STAGE WEIGHT n1 2")
            let plan = try await client.value("HENGE.RING PLAN")
            let nodes = try #require(plan["nodes"]).elements
            #expect(nodes.map { $0["name"]?.text } == ["n1", "n2", "n3", "n4"])
            #expect(nodes.map { $0["role"]?.text } == ["stays", "stays", "stays", "leaves"])
            #expect(nodes.reduce(0) { $0 + ($1["keys_before"]?.int ?? 0) } == 400)
            #expect(nodes.reduce(0) { $0 + ($1["keys_after"]?.int ?? 0) } == 400)
            #expect(nodes[3]["vnodes_after"]?.int == 0 && nodes[0]["vnodes_after"]?.int == 32)
            #expect(nodes.allSatisfy { $0["disk_free"]?.int ?? 0 > 0 })
            #expect(plan["epoch"]?.int == 1 && plan["refusals"]?.elements.isEmpty == true)
            #expect(plan["bytes"]?.int ?? 0 > 0)
            let moves = try #require(plan["moves"]).elements
            #expect(moves.count >= plan["moves_lower_bound"]?.int ?? .max)
            #expect(moves.allSatisfy { $0["from"]?.text != $0["to"]?.text })
            let again = try await client.value("HENGE.RING PLAN")
            let id = try #require(plan["id"]?.text)
            #expect(again["id"]?.text == id)
            // Commands behind a plan wait for it.
            #expect(try await client("GET key7") == "\"0123456789\"")

            #expect(
                try await client("HENGE.RING COMMIT 00000000")
                    == "-STALEPLAN what is staged, or the ring, has changed since; the plan is "
                    + "\(id) now: look at it again (ring plan)")
            _ = try await client("HENGE.RING STAGE ZONE n2 b")
            let stale = try await client("HENGE.RING COMMIT \(id)")
            #expect(stale.hasPrefix("-STALEPLAN "))
            #expect(try await client("HENGE.RING COMMIT \(id) MORE") == "-ERR syntax error")
            #expect(
                try await client("HENGE.RING ABORT") == "-ERR no change of the ring runs")
            #expect(
                try await client("HENGE.RING COMMIT")
                    == "-ERR wrong number of arguments for 'henge.ring|commit' command")
            #expect(
                try await client("HENGE.RING NOW")
                    == "-ERR unknown subcommand 'NOW'. Try HENGE.RING HELP.")
        }
    }

    @Test("fewer nodes than replicas are refused unless they are wanted")
    func fewer() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let client = try await cluster.client()
            _ = try await client("HENGE.RING STAGE REMOVE n3")
            let plan = try await client.value("HENGE.RING PLAN")
            let refusal = try #require(plan["refusals"]?.elements.first)
            #expect(refusal["code"]?.text == "fewer_nodes")
            let id = try #require(plan["id"]?.text)
            let reply = try await client("HENGE.RING COMMIT \(id)")
            #expect(reply.hasPrefix("-REFUSED only 2 of the 3 nodes"))
            #expect(try await client.value("HENGE.RING")["epoch"]?.int == 1)
        }
    }

    @Test("progress counts the partitions that get another replica, and sums what nodes say")
    func progress() throws {
        let list = try BootstrapList.parse("n1=h:1,n2=h:2,n3=h:3,n4=h:4")
        let document = try RingDocument.bootstrap(list, replicas: 2, partitions: 64)
        let stage = RingStage([.remove("n4")])
        let facts = RingFacts(
            nodes: [:],
            partitions: Array(repeating: .nothing, count: 64),
            bytesPerSecond: 1
        )
        let plan = try RingPlan.make(document, stage: stage, candidates: [], facts: facts) { _ in
            true
        }
        var running = plan.proposal
        let moving = Set(plan.change.replicaMoves.map(\.partition)).sorted()
        running = try running.advancing(Array(moving.prefix(5)), to: .writeBoth)
        var progress = TransferProgress()
        progress.partitionsDone = 2
        progress.partitionsLeft = 3
        progress.bytesLeft = 500
        progress.bytesPerSecond = 100
        progress.wait = .source(NodeID(2))
        var hostile = TransferProgress()
        hostile.bytesLeft = .max
        let report = RingProgressReport(
            ring: Ring(running),
            reports: [
                (NodeID(1), RingReport(epoch: 3, progress: progress)),
                (NodeID(2), RingReport(epoch: 2, progress: hostile)),
            ],
            absence: ReplicaAbsence(partitions: 7, nodes: [NodeID(3)])
        ) { $0 == NodeID(3) ? "down" : "up" }
        let value = try read(report.tree)
        #expect(value["running"] == .boolean(true))
        #expect(value["partitions"]?.int == moving.count)
        #expect(value["steps"]?["write_both"]?.int == 5)
        #expect(value["steps"]?["current"]?.int == moving.count - 5)
        #expect(value["bytes_left"]?.int == .max)
        #expect(value["partitions_waiting"]?.int == 7)
        #expect(value["waiting_for"]?.elements.map(\.text) == ["n3"])
        let nodes = try #require(value["nodes"]).elements
        #expect(nodes[0]["partitions_left"]?.int == 3 && nodes[0]["wait"]?.text == "source")
        #expect(nodes[0]["job"]?.text == "waiting" && nodes[0]["keys_left"] == .null)
        #expect(nodes[2]["job"] == .null && nodes[2]["keys_left"]?.int == 0)
        #expect(nodes[0]["wait_for"]?.text == "n2" && nodes[2]["state"]?.text == "down")
    }
}
