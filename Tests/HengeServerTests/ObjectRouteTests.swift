import Foundation
import HengeBase
import HengeServer
import NIOCore
import NIOHTTP1
import Testing

@Suite struct ObjectRouteTests {
    private let text = [("Content-Type", "text/plain")]

    @Test("what is stored comes back as it was said: type, encoding, metadata, links, any bytes")
    func roundTrip() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let (a, b) = (try await cluster.http(0), try await cluster.http(1))
            let value = ByteBuffer(bytes: (0...255).map { UInt8($0) })
            let headers = [
                ("Content-Type", "image/x-odd; charset=\"utf-8\""), ("Content-Encoding", "gzip"),
                ("X-Riak-Meta-Colour", "blue"), ("x-riak-meta-size", "5"),
                ("Link", "</buckets/x/keys/y>; riaktag=\"next\""),
            ]
            let key = "/buckets/my%20b/keys/%C3%BC%2Fa%00%ff"
            let put = try await a(.PUT, key, headers, body: value)
            #expect(put.status == 204)
            #expect(put["X-Riak-Vclock"] != nil)
            let got = try await b(.GET, key)
            #expect(got.status == 200)
            #expect(got.body == value)
            #expect(got["Content-Type"] == "image/x-odd; charset=\"utf-8\"")
            #expect(got["Content-Encoding"] == "gzip")
            #expect(got["X-Riak-Meta-Colour"] == "blue")
            #expect(got["x-riak-meta-size"] == "5")
            #expect(
                got["Link"]
                    == "</buckets/x/keys/y>; riaktag=\"next\", </buckets/my%20b>; rel=\"up\""
            )
            let typed = try await b(.GET, "/types/default" + key)
            #expect(typed.body == value)
            let keys = try await b(.GET, "/buckets/my%20b/keys?keys=true")
            #expect(keys.text == "{\"keys\":[{\"base64\":\"w7wvYQD/\"}]}")
        }
    }

    @Test("a value of RESP has a type of its own, and one of HTTP is plain to RESP")
    func besideRESP() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let (http, resp) = (try await cluster.http(0), try await cluster.client(1))
            #expect(try await resp("SET k v") == "+OK")
            let got = try await http(.GET, "/buckets/default/keys/k")
            #expect(got.text == "v")
            #expect(got["Content-Type"] == "application/octet-stream")
            let vclock = try #require(got["X-Riak-Vclock"])
            let headers = text + [("X-Riak-Vclock", vclock), ("X-Riak-Meta-A", "1")]
            let put = try await http(.PUT, "/buckets/default/keys/k", headers, body: "w")
            #expect(put.status == 204)
            #expect(try await resp("GET k") == "\"w\"")
            #expect(try await resp("STRLEN k") == ":1")
            // A new expiry is no new value: what was said of it stays.
            #expect(try await resp("EXPIRE k 1000") == ":1")
            #expect(try await http(.GET, "/buckets/default/keys/k")["X-Riak-Meta-A"] == "1")
            #expect(try await resp("SET k x") == "+OK")
            let again = try await http(.GET, "/buckets/default/keys/k")
            #expect(again["Content-Type"] == "application/octet-stream")
            #expect(again["X-Riak-Meta-A"] == nil)
            #expect(try await resp("PEXPIRE k 1") == ":1")
            try await eventually("expired") {
                try await http(.GET, "/buckets/default/keys/k").status == 404
            }
        }
    }

    @Test("concurrent writes are siblings until a write with their vclock resolves them")
    func siblings() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let http = try await cluster.http()
            let key = "/buckets/b/keys/k"
            for word in ["one", "two"] {
                #expect(try await http(.PUT, key, text, body: word).status == 204)
            }
            let both = try await http(.GET, key)
            #expect(both.status == 300)
            let tags = both.text.split(separator: "\n").dropFirst().map(String.init)
            #expect(tags.count == 2)
            var values: Set<String> = []
            for tag in tags {
                let one = try await http(.GET, "\(key)?vtag=\(tag)")
                #expect(one.status == 200)
                #expect(one["ETag"] == "\"\(tag)\"")
                values.insert(one.text)
            }
            #expect(values == ["one", "two"])
            #expect(try await http(.GET, "\(key)?vtag=none").status == 404)
            let refused = try await http(.GET, key, [("Accept", "image/png")])
            #expect(refused.status == 406)
            let vclock = try #require(both["X-Riak-Vclock"])
            let resolved = try await http(
                .PUT, "\(key)?returnbody=true", text + [("X-Riak-Vclock", vclock)], body: "three"
            )
            #expect(resolved.status == 200)
            #expect(resolved.text == "three")
            #expect(try await http(.GET, key).text == "three")
            // The same again is a write that has not seen "three".
            let late = try await http(
                .PUT, "\(key)?returnbody=true", text + [("X-Riak-Vclock", vclock)], body: "four"
            )
            #expect(late.status == 300)
        }
    }

    @Test("a bucket that is set to allow_mult=false shows the newest and replaces without a vclock")
    func newestOnly() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let http = try await cluster.http()
            let props = "/buckets/b/props"
            let json = [("Content-Type", "application/json")]
            #expect(
                try await http(.PUT, props, json, body: "{\"props\":{\"allow_mult\":false}}").status
                    == 204
            )
            #expect(try await http(.GET, props).text.contains("\"allow_mult\":false"))
            for word in ["one", "two"] {
                #expect(try await http(.PUT, "/buckets/b/keys/k", text, body: word).status == 204)
            }
            #expect(try await http(.GET, "/buckets/b/keys/k").text == "two")
            let other = try await cluster.http(2)
            try await eventually("the other nodes hear of it") {
                try await other(.GET, props).text.contains("\"allow_mult\":false")
            }
            #expect(try await http(.DELETE, props).status == 204)
            #expect(try await http(.GET, props).text.contains("\"allow_mult\":true"))
            let fixed = try await http(.PUT, props, json, body: "{\"props\":{\"n_val\":7}}")
            #expect(fixed.status == 400)
            #expect(try await http(.PUT, props, json, body: "nonsense").status == 400)
            #expect(try await http(.GET, "/types/default/props").text.contains("\"n_val\":3"))
            #expect(!(try await http(.GET, "/buckets?buckets=true").text.contains("properties")))
        }
    }

    @Test("conditional requests, GET, HEAD, PUT and DELETE")
    func conditions() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let http = try await cluster.http()
            let key = "/buckets/b/keys/k"
            #expect(try await http(.PUT, key, text + [("If-Match", "*")], body: "x").status == 412)
            let absent = text + [("If-None-Match", "*")]
            #expect(try await http(.PUT, key, absent, body: "one").status == 204)
            #expect(try await http(.PUT, key, absent, body: "two").status == 412)
            let got = try await http(.GET, key)
            #expect(got.text == "one")
            let tag = try #require(got["ETag"])
            let date = try #require(got["Last-Modified"])
            for method in [HTTPMethod.GET, .HEAD] {
                let same = try await http(method, key, [("If-None-Match", tag)])
                #expect(same.status == 304)
                #expect(same["ETag"] == tag)
                #expect(same.text.isEmpty)
                #expect(try await http(method, key, [("If-Modified-Since", date)]).status == 304)
                #expect(try await http(method, key, [("If-Match", "\"x\"")]).status == 412)
                #expect(try await http(method, key, [("If-None-Match", "\"x\"")]).status == 200)
            }
            let head = try await http(.HEAD, key)
            #expect(head["Content-Length"] == "3")
            #expect(head["X-Riak-Vclock"] == got["X-Riak-Vclock"])
            #expect(head.text.isEmpty)
            let missing = try await http(.HEAD, "/buckets/b/keys/none")
            #expect(missing.status == 404)
            #expect(missing.text.isEmpty)
            // With the tag of what there is a write replaces it, without a vclock, too.
            let replaced = try await http(.PUT, key, text + [("If-Match", tag)], body: "two")
            #expect(replaced.status == 204)
            #expect(try await http(.GET, key).text == "two")
            #expect(try await http(.PUT, key, text + [("If-Match", tag)], body: "x").status == 412)
            #expect(try await http(.DELETE, key, [("If-Match", tag)]).status == 412)
            #expect(try await http(.DELETE, key).status == 204)
            #expect(try await http(.DELETE, key).status == 404)
            let gone = try await http(.GET, key)
            #expect(gone.status == 404)
            #expect(gone["X-Riak-Deleted"] == "true")
            // Absent again.
            #expect(try await http(.PUT, key, absent, body: "three").status == 204)
            #expect(try await http(.GET, key).text == "three")
        }
    }

    @Test("errors tell what was wrong", .timeLimit(.minutes(5)))
    func errors() async throws {
        let small: @Sendable (inout NodeSettings) -> Void = { settings in
            settings.valueBytesMax = 1000
        }
        try await TestCluster.with(nodes: 3, http: true, small) { cluster in
            let http = try await cluster.http()
            let key = "/buckets/b/keys/k"
            let untyped = try await http(.PUT, key, body: "x")
            #expect(untyped.status == 400)
            #expect(untyped.text == "Missing Content-Type request header\n")
            let forged = text + [("X-Riak-Vclock", "nonsense")]
            #expect(try await http(.PUT, key, forged, body: "x").status == 400)
            #expect(try await http(.GET, key + "?r=abc").status == 400)
            #expect(try await http(.PUT, key + "?w=4", text, body: "x").status == 400)
            let patch = try await http(.PATCH, key, text, body: "x")
            #expect(patch.status == 405)
            #expect(patch["Allow"] == "GET, HEAD, PUT, POST, DELETE")
            #expect(try await http(.POST, "/mapred", text, body: "{}").status == 501)
            #expect(try await http(.GET, "/types/maps/buckets/b/keys/k").status == 404)
            let large = String(repeating: "v", count: 1001)
            let refused = try await http(.PUT, key, text, body: large)
            #expect(refused.status == 413)
            #expect(refused["Connection"] == "close")
            let other = try await cluster.http()
            for _ in 0..<100 {
                #expect(try await other(.PUT, key, text, body: "v").status == 204)
            }
            let conflict = try await other(.PUT, key, text, body: "v")
            #expect(conflict.status == 409)
            #expect(conflict.text.hasPrefix("CONFLICT siblings=101 limit=100"))
        }
    }

    @Test("with too few replicas up: 503 and when to come back, and nothing is written")
    func unavailable() async throws {
        // The others are in the ring and never start.
        try await TestCluster.with(nodes: 3, running: 1, http: true) { cluster in
            let http = try await cluster.http()
            let key = "/buckets/b/keys/k"
            try await eventually("the others are taken for down") {
                try await http(.GET, key).text.hasPrefix("UNAVAILABLE required=2 alive=1")
            }
            let read = try await http(.GET, key)
            #expect(read["Retry-After"] == "1")
            #expect(read.text.hasPrefix("UNAVAILABLE required=2 alive=1"))
            #expect(try await http(.PUT, key, text, body: "v").status == 503)
            #expect(try await http(.GET, key + "?r=1").status == 404)
            #expect(try await http(.PUT, key + "?w=1", text, body: "v").status == 204)
            #expect(try await http(.GET, key + "?consistency=one").text == "v")
        }
    }

    @Test("a key that Henge chooses is told in Location")
    func chosenKeys() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let http = try await cluster.http()
            let made = try await http(.POST, "/buckets/b/keys", text, body: "v")
            #expect(made.status == 201)
            let location = try #require(made["Location"])
            #expect(location.hasPrefix("/buckets/b/keys/"))
            #expect(try await http(.GET, location).text == "v")
            let shown = try await http(.POST, "/buckets/b/keys?returnbody=true", text, body: "w")
            #expect(shown.status == 201)
            #expect(shown.text == "w")
        }
    }

    @Test("many keys are listed once each, in one document and as a stream, of their bucket alone")
    func listings() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let http = try await cluster.http()
            let resp = try await cluster.client()
            var expected: Set<String> = []
            // More than is gathered before the first byte is sent.
            for batch in 0..<30 {
                var command = ["MSET"]
                for number in 0..<100 {
                    let key = "key-}\(batch)-\(number)-\(String(repeating: "x", count: 30))"
                    expected.insert(key)
                    command += [key, "v"]
                }
                // A listing asks one replica of each partition, and must find that it has all.
                #expect(try await resp(command + ["CONSISTENCY", "ALL"]) == "+OK")
            }
            _ = try await http(.PUT, "/buckets/other/keys/k", text, body: "v")
            let whole = try await http(.GET, "/buckets/default/keys?keys=true")
            #expect(whole["transfer-encoding"] == "chunked")
            #expect(names(whole.text, "keys") == expected)
            let stream = try await http(.GET, "/buckets/default/keys?keys=stream")
            var streamed: Set<String> = []
            // As Riak's client for Python: up to the next brace.
            for part in stream.text.split(separator: "}") {
                streamed.formUnion(names(part + "}", "keys"))
            }
            #expect(streamed == expected)
            let few = try await http(.GET, "/buckets/other/keys?keys=true")
            #expect(few.text == "{\"keys\":[\"k\"]}")
            #expect(few["Content-Length"] == "14")
            let buckets = try await http(.GET, "/buckets?buckets=true")
            #expect(names(buckets.text, "buckets") == ["default", "other"])
            #expect(try await http(.GET, "/buckets/other/keys").text == "{}")
            #expect(try await http(.GET, "/buckets?buckets=true&timeout=x").status == 400)
        }
    }

    private func names(_ text: some StringProtocol, _ label: String) -> Set<String> {
        guard case .array(let names)? = JSONValue(parsing: text.utf8)?[label] else { return [] }
        return Set(
            names.compactMap { name in
                if case .string(let name) = name { name } else { nil }
            }
        )
    }

    @Test("what clients ask when they begin: the root and the stats")
    func beginnings() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let http = try await cluster.http()
            let root = try await http(.GET, "/", [("Accept", "application/json")])
            #expect(root["Content-Type"] == "application/json")
            #expect(JSONValue(parsing: root.text.utf8)?["riak_kv_wm_ping"] == "/ping")
            #expect(try await http(.GET, "/", [("Accept", "*/*")]).text.hasPrefix("Henge"))
            let stats = try await http(.GET, "/stats", [("Accept", "application/json")])
            let document = JSONValue(parsing: stats.text.utf8)
            #expect(document?["riak_kv_version"] == "3.2.3")
            #expect(document?["nodename"] == "n1")
            #expect(document?["ring_num_partitions"] == 64)
        }
    }
}
