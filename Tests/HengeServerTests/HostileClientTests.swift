import HengeBase
import HengeRESP
import NIOCore
import Testing

/// Clients that break the rules or take more than their share.
@Suite(.serialized) struct HostileClientTests {
    @Test("broken framing is answered as in Redis, after what came before it, and closes")
    func brokenFraming() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let cases = [
                ("*x\r\n", "-ERR Protocol error: invalid multibulk length"),
                ("*99999999999\r\n", "-ERR Protocol error: invalid multibulk length"),
                ("*1\r\n:1\r\n", "-ERR Protocol error: expected '$', got ':'"),
                ("*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length"),
                ("*1\r\n$99999999999\r\n", "-ERR Protocol error: invalid bulk length"),
                ("*1\r\n$2\r\nabc\r\n", "-ERR Protocol error: expected CRLF after bulk"),
                ("\"abc\r\n", "-ERR Protocol error: unbalanced quotes in request"),
                (
                    String(repeating: "x", count: 70_000),
                    "-ERR Protocol error: too big inline request"
                ),
            ]
            for (bytes, reply) in cases {
                let client = try await cluster.client()
                client.send(["SET", "k", "v"])
                client.send(raw: bytes)
                #expect(try await client.reply() == "+OK")
                #expect(try await client.reply() == reply)
                #expect(try await client.reply() == "closed")
            }
            let client = try await cluster.client()
            let status = try await client.value("HENGE.STATUS")
            #expect(status["protocol_errors"]?.int == cases.count)
        }
    }

    @Test("an argument over the limit is refused and the connection kept")
    func recoverable() async throws {
        try await TestCluster.with(nodes: 1) {
            $0.valueBytesMax = 1 << 20
        } _: { cluster in
            let client = try await cluster.client()
            client.send(["SET", "k", "small"])
            client.send(["SET", "k", String(repeating: "v", count: 3 << 20)])
            client.send(["GET", "k"])
            #expect(try await client.reply() == "+OK")
            #expect(try await client.reply().hasPrefix("-TOOLARGE argument of 3145728 bytes"))
            #expect(try await client.reply() == "\"small\"")
            let value = String(repeating: "v", count: 1 << 20)
            #expect(try await client(["SET", "k", value]) == "+OK")
            #expect(try await client("STRLEN k") == ":1048576")
            #expect(try await client("GET k") == "\"\(value)\"")
        }
    }

    @Test("random bytes and cut-off commands harm nobody")
    func garbage() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededGenerator(seed: seed)
            let witness = try await cluster.client()
            _ = try await witness("SET k v")
            for round in 0..<60 {
                let client = try await cluster.client()
                var bytes = ByteBuffer()
                if round % 2 == 0 {
                    for _ in 0..<random.below(2000) {
                        bytes.writeInteger(UInt8(truncatingIfNeeded: random.next()))
                    }
                } else {
                    // A sound command with some bytes changed, and its end missing.
                    RESPRequestEncoder.encode(
                        ["SET", "k\(round)", "value", "EX", "10"], into: &bytes)
                    for _ in 0..<random.below(4) {
                        let byte = UInt8(truncatingIfNeeded: random.next())
                        bytes.setInteger(byte, at: random.below(bytes.writerIndex))
                    }
                    bytes.moveWriterIndex(to: random.below(bytes.writerIndex) + 1)
                }
                client.send(raw: bytes)
                try await client.close()
                let reply = try await witness("GET k")
                guard reply == "\"v\"" else {
                    Issue.record("seed \(seed), round \(round): \(reply)")
                    return
                }
            }
        }
    }

    @Test("a command that comes in single bytes is understood")
    func singleBytes() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let client = try await cluster.client()
            for byte in "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\nGET k\r\n".utf8 {
                client.send(raw: ByteBuffer(bytes: [byte]))
            }
            #expect(try await client.reply() == "+OK")
            #expect(try await client.reply() == "\"hello\"")
        }
    }

    // What it costs in bytes is seen by cluster/smoke, whose nodes share their process with no
    // other test.
    @Test("a client that does not read is no longer read from")
    func slowReader() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let witness = try await cluster.client()
            let value = String(repeating: "v", count: 100_000)
            _ = try await witness(["SET", "big", value])
            let slow = try await cluster.client(reads: false)
            // 2 GB of replies, if they were all made.
            var out = ByteBuffer()
            for _ in 0..<20_000 {
                RESPRequestEncoder.encode(["GET", "big"], into: &out)
            }
            slow.send(raw: out)
            var last = -1
            try await eventually("the server stops serving the slow client") {
                let count = try await commands(witness)
                defer { last = count }
                try await Task.sleep(for: .milliseconds(100))
                // Each look is a command, too.
                return count == last + 1
            }
            #expect(last < 500, "commands served")
            #expect(try await witness("PING") == "+PONG")
            try await slow.close()
        }
    }

    private func commands(_ client: TestClient) async throws -> Int {
        try await client.value("HENGE.STATUS")["commands"]?.int ?? 0
    }

    @Test("many idle connections")
    func idleConnections() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let witness = try await cluster.client()
            var clients: [TestClient] = []
            for _ in 0..<1000 {
                let client = try await cluster.client()
                client.send(["PING"])
                clients.append(client)
            }
            for client in clients { #expect(try await client.reply() == "+PONG") }
            let status = try await witness.value("HENGE.STATUS")
            #expect(status["clients"]?.int == 1001)
            for client in clients { try await client.close() }
            try await eventually("all have left") {
                try await witness.value("HENGE.STATUS")["clients"]?.int == 1
            }
        }
    }
}
