import Foundation
import HengeClient
import NIOCore
import Testing

/// `henge get`, `put`, `delete`, `inspect` and `ring show` against real nodes.
@Suite(.serialized) struct DataCommandTests {
    @Test("put, get and delete, with exact bytes and exit codes")
    func roundTrip() async throws {
        try await TestCluster.run { cluster in
            let put = try await cluster.henge("put", "greeting", "hello")
            #expect((put.status, put.text, put.errors) == (0, "", ""))
            let got = try await cluster.henge("get", "greeting", node: 2)
            #expect((got.status, got.text, got.errors) == (0, "hello", ""))

            let blob = Data((0..<3000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            #expect(try await cluster.henge("put", "blob", "-", input: blob).status == 0)
            #expect(try await cluster.henge("get", "blob", node: 3).output == blob)
            let json = try await cluster.henge("get", "blob", "--json").json()
            let value = try #require(json["value"] as? [String: String])
            #expect(value["base64"] == blob.base64EncodedString())

            #expect(try await cluster.henge("delete", "greeting").status == 0)
            let gone = try await cluster.henge("get", "greeting", "--consistency", "all")
            #expect((gone.status, gone.text, gone.errorLines.count) == (5, "", 1))
            #expect(try await cluster.henge("delete", "greeting").status == 5)
            #expect(try await cluster.henge("get", "never").status == 5)

            #expect(try await cluster.henge("put", "k", "v", "--bucket", "other").status == 0)
            #expect(try await cluster.henge("get", "k").status == 5)
            #expect(try await cluster.henge("get", "k", "--bucket", "other").text == "v")
        }
    }

    @Test("a value expires")
    func expiry() async throws {
        try await TestCluster.run(nodes: 1) { cluster in
            #expect(try await cluster.henge("put", "brief", "v", "--ttl-ms", "60000").status == 0)
            let json = try await cluster.henge("get", "brief", "--json").json()
            let written = try #require(json["timestamp_ms"] as? Int)
            let expiry = try #require(json["expiry_ms"] as? Int)
            #expect(abs(expiry - written - 60_000) < 5_000)
            #expect(try await cluster.henge("put", "brief", "v", "--ttl-ms", "1").status == 0)
            try await eventually("the value expires") {
                try await cluster.henge("get", "brief").status == 5
            }
        }
    }

    @Test("concurrent values are noted, listed, and replaced by a write that has seen them")
    func siblings() async throws {
        try await TestCluster.run { cluster in
            let client = try cluster.client()
            for value in ["apples", "pears"] {
                try await client.put(
                    ByteBuffer(string: value),
                    for: ByteBuffer(string: "cart"),
                    consistency: .all
                )
            }
            await client.close()

            let newest = try await cluster.henge("get", "cart")
            #expect((newest.status, newest.text) == (0, "pears"))
            #expect(newest.errors.contains("2 concurrent values"))
            let all = try await cluster.henge("get", "cart", "--all-siblings", "--json").json()
            let siblings = try #require(all["siblings"] as? [[String: Any]])
            #expect(Set(siblings.compactMap { $0["value"] as? String }) == ["apples", "pears"])
            let context = try #require(all["context"] as? String)

            let put = try await cluster.henge("put", "cart", "both", "--context", context, "--json")
            let next = try #require(try put.json()["context"] as? String)
            let one = try await cluster.henge("get", "cart", "--all-siblings", "--json").json()
            #expect((one["siblings"] as? [Any])?.count == 1)

            // The old context has not seen the last write, which therefore stays.
            #expect(
                try await cluster.henge("put", "cart", "late", "--context", context).status == 0
            )
            let two = try await cluster.henge("get", "cart", "--all-siblings", "--json").json()
            #expect((two["siblings"] as? [Any])?.count == 2)
            #expect(try await cluster.henge("delete", "cart", "--context", next).status == 0)
            #expect(try await cluster.henge("get", "cart").text == "late")
            // Without a context a put replaces what it finds.
            #expect(try await cluster.henge("put", "cart", "plain").status == 0)
            let last = try await cluster.henge("get", "cart")
            #expect((last.text, last.errors) == ("plain", ""))
        }
    }

    @Test("--json has the shapes that scripts rely on")
    func shapes() async throws {
        try await TestCluster.run { cluster in
            #expect(
                try await cluster.henge("put", "123456789", "1", "--consistency", "all").status == 0
            )
            let seen = try await cluster.henge("inspect", "123456789", "--json").json()
            #expect(seen["bucket"] as? String == "default")
            #expect(seen["key"] as? String == "123456789")
            #expect(seen["slot"] as? Int == 12_739)
            #expect(seen["partition"] is Int)
            let token = try #require(seen["token"] as? String)
            #expect(token.wholeMatch(of: #/[0-9a-f]{16}/#) != nil)
            let list = try #require(seen["preference_list"] as? [String])
            #expect(list.sorted() == ["n1", "n2", "n3"])
            let replicas = try #require(seen["replicas"] as? [[String: Any]])
            #expect(replicas.compactMap { $0["node"] as? String }.sorted() == list.sorted())
            for replica in replicas {
                #expect(replica["state"] as? String == "present")
                #expect(replica["siblings"] as? Int == 1)
                #expect(replica["tombstone"] as? Bool == false)
                #expect(replica["context"] is String)
            }
            #expect(Set(replicas.compactMap { $0["digest"] as? String }).count == 1)

            let ring = try await cluster.henge("ring", "show", "--json", node: 2).json()
            #expect(ring["cluster"] is String)
            #expect(ring["epoch"] as? Int == 1)
            #expect(ring["partitions"] as? Int == 64)
            #expect(ring["replicas"] as? Int == 3)
            #expect(ring["transition"] is NSNull)
            #expect((ring["owners"] as? [String])?.count == 64)
            let nodes = try #require(ring["nodes"] as? [[String: Any]])
            let fields: Set = [
                "name", "id", "state", "zone", "weight", "vnodes", "share", "resp", "http", "peer",
            ]
            for node in nodes { #expect(fields.isSubset(of: node.keys)) }
            #expect(nodes.compactMap { $0["state"] as? String } == ["up", "up", "up"])
            #expect(abs(nodes.compactMap { $0["share"] as? Double }.reduce(0, +) - 1) < 1e-9)
        }
    }

    @Test("without a node: QUORUM goes on, ALL exits 3, inspect tells, and a read at ALL mends")
    func lostNode() async throws {
        try await TestCluster.run { cluster in
            #expect(try await cluster.henge("put", "k", "old", "--consistency", "all").status == 0)
            // Hints would make n3 whole before anyone reads.
            #expect(try await cluster.henge("hints", "pause").status == 0)
            #expect(try await cluster.cluster("kill", "n3").status == 0)
            #expect(try await cluster.henge("put", "k", "new").status == 0)
            try await eventually("a write at ALL is refused") {
                let refused = try await cluster.henge("put", "k", "x", "--consistency", "all")
                return refused.status == 3 && refused.errorLines.count == 1
                    && refused.errors.contains("UNAVAILABLE")
            }
            #expect(try await cluster.henge("get", "k").text == "new")
            #expect(try await cluster.henge("inspect", "k").text.contains("unreachable"))

            #expect(try await cluster.cluster("start", "n3").status == 0)
            let stale = try await cluster.henge("inspect", "k")
            // Comparisons mend it within some seconds, too.
            let isStale = stale.text.contains("the replicas differ: 2 different versions")
            #expect(isStale || stale.text.contains("all replicas agree"), "\(stale.text)")
            #expect(try await cluster.henge("get", "k", "--consistency", "all").text == "new")
            let mended = try await cluster.henge("inspect", "k")
            #expect(mended.text.contains("all replicas agree"), "\(mended.text)")
        }
    }

    @Test("wrong usage exits 2 and nobody there exits 1, each in one line without colour")
    func failures() async throws {
        let port = try TestCluster.freeBasePort(nodes: 1) + 1
        let cases: [(arguments: [String], status: Int32, words: String)] = [
            (["get"], 2, "see henge get --help"),
            (["get", "k", "--consistency", "most"], 2, "one, quorum, all or a number"),
            (["get", "k", "--node", "nowhere"], 2, "host:port"),
            (["put", "k", "v", "--ttl-ms", "0"], 2, "--ttl-ms"),
            (["frobnicate"], 2, "see henge --help"),
            (["get", "k", "--node", "127.0.0.1:\(port)"], 1, "connection refused"),
            (["inspect", "k", "--node", "127.0.0.1:\(port)"], 1, "connection refused"),
            (["ring", "show", "--node", "127.0.0.1:\(port)"], 1, "connection refused"),
        ]
        for test in cases {
            let result = try await Henge.run(test.arguments)
            #expect(result.status == test.status, "\(test.arguments)")
            #expect(result.text == "", "\(test.arguments)")
            #expect(result.errorLines.count == 1, "\(result.errors)")
            #expect(result.errors.contains(test.words), "\(result.errors)")
            #expect(!result.errors.contains("\u{1B}"))
        }
        let named = try await Henge.run(
            ["get", "k"],
            environment: ["HENGE_NODES": "127.0.0.1:\(port)"]
        )
        #expect(named.status == 1 && named.errors.contains(":\(port)"))
    }
}
