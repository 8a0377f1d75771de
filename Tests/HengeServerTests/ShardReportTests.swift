import HengeBase
import HengeMessages
import HengeServer
import Testing

/// What nodes of several shards tell of themselves: all of it, whichever shard a client is with.
@Suite struct ShardReportTests {
    private static let keys = 200

    /// A client more than there are shards, so that each shard has at least one.
    private static func clients(_ cluster: TestCluster) async throws -> [TestClient] {
        var clients: [TestClient] = []
        for _ in 0..<3 { clients.append(try await cluster.client()) }
        return clients
    }

    @Test("each shard tells the figures of all", arguments: [2, 4])
    func status(shards: Int) async throws {
        try await TestCluster.with(nodes: 2, replicas: 2, http: true, shards: shards) { cluster in
            let clients = try await Self.clients(cluster)
            for number in 0..<Self.keys {
                _ = try await clients[number % 3]("SET key\(number) value CONSISTENCY ALL")
                _ = try await clients[(number + 1) % 3]("GET key\(number)")
            }
            for client in clients {
                let status = try await client.value("HENGE.STATUS")
                #expect(status["shards"]?.int == shards)
                #expect(status["keys"]?.int == Self.keys)
                // Those that saw the nodes come up may still be closing.
                #expect(try #require(status["clients"]?.int) >= 3)
                #expect(status["writes"]?.int == Self.keys)
                #expect(status["reads"]?.int == Self.keys)
                #expect(try #require(status["storage_writes"]?.int) >= Self.keys)
                #expect(try await client.value("DBSIZE").int == Self.keys)
                let ranges = try await client.value("HENGE.ENTROPY")["ranges"]?.elements
                #expect(ranges?.map { $0.elements[0].int } == Array(0..<64))
                let heat = try await client.value("HENGE.HOTKEYS COUNT 500")
                #expect(heat["reads"]?.int == Self.keys && heat["writes"]?.int == Self.keys)
                #expect(heat["keys"]?.elements.count == Self.keys)
                let byPartition = heat["partition_reads"]?.elements.reduce(0) { $0 + ($1.int ?? 0) }
                #expect(byPartition == Self.keys)
            }
            let http = try await cluster.http()
            let page = try await http(.GET, "/metrics").text
            #expect(page.contains("\nhenge_keys \(Self.keys)\n"))
            #expect(page.contains(#"operation="write",level="all",outcome="ok"} \#(Self.keys)"#))
            let stats = try await http(.GET, "/stats").text
            #expect(stats.contains("\"node_puts_total\":\(Self.keys)"))
            try await http.close()
            for client in clients { try await client.close() }
        }
    }

    @Test("reports on the cluster look at the records of all shards")
    func distribution() async throws {
        try await TestCluster.with(nodes: 2, replicas: 2, shards: 2) { cluster in
            let client = try await cluster.client()
            for number in 0..<Self.keys {
                _ = try await client("SET key\(number) value CONSISTENCY ALL")
            }
            for node in 0..<2 {
                let other = try await cluster.client(node)
                let report = try await other.value("HENGE.REPORT DISTRIBUTION")
                #expect(report["keys"]?.int == Self.keys)
                #expect(report["missing"]?.elements.isEmpty == true)
                #expect(report["sample"]?["records"]?.int == Self.keys)
                #expect(report["sample"]?["population"]?.int == Self.keys)
                let nodes = try #require(report["nodes"]).elements
                #expect(nodes.map { $0["keys"]?.int } == [Self.keys, Self.keys])
                let overview = try await other.value("HENGE.OVERVIEW")
                let seen = try #require(overview["nodes"]).elements
                #expect(seen.map { $0["keys"]?.int } == [Self.keys, Self.keys])
                try await other.close()
            }
            try await client.close()
        }
    }

    @Test("a command on hints and comparisons reaches all shards")
    func commands() async throws {
        try await TestCluster.with(nodes: 2, replicas: 2, http: true, shards: 2) { cluster in
            let http = try await cluster.http()
            let clients = try await Self.clients(cluster)
            for client in clients {
                #expect(try await client("HENGE.HINTS PAUSE") == "+OK")
                for other in clients {
                    #expect(try await other.value("HENGE.HINTS")["paused"]?.int == 1)
                }
                #expect(try await client("HENGE.HINTS RESUME") == "+OK")
                for other in clients {
                    #expect(try await other.value("HENGE.HINTS")["paused"]?.int == 0)
                }
                #expect(try await client("HENGE.REPAIR") == "+OK")
            }
            for (path, isPaused) in [("pause", true), ("resume", false)] {
                let json = [("Content-Type", "application/json")]
                let reply = try await http(.POST, "/admin/hints/\(path)", json, body: "{}").text
                #expect(reply.contains("\"paused\":\(isPaused)"), "\(reply)")
            }
            try await http.close()
            for client in clients { try await client.close() }
        }
    }

    @Test("a mark is one of all shards, and is done once all of them have compared")
    func settling() async throws {
        try await TestCluster.with(nodes: 2, replicas: 2, shards: 2) { cluster in
            let clients = try await Self.clients(cluster)
            let first = try await clients[0].value("HENGE.SETTLED")
            let token = try #require(first["token"]?.text)
            let left = try #require(first["left"]).elements
            let comparisons = left.filter { $0["kind"]?.text == "comparisons" }
            #expect(comparisons.map { $0["count"]?.int } == [64])
            #expect(comparisons.map { $0["for"]?.text } == ["n2"])
            try await eventually("only comparisons are left") {
                let value = try await clients[1].value("HENGE.SETTLED TOKEN \(token)")
                let left = try #require(value["left"]).elements
                #expect(value["settled"]?.int == 0 && value["token"]?.text == token)
                return left.allSatisfy {
                    $0["kind"]?.text == "comparisons" && $0["wait"]?.text == "hints"
                }
            }
            try await eventually("all is done") {
                let value = try await clients[2].value("HENGE.SETTLED TOKEN \(token) COMPARE")
                return value["settled"]?.int == 1
            }
            let done = try await clients[1].value("HENGE.SETTLED TOKEN \(token)")
            #expect(done["settled"]?.int == 1)
            #expect(
                try await clients[0]("HENGE.SETTLED TOKEN 0123456789abcdef")
                    .hasPrefix("-NOTOKEN ")
            )
            for client in clients { try await client.close() }
        }
    }

    @Test("marks beyond the limit are refused, and old ones are forgotten that are done")
    func marks() async throws {
        // The only replica of everything: a mark is done at once.
        try await TestCluster.with(nodes: 1, replicas: 1, shards: 2) { cluster in
            let client = try await cluster.client()
            let first = try #require(try await client.value("HENGE.SETTLED")["token"]?.text)
            try await eventually("it is settled") {
                try await client.value("HENGE.SETTLED TOKEN \(first)")["settled"]?.int == 1
            }
            for _ in 0..<100 { #expect(try await client.value("HENGE.SETTLED")["token"] != nil) }
            #expect(try await client("HENGE.SETTLED TOKEN \(first)").hasPrefix("-NOTOKEN "))
            try await client.close()
        }
    }
}
