import HengeRESP
import NIOCore
import Testing

/// Connections and what they can ask of the node itself.
@Suite(.serialized) struct ConnectionTests {
    @Test("connection commands and the state that they set")
    func connection() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let client = try await cluster.client()
            let steps = [
                ("PING", "+PONG"), ("PING hi", "\"hi\""), ("ECHO hi", "\"hi\""),
                ("SELECT 0", "+OK"), ("READONLY", "+OK"), ("READWRITE", "+OK"),
                ("CLIENT GETNAME", "nil"), ("CLIENT SETNAME me", "+OK"),
                ("CLIENT GETNAME", "\"me\""), ("CLIENT SETINFO LIB-NAME lib", "+OK"),
                ("CLIENT NO-EVICT ON", "+OK"), ("CLIENT NO-TOUCH OFF", "+OK"),
                ("CONSISTENCY", "[\"read\", \"QUORUM\", \"write\", \"QUORUM\", \"sloppy\", :0]"),
                ("CONSISTENCY ONE", "+OK"), ("CONSISTENCY READ ALL", "+OK"),
                ("CONSISTENCY", "[\"read\", \"ALL\", \"write\", \"ONE\", \"sloppy\", :0]"),
                ("CONSISTENCY READ 2 WRITE QUORUM", "+OK"),
                ("CONSISTENCY", "[\"read\", \"2\", \"write\", \"QUORUM\", \"sloppy\", :0]"),
                ("HENGE.BUCKET b", "+OK"),
                ("RESET", "+RESET"), ("CLIENT GETNAME", "nil"),
                ("CONSISTENCY", "[\"read\", \"QUORUM\", \"write\", \"QUORUM\", \"sloppy\", :0]"),
            ]
            for (command, reply) in steps {
                #expect(try await client(command) == reply, "\(command)")
            }
            let hello = try await client.value("HELLO 3 AUTH default x SETNAME y")
            #expect(hello["proto"]?.int == 3 && hello["mode"]?.text == "cluster")
            #expect(try await client("CLIENT GETNAME") == "\"y\"")
            #expect(try await client("GET none") == "nil")
            #expect(try await client("CLIENT LIST").contains(" name=y "))
            #expect(try await client("CLIENT INFO").contains(" cmd=client "))
            #expect(try await client("CLIENT LIST ID 999999") == "=")
            #expect(try await client.value("TIME").elements.count == 2)
            #expect(try await client("QUIT") == "+OK")
            #expect(try await client.reply() == "closed")
        }
    }

    @Test("the commands describe themselves")
    func commandCommand() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let client = try await cluster.client()
            let all = try await client.value("COMMAND").elements
            #expect(try await client.value("COMMAND COUNT").int == all.count)
            #expect(all.allSatisfy { $0.elements.count == 10 })
            #expect(
                try await client("COMMAND INFO get nosuch")
                    == "[[\"get\", :-2, [+readonly, +fast], :1, :1, :1, "
                    + "[+@fast, +@string, +@read], [], [], []], nil]"
            )
            #expect(try await client.value("COMMAND DOCS set")["set"]?["group"]?.text == "string")
            #expect(try await client.value("COMMAND LIST").elements.count == all.count)
            #expect(try await client("COMMAND GETKEYS MSET a 1 b 2") == "[\"a\", \"b\"]")
            #expect(
                try await client("COMMAND GETKEYS MGET a b CONSISTENCY ONE") == "[\"a\", \"b\"]"
            )
            #expect(try await client("COMMAND GETKEYS PING").hasPrefix("-ERR The command has no"))
        }
    }

    @Test(
        "the node describes itself: INFO, CONFIG, CLUSTER, HENGE.RING, HENGE.STATUS, HENGE.INSPECT")
    func reports() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let client = try await cluster.client()
            let info = try await client("INFO")
            for line in [
                "# Server", "redis_version:", "cluster_enabled:1", "role:master", "# Henge",
                "connected_clients:",
            ] {
                #expect(info.contains(line), "\(line)")
            }
            #expect(!(try await client("INFO server")).contains("# Clients"))
            #expect(
                try await client("CONFIG GET SAVE appendonly")
                    == "[\"save\", \"\", \"appendonly\", \"yes\"]"
            )
            #expect(try await client("CONFIG GET max*").contains("maxclients"))
            #expect(try await client("CONFIG GET nosuch") == "[]")
            try await ringReport(client)
            try await inspection(client)
            try await slots(client, cluster)
        }
    }

    private func ringReport(_ client: TestClient) async throws {
        _ = try await client("HELLO 3")
        let ring = try await client.value("HENGE.RING")
        #expect(ring["epoch"]?.int == 1 && ring["replicas"]?.int == 3)
        #expect(ring["partitions"]?.int == 64 && ring["owners"]?.elements.count == 64)
        #expect(ring["transition"] == .null)
        let nodes = ring["nodes"]?.elements ?? []
        #expect(nodes.map { $0["name"]?.text } == ["n1", "n2", "n3"])
        #expect(nodes.allSatisfy { $0["phi"] != nil && $0["last_contact_ms"] != nil })
        #expect(nodes.allSatisfy { $0["state"]?.text == "up" && $0["resp"]?.text != "" })
        let status = try await client.value("HENGE.STATUS")
        #expect(status["node"]?.text == "n1" && status["counting"] == .boolean(false))
        #expect((status["rss_bytes"]?.int ?? 0) > 1 << 20)
        #expect(status["background_share"] != nil)
        #expect(status["background_bytes"]?.int != nil && status["foreground_p99_us"]?.int != nil)
        #expect(status["storage_writes"]?.int != nil && status["read_repairs"]?.int != nil)
    }

    private func inspection(_ client: TestClient) async throws {
        _ = try await client("SET k v CONSISTENCY ALL")
        let report = try await client.value("HENGE.INSPECT k")
        #expect(report["bucket"]?.text == "default" && report["key"]?.text == "k")
        #expect(report["token"]?.text.utf8.count == 16 && report["slot"]?.int == 7629)
        let replicas = report["replicas"]?.elements ?? []
        #expect(
            replicas.map { $0["node"]?.text } == report["preference_list"]?.elements.map(\.text))
        #expect(replicas.count == 3 && Set(replicas.map { $0["digest"]?.text }).count == 1)
        for replica in replicas {
            #expect(replica["state"]?.text == "present" && replica["siblings"]?.int == 1)
            #expect(replica["tombstone"] == .boolean(false))
        }
        let absent = try await client.value("HENGE.INSPECT none CONSISTENCY ONE")
        #expect(absent["replicas"]?.elements[0]["state"]?.text == "absent")
    }

    private func slots(_ client: TestClient, _ cluster: TestCluster) async throws {
        let slots = try await client.value("CLUSTER SLOTS").elements.map(\.elements)
        var next = 0
        for range in slots {
            #expect(range[0].int == next)
            next = (range[1].int ?? 0) + 1
            #expect(range.count == 5)
            #expect(cluster.respPorts.contains(range[2].elements[1].int ?? 0))
        }
        #expect(next == 16384)
        let myID = try await client.value("CLUSTER MYID").text
        #expect(try await client("CLUSTER NODES").contains("\(myID) 127.0.0.1:"))
        #expect(try await client("CLUSTER INFO").contains("cluster_state:ok"))
        #expect(try await client("CLUSTER KEYSLOT 123456789") == ":12739")
        let shards = try await client.value("CLUSTER SHARDS").elements
        #expect(shards.allSatisfy { $0["nodes"]?.elements.count == 3 })
    }

    @Test("clients over the limit are told so, and a place that was left is free again")
    func connectionLimit() async throws {
        try await TestCluster.with(nodes: 1) {
            $0.connectionsMax = 3
        } _: { cluster in
            var clients: [TestClient] = []
            for _ in 0..<3 {
                clients.append(try await cluster.client())
                #expect(try await clients[clients.count - 1]("PING") == "+PONG")
            }
            let refused = try await cluster.client()
            #expect(try await refused.reply() == "-ERR max number of clients reached")
            #expect(try await refused.reply() == "closed")
            try await clients[0].close()
            try await eventually("a place is free") {
                let client = try await cluster.client()
                let reply = try await client("PING")
                try await client.close()
                return reply == "+PONG"
            }
            let status = try await clients[1].value("HENGE.STATUS")
            #expect((status["connections_rejected"]?.int ?? 0) >= 1)
        }
    }
}
