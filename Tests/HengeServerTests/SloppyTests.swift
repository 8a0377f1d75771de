import Testing

/// Who decides whether a request is sloppy: itself, else its connection, else its bucket.
@Suite(.serialized) struct SloppyTests {
    private func shown(_ client: TestClient) async throws -> String {
        try await client.value("CONSISTENCY")["sloppy"].map(show) ?? "missing"
    }

    @Test("a connection's word holds until RESET, and a level without SLOPPY is strict")
    func connection() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let client = try await cluster.client()
            _ = try await client("HELLO 3")
            for (command, isSloppy) in [
                ("PING", "#f"), ("CONSISTENCY ONE SLOPPY", "#t"), ("CONSISTENCY READ 2", "#f"),
                ("CONSISTENCY READ ONE WRITE ONE SLOPPY", "#t"), ("HENGE.BUCKET b", "#t"),
                ("RESET", "#f"),
            ] {
                _ = try await client(command)
                if command == "RESET" { _ = try await client("HELLO 3") }
                #expect(try await shown(client) == isSloppy, "\(command)")
            }
        }
    }

    @Test("buckets can be sloppy where nobody says otherwise")
    func buckets() async throws {
        try await TestCluster.with(nodes: 1, { $0.sloppyBuckets = ["carts", "default"] }) {
            cluster in
            let client = try await cluster.client()
            _ = try await client("HELLO 3")
            #expect(try await shown(client) == "#t")
            _ = try await client("HENGE.BUCKET strict")
            #expect(try await shown(client) == "#f")
            _ = try await client("HENGE.BUCKET carts")
            #expect(try await shown(client) == "#t")
            _ = try await client("CONSISTENCY QUORUM")
            #expect(try await shown(client) == "#f")
            _ = try await client("RESET")
            _ = try await client("HELLO 3")
            #expect(try await shown(client) == "#t")
            let status = try await client.value("HENGE.STATUS")
            #expect(status["sloppy_buckets"]?.elements.map(\.text) == ["carts", "default"])
        }
    }

    @Test("every command with a level takes SLOPPY behind it")
    func requests() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let client = try await cluster.client()
            for (command, reply) in [
                ("SET a 1 CONSISTENCY QUORUM SLOPPY", "+OK"),
                ("SET a 2 CONSISTENCY QUORUM SLOPPY XX", "+OK"),
                ("GET a CONSISTENCY ALL SLOPPY", "\"2\""),
                ("MSET a 3 b 3 CONSISTENCY 2 SLOPPY", "+OK"),
                ("MGET a b CONSISTENCY ONE SLOPPY", "[\"3\", \"3\"]"),
                ("EXISTS a b CONSISTENCY ONE SLOPPY", ":2"),
                ("COMMAND GETKEYS MGET a b CONSISTENCY ONE SLOPPY", "[\"a\", \"b\"]"),
                ("DEL a b CONSISTENCY QUORUM SLOPPY", ":2"),
            ] {
                #expect(try await client(command) == reply, "\(command)")
            }
            #expect(try await client("HENGE.SET c 1 CONSISTENCY QUORUM SLOPPY").hasPrefix("\""))
            #expect(try await client("HENGE.GET c CONSISTENCY QUORUM SLOPPY").hasPrefix("["))
            #expect(try await client("HENGE.DEL c CONSISTENCY QUORUM SLOPPY").hasPrefix("\""))
            #expect(try await client("HENGE.INSPECT c CONSISTENCY ONE SLOPPY").contains("n2"))
        }
    }
}
