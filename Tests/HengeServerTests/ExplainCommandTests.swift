import Foundation
import HengeRESP
import HengeServer
import NIOCore
import Testing

/// `HENGE.EXPLAIN` and the header over sockets.
@Suite struct ExplainCommandTests {
    /// The fields of a reply in RESP3.
    private func fields(_ value: RESPValue) throws -> [String: RESPValue] {
        guard case .map(let entries) = value else {
            throw UnexpectedReply(value: value)
        }
        return entries.reduce(into: [:]) { fields, entry in
            if case .bulk(let name) = entry.key { fields[String(buffer: name)] = entry.value }
        }
    }

    private struct UnexpectedReply: Error { let value: RESPValue }

    private func text(_ value: RESPValue?) -> String? {
        if case .bulk(let bytes)? = value { String(buffer: bytes) } else { nil }
    }

    private func events(_ fields: [String: RESPValue]) throws -> [String] {
        guard case .array(let steps)? = fields["steps"] else { return [] }
        return try steps.map { text(try self.fields($0)["event"]) ?? "?" }
    }

    @Test("GET, SET and DEL are carried out, and told of from the first step to the last")
    func commands() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let client = try await cluster.client()
            _ = try await client("HELLO 3")
            let set = try fields(try await client.value("HENGE.EXPLAIN SET k v CONSISTENCY ALL"))
            #expect(text(set["command"]) == "SET" && text(set["outcome"]) == "written")
            #expect(text(set["level"]) == "ALL" && text(set["node"]) == "n1")
            let written = try events(set)
            #expect(written.first == "coordinates" && written.last == "replies")
            #expect(written.count { $0 == "sends" } == 3 && written.count { $0 == "stores" } == 3)
            #expect(try fields(set["reached"] ?? .null)["write"] == .integer(3))

            #expect(try await client("GET k") == "\"v\"")
            let got = try fields(try await client.value("henge.explain get k CONSISTENCY QUORUM"))
            #expect(text(got["outcome"]) == "found" && text(got["coordinator"]) == "n1")
            #expect(try events(got).count { $0 == "answers" } >= 2)
            #expect(try fields(got["answer"] ?? .null)["siblings"] == .integer(1))

