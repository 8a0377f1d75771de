import HengeBase
import HengeRESP
import NIOCore
import Testing

/// What a connection may rely on while its requests run side by side.
@Suite(.serialized) struct PipelineTests {
    /// One node answers many of its reads at once, in front of nothing that is in flight.
    @Test(
        "replies come in the order of the commands, and commands on one key see each other",
        arguments: [1, 3]
    )
    func order(_ nodes: Int) async throws {
        try await TestCluster.with(nodes: nodes) { cluster in
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededGenerator(seed: seed)
            let client = try await cluster.client()
            _ = try await client("CONSISTENCY QUORUM")
            var model: [String: String] = [:]
            for round in 0..<20 {
                var expected: [String] = []
                for step in 0..<100 {
                    let key = "k\(random.below(8))"
                    switch random.below(7) {
                    case 0, 1:
                        client.send(["SET", key, "\(round):\(step)"])
                        model[key] = "\(round):\(step)"
                        expected.append("+OK")
                    case 2:
                        let other = "k\(random.below(8))"
                        client.send(["MSET", key, "m\(step)", other, "n\(step)"])
                        model[key] = "m\(step)"
                        model[other] = "n\(step)"
                        expected.append("+OK")
                    case 3:
                        client.send(["DEL", key])
                        expected.append(model.removeValue(forKey: key) == nil ? ":0" : ":1")
                    case 4:
                        let other = "k\(random.below(8))"
                        client.send(["MGET", key, other, key])
                        let values = [key, other, key].map {
                            model[$0].map { "\"\($0)\"" } ?? "nil"
                        }
                        expected.append("[\(values.joined(separator: ", "))]")
                    case 5:
                        client.send(["ECHO", "\(step)"])
                        expected.append("\"\(step)\"")
                    default:
                        client.send(["GET", key])
                        expected.append(model[key].map { "\"\($0)\"" } ?? "nil")
                    }
                }
                for (step, reply) in expected.enumerated() {
                    let actual = try await client.reply()
                    guard actual == reply else {
                        Issue.record("seed \(seed), \(round):\(step): \(actual), not \(reply)")
                        return
                    }
                }
            }
        }
    }

    @Test("state that a command changes holds from the next command on")
    func stateInOrder() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let client = try await cluster.client()
            for command in [
                "SET k 1", "HENGE.BUCKET b", "GET k", "SET k 2", "HENGE.BUCKET default", "GET k",
                "GET none", "HELLO 3", "GET none", "NOSUCH", "DBSIZE", "GET k",
            ] {
                client.send(command.split(separator: " ").map(String.init))
            }
            var replies: [String] = []
            for _ in 0..<12 { replies.append(try await client.reply()) }
            #expect(replies[..<7] == ["+OK", "+OK", "nil", "+OK", "+OK", "\"1\"", "nil"])
            #expect(replies[8] == "nil" && replies[9].hasPrefix("-ERR unknown command"))
            #expect(replies[10...] == [":2", "\"1\""])
        }
    }

    @Test("commands of many keys go through a window, and fail as one")
    func manyKeys() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1) { cluster in
            let client = try await cluster.client()
            let keys = (0..<3000).map { "key:\($0)" }
            let pairs = keys.enumerated().flatMap { [$1, "v\($0)"] }
            #expect(try await client(["MSET"] + pairs) == "+OK")
            client.send(["MGET"] + keys + ["none"])
            let values = try await client.next().elements
            #expect(values.map(\.text) == (0..<3000).map { "v\($0)" } + [""])
            #expect(try await client(["EXISTS"] + keys + keys) == ":6000")
            let failed = try await client(["MGET"] + keys.prefix(5) + ["CONSISTENCY", "2"])
            #expect(failed.hasPrefix("-UNAVAILABLE required=2 alive=1"))
            #expect(
                try await client(["MSET"] + pairs.prefix(8) + ["CONSISTENCY", "2"])
                    .hasSuffix("(0 of 4 keys were written)")
            )
            // Others have their turn meanwhile.
            let other = try await cluster.client()
            client.send(["DEL"] + keys + keys)
            #expect(try await other("PING") == "+PONG")
            #expect(try await client.reply() == ":3000")
        }
    }

    @Test("a million arguments are taken, and refused where they make no sense")
    func millionArguments() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            let client = try await cluster.client()
            for (count, reply) in [
                (1_000_000, "-ERR wrong number of arguments for 'ping' command"),
                (1_048_577, "-ERR Protocol error: invalid multibulk length"),
            ] {
                var out = ByteBuffer()
                out.writeString("*\(count)\r\n$4\r\nPING\r\n")
                if count <= 1_048_576 {
                    for _ in 1..<count { out.writeStaticString("$1\r\nx\r\n") }
                }
                client.send(raw: out)
                #expect(try await client.reply() == reply)
            }
            #expect(try await client.reply() == "closed")
        }
    }

    @Test("a client that closes its side still gets the replies that it is owed")
    func halfClose() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let client = try await cluster.client()
            for index in 0..<50 { client.send(["SET", "k\(index % 5)", "\(index)"]) }
            client.closeOutput()
            for _ in 0..<50 { #expect(try await client.reply() == "+OK") }
            #expect(try await client.reply() == "closed")
        }
    }
}
