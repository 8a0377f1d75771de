import HengeBase
import HengeMessages
import HengeRing
import NIOCore
import Testing

/// Nodes with several shards, as clients and other nodes see them: like those with one.
@Suite(.serialized) struct ShardTests {
    private static let keys = (0..<300).map { "key:\($0)" }

    @Test("whatever the connection and the key, each node serves all of them")
    func requests() async throws {
        try await TestCluster.with(nodes: 3, shards: 4) {
            $0.allowsFlush = true
        } _: { cluster in
            let writer = try await cluster.client()
            for key in Self.keys { writer.send(["SET", key, "v\(key)"]) }
            for _ in Self.keys { #expect(try await writer.reply() == "+OK") }
            // One connection a shard, as they are given out in turn.
            for _ in 0..<4 {
                let client = try await cluster.client(1)
                for key in Self.keys { client.send(["GET", key]) }
                for key in Self.keys { #expect(try await client.reply() == "\"v\(key)\"") }
                let all = try await client.value("MGET " + Self.keys.joined(separator: " "))
                #expect(all.elements.map(\.text) == Self.keys.map { "v\($0)" })
                #expect(try await client("DBSIZE") == ":300")
                #expect(try await Self.scan(client) == Set(Self.keys))
            }
            let client = try await cluster.client(2)
            #expect(try await client("RANDOMKEY").hasPrefix("\"key:"))
            #expect(try await client(["DEL"] + Self.keys.prefix(100)) == ":100")
            #expect(try await client("FLUSHALL") == "+OK")
            #expect(try await client("DBSIZE") == ":0")
        }
    }

    @Test("connections of all shards are listed by each, with numbers of their own")
    func connections() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, shards: 2) { cluster in
            let clients = [try await cluster.client(), try await cluster.client()]
            var ids: Set<String> = []
            for client in clients {
                #expect(try await client("CONFIG GET henge-shards").contains("\"2\""))
                ids.insert(String(try await client("CLIENT ID").dropFirst()))
            }
            #expect(ids.count == 2)
            for client in clients {
                let list = try await client("CLIENT LIST")
                #expect(ids.allSatisfy { list.contains("id=\($0) ") }, "\(list)")
                let id = try #require(ids.first)
                #expect(try await client("CLIENT LIST ID \(id)").contains("id=\(id) "))
            }
        }
    }

    @Test("over HTTP a key is the same key, and a bucket lists the keys of all shards")
    func http() async throws {
        try await TestCluster.with(nodes: 3, http: true, shards: 2) { cluster in
            let http = try await cluster.http()
            let text = [("Content-Type", "text/plain")]
            for key in Self.keys.prefix(20) {
                let path = "/buckets/b/keys/\(key)"
                let put = try await http(.PUT, path, text, body: "value of \(key)")
                #expect(put.status == 204)
            }
            let other = try await cluster.http(1)
            for key in Self.keys.prefix(20) {
                #expect(try await other(.GET, "/buckets/b/keys/\(key)").text == "value of \(key)")
            }
            let list = try await other(.GET, "/buckets/b/keys?keys=true").text
            #expect(Self.keys.prefix(20).allSatisfy { list.contains("\"\($0)\"") })
            try await http.close()
            try await other.close()
        }
    }

    @Test("a node with another number of shards, or at the port of another one, is refused")
    func strangers() async throws {
        try await TestCluster.with(nodes: 3, shards: 2) { cluster in
            var hello = PeerHello(
                clusterID: try cluster.document().clusterID,
                node: NodeID(2),
                name: "n2",
                epoch: 1,
                life: 1,
                respAddress: "",
                httpAddress: ""
            )
            let slices = [
                ShardSlice.whole, ShardSlice(index: 1, count: 2), ShardSlice(index: 0, count: 4),
            ]
            for slice in slices {
                hello.slice = slice
                var bytes = ByteBuffer()
                Frame.write(into: &bytes) { hello.write(into: &$0) }
                #expect(try await cluster.isClosed(after: bytes), "\(slice)")
            }
            try await cluster.isWhole()
        }
    }

    private static func scan(_ client: TestClient) async throws -> Set<String> {
        var keys: Set<String> = []
        var cursor = "0"
        repeat {
            let page = try await client.value("SCAN \(cursor) COUNT 20").elements
            try #require(page.count == 2)
            cursor = page[0].text
            for key in page[1].elements {
                #expect(keys.insert(key.text).inserted, "a key is listed once")
            }
        } while cursor != "0"
        return keys
    }
}
