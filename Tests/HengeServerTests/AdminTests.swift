import HengeServer
import NIOCore
import NIOHTTP1
import Testing

@Suite struct AdminTests {
    private let json = [("Content-Type", "application/json")]

    private func value(_ reply: HTTPReply) throws -> JSONValue {
        #expect(reply["Content-Type"] == "application/json", "\(reply.text)")
        return try #require(JSONValue(parsing: reply.text.utf8), "\(reply.text)")
    }

    private func error(_ reply: HTTPReply) throws -> String {
        guard case .string(let text)? = try value(reply)["error"] else {
            Issue.record("no error: \(reply.text)")
            return ""
        }
        return text
    }

    @Test("a change is staged, planned, refused with a reason and cleared")
    func ring() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let http = try await cluster.http()
            let ring = try value(try await http(.GET, "/admin/ring"))
            #expect(ring["epoch"] == 1 && ring["replicas"] == 3)
            #expect(try await http(.GET, "/admin/ring/plan").status == 409)

            let stage = "/admin/ring/staged"
            let unknown = try await http(
                .POST, stage, json, body: #"{"operation":"remove","node":"n9"}"#)
            #expect(unknown.status == 409)
            #expect(try error(unknown).contains("'n9'"))
            let staged = try await http(
                .POST, stage, json, body: #"{"operation":"weight","node":"n1","weight":2}"#)
            #expect(staged.status == 200)
            #expect(try value(staged)["operations"] == ["weight n1 2"])

            let plan = try value(try await http(.GET, "/admin/ring/plan"))
            guard case .string(let id)? = plan["id"] else {
                Issue.record("no id: \(plan.text)")
                return
            }
            let stale = try await http(
                .POST, "/admin/ring/commit", json, body: #"{"plan":"0000"}"#)
            #expect(stale.status == 409)
            #expect(try error(stale).contains(id))
            let abort = try await http(.POST, "/admin/ring/abort", json, body: "{}")
            #expect(abort.status == 409)

            #expect(try value(try await http(.DELETE, stage))["operations"] == [])
            let progress = try value(try await http(.GET, "/admin/ring/progress"))
            #expect(progress["running"] == false)
            try await http.close()
        }
    }

    @Test("a commit changes the ring, as henge ring would")
    func commit() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let http = try await cluster.http()
            _ = try await http(
                .POST, "/admin/ring/staged", json,
                body: #"{"operation":"zone","node":"n1","zone":"east"}"#
            )
            let plan = try value(try await http(.GET, "/admin/ring/plan"))
            guard case .string(let id)? = plan["id"] else {
                Issue.record("no id: \(plan.text)")
                return
            }
            let done = try await http(
                .POST, "/admin/ring/commit", json, body: "{\"plan\":\"\(id)\"}")
            #expect(done.status == 200, "\(done.text)")
            try await eventually("the zone is that of the ring") {
                let ring = try value(try await http(.GET, "/admin/ring"))
                guard case .array(let nodes)? = ring["nodes"] else { return false }
                return nodes.contains { $0["name"] == "n1" && $0["zone"] == "east" }
            }
            try await http.close()
        }
    }

    @Test("reports, status, hints, repair and a key")
    func reports() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let http = try await cluster.http()
            let text = [("Content-Type", "text/plain")]
            _ = try await http(.PUT, "/buckets/b/keys/k", text, body: "v")
            for name in ["distribution", "siblings", "sizes", "hotkeys", "hints", "entropy"] {
                let reply = try await http(.GET, "/admin/reports/\(name)")
                #expect(reply.status == 200, "\(name): \(reply.text)")
                _ = try value(reply)
            }
            let distribution = try value(
                try await http(.GET, "/admin/reports/distribution?sample=0"))
            #expect(distribution["keys"] == 1)
            let key = try value(try await http(.GET, "/admin/inspect?bucket=b&key=k"))
            guard case .array(let replicas)? = key["replicas"] else {
                Issue.record("no replicas: \(key.text)")
                return
            }
            #expect(replicas.count == 3)
            #expect(try value(try await http(.GET, "/admin/status"))["node"] == "n1")
            func post(_ path: String) async throws -> JSONValue {
                try value(try await http(.POST, "/admin/\(path)", json, body: "{}"))
            }
            #expect(try await post("hints/pause")["paused"] == true)
            #expect(try await post("hints/resume")["paused"] == false)
            #expect(try await post("hints/drop")["targets"] == [])
            #expect(try await post("repair")["node"] == "n1")
            let nobody = try await http(
                .POST, "/admin/hints/drop", json, body: #"{"node":"n9"}"#)
            #expect(nobody.status == 409)
            try await http.close()
        }
    }

    @Test("what is not understood is refused, and does nothing")
    func refusals() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let http = try await cluster.http()
            let stage = "/admin/ring/staged"
            let bodies = [
                "", "{", "[]", "1", "{}", #"{"operation":"add"}"#,
                #"{"operation":"fly","node":"n1"}"#, #"{"operation":"add","node":7}"#,
                #"{"operation":"weight","node":"n1"}"#,
                #"{"operation":"weight","node":"n1","weight":1.5}"#,
                #"{"operation":"remove","node":"n1","weight":2}"#,
                #"{"operation":"zone","node":"n1","zone":null}"#,
            ]
            for body in bodies {
                let reply = try await http(.POST, stage, json, body: ByteBuffer(string: body))
                #expect(reply.status == 400, "\(body): \(reply.text)")
                #expect(!(try error(reply)).isEmpty)
            }
            let plain = [("Content-Type", "text/plain")]
            let form = try await http(.POST, "/admin/hints/pause", plain, body: "{}")
            #expect(form.status == 415, "as a form of another site would")
            for query in ["sample=-1", "sample=x", "sample=", "sampel=1", "sample=1&sample=2"] {
                let reply = try await http(.GET, "/admin/reports/distribution?\(query)")
                #expect(reply.status == 400, "\(query)")
            }
            #expect(try await http(.GET, "/admin/reports/hotkeys?window=day").status == 400)
            #expect(try await http(.GET, "/admin/inspect").status == 400)
            #expect(try await http(.GET, "/admin/inspect?bucket=&key=k").status == 400)
            let wrong = try await http(.PUT, stage, json, body: "{}")
            #expect(wrong.status == 405)
            #expect(wrong["Allow"] == "GET, HEAD, POST, DELETE")
            #expect(try await http(.GET, "/admin/nothing").status == 404)
            #expect(try value(try await http(.GET, stage))["operations"] == [])
            let status = try value(try await http(.GET, "/admin/reports/hints"))
            #expect(status["paused"] == false)
            try await http.close()
        }
    }

    @Test("the description names each operation once, and each reference leads somewhere")
    func description() throws {
        let document = try #require(JSONValue(parsing: OpenAPIDocument.text.utf8))
        #expect(document["openapi"] == "3.1.0")
        guard case .object(let paths)? = document["paths"],
            case .object(let schemas)? = document["components"]?["schemas"]
        else {
            Issue.record("no paths or schemas")
            return
        }
        var names: [String] = []
        for path in paths {
            guard case .object(let operations) = path.value else { continue }
            for operation in operations {
                guard case .string(let name)? = operation.value["operationId"] else { continue }
                names.append(name)
            }
        }
        #expect(names.count == 20 && Set(names).count == 20)
        #expect(Set(schemas.map(\.name)) == Set(names + ["Error"]))
    }
}