            let old = try fields(try await client.value("HENGE.EXPLAIN GETSET k w"))
            #expect(try events(old).contains("asks") && events(old).contains("makes"))
            #expect(try await client("GET k") == "\"w\"")
            let gone = try fields(try await client.value("HENGE.EXPLAIN DEL k CONSISTENCY ONE"))
            #expect(text(gone["command"]) == "DEL" && text(gone["outcome"]) == "written")
            let absent = try fields(try await client.value("HENGE.EXPLAIN HENGE.GET k"))
            #expect(text(absent["outcome"]) == "absent")
            let not = try fields(try await client.value("HENGE.EXPLAIN DEL k"))
            #expect(text(not["outcome"]) == "not applied")
        }
    }

    @Test("RESP2 has flat arrays; replies come in the order of the commands; errors are typed")
    func edges() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1) { cluster in
            let client = try await cluster.client()
            let flat = try await client("HENGE.EXPLAIN GET k")
            #expect(
                flat.hasPrefix("[\"command\", \"GET\", \"bucket\", \"default\", \"key\", \"k\""))
            client.send(["HENGE.EXPLAIN", "SET", "k", "v"])
            client.send(["GET", "k"])
            client.send(["HENGE.EXPLAIN", "GET", "k"])
            client.send(["PING"])
            #expect(try await client.reply().hasPrefix("[\"command\", \"SET\""))
            #expect(try await client.reply() == "\"v\"")
            #expect(try await client.reply().contains("\"outcome\", \"found\""))
            #expect(try await client.reply() == "+PONG")
            let wrong = [
                ("HENGE.EXPLAIN", "-ERR wrong number of arguments for 'henge.explain' command"),
                ("HENGE.EXPLAIN GET", "-ERR wrong number of arguments for 'henge.explain' command"),
                ("HENGE.EXPLAIN GET a b", "-ERR wrong number of arguments for 'get' command"),
                ("HENGE.EXPLAIN NOSUCH a", "-ERR unknown command 'NOSUCH'"),
                ("HENGE.EXPLAIN MGET a b", "-ERR 'mget' can't be explained"),
                ("HENGE.EXPLAIN DEL a b", "-ERR 'del of several keys' can't be explained"),
                ("HENGE.EXPLAIN HENGE.INSPECT a", "-ERR 'henge.inspect' can't be explained"),
                ("HENGE.EXPLAIN HENGE.EXPLAIN GET a", "-ERR 'henge.explain' can't be explained"),
                ("HENGE.EXPLAIN SET a 1 EX 0", "-ERR invalid expire time in 'set' command"),
                ("COMMAND GETKEYS HENGE.EXPLAIN SET a 1", "[\"a\"]"),
            ]
            for (command, reply) in wrong {
                #expect(try await client(command).hasPrefix(reply), "\(command)")
            }
        }
    }

    @Test("from a node without a replica: forwarded, and the coordinator's leg is there")
    func forwarded() async throws {
        try await TestCluster.with(nodes: 4, http: true) { cluster in
            var seen = 0
            for node in 0..<4 {
                let client = try await cluster.client(node)
                _ = try await client("HELLO 3")
                let set = try fields(try await client.value("HENGE.EXPLAIN SET k v"))
                #expect(text(set["outcome"]) == "written")
                guard try events(set).contains("forwards") else { continue }
                seen += 1
                #expect(text(set["node"]) == "n\(node + 1)")
                #expect(text(set["coordinator"]) != text(set["node"]))
                #expect(try events(set).count { $0 == "stores" } == 3)
                #expect(set["cut"] == .boolean(false))
                let http = try await cluster.http(node)
                let got = try await http(.GET, "/buckets/default/keys/k?explain=true")
                let header = try #require(got["X-Henge-Explain"])
                #expect(header.contains("\"event\":\"forward_answered\""))
                #expect(header.contains("\"event\":\"coordinates\""))
            }
            #expect(seen == 1)
        }
    }

    @Test("the header comes with every answer to a request that asks for it, and with no other")
    func header() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let http = try await cluster.http()
            let path = "/buckets/b/keys/k"
            let asks = [("X-Henge-Explain", "1")]
            let type = [("Content-Type", "text/plain")]
            func document(_ reply: HTTPReply) throws -> JSONValue {
                let text = try #require(reply["X-Henge-Explain"])
                return try #require(JSONValue(parsing: text.utf8))
            }
            let missing = try await http(.GET, path, asks)
            #expect(missing.status == 404)
            #expect(try document(missing)["outcome"] == "absent")
            let put = try await http(.PUT, path, asks + type, body: "v")
            #expect(put.status == 204)
            #expect(try document(put)["command"] == "PUT")
            #expect(try document(put)["outcome"] == "written")
            let got = try await http(.GET, path, asks)
            #expect(got.status == 200 && got.text == "v")
            #expect(try document(got)["level"] == "QUORUM")
            // A precondition that fails is answered after the read that it needed.
            let refused = try await http(
                .PUT, path, asks + type + [("If-None-Match", "*")], body: "w")
            #expect(refused.status == 412)
            #expect(try document(refused)["ok"] == true)
            let gone = try await http(.DELETE, path, asks)
            #expect(gone.status == 204)
            #expect(try document(gone)["command"] == "DELETE")
            for reply in [
                try await http(.GET, path), try await http(.GET, path + "?explain=false"),
                try await http(.GET, path, [("X-Henge-Explain", "0")]),
            ] {
                #expect(reply["X-Henge-Explain"] == nil)
            }
        }
    }
}
