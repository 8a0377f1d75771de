import HengeBase
import HengeServer
import NIOCore
import Testing

@Suite struct DashboardTests {
    private static let browser = [
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    ]

    @Test("browsers get the page, Riak's clients their resources, and people a line")
    func page() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let http = try await cluster.http()
            let page = try await http(.GET, "/", Self.browser)
            #expect(page.status == 200 && page["Content-Type"] == "text/html; charset=utf-8")
            let policy = try #require(page["Content-Security-Policy"])
            #expect(policy.hasPrefix("default-src 'none'; script-src 'nonce-"))
            #expect(!policy.contains("unsafe"))
            let nonce = try #require(policy.split(separator: "'").first { $0.hasPrefix("nonce-") })
                .dropFirst(6)
            #expect(page.text.contains("<script nonce=\"\(nonce)\">"))
            #expect(page.text.contains("<style nonce=\"\(nonce)\">"))
            // Nothing is left to be filled in, and nothing comes from elsewhere.
            for hole in ["{nonce}", "{styles}", "{scripts}", "src=", "@import", "url("] {
                #expect(!page.text.contains(hole), "\(hole)")
            }
            for part in ["new EventSource", "const ring", "grid-template-columns"] {
                #expect(page.text.contains(part), "\(part)")
            }
            let again = try await http(.GET, "/", Self.browser)
            #expect(again["Content-Security-Policy"] != policy)
            let head = try await http(.HEAD, "/", Self.browser)
            #expect(head.status == 200 && head.text.isEmpty)
            let json = try await http(.GET, "/", [("Accept", "application/json")])
            #expect(json["Content-Type"] == "application/json")
            #expect(json.text.contains("riak_kv_wm_buckets"))
            #expect(try await http(.GET, "/", [("Accept", "*/*")]).text.hasPrefix("Henge "))
            try await http.close()
        }
    }

    @Test("a listener hears of the ring, of what was before, and of each second")
    func events() async throws {
        try await TestCluster.with(nodes: 2, replicas: 2, http: true) { cluster in
            let client = try await cluster.client()
            let http = try await cluster.http(1)
            try await http.begin(.GET, "/dashboard/events")
            try await eventually("a second overview, and rates") {
                _ = try await client("SET key value")
                guard let heard = try await http.arriving() else { return false }
                #expect(heard.status == 200)
                #expect(heard["Content-Type"] == "text/event-stream")
                let text = heard.text
                return text.components("event: overview\ndata: {\"node\":\"n2\"") > 2
                    && text.contains("\"write_p99_us\":")
            }
            let heard = try #require(try await http.arriving()).text
            #expect(heard.hasPrefix("event: ring\ndata: {\"epoch\":1,\"names\":[\"n1\",\"n2\"]"))
            #expect(heard.components("event: ring\n") == 1)
            #expect(heard.components("event: history\n") == 1)
            // A newcomer is told the ring, too.
            let other = try await cluster.http(1)
            try await other.begin(.GET, "/dashboard/events")
            try await eventually("the newcomer hears of the ring") {
                try await other.arriving()?.text.hasPrefix("event: ring\n") ?? false
            }
            try await other.close()
            try await http.close()
        }
    }

    @Test("who opens the page is told what came before anybody looked, of all nodes")
    func past() async throws {
        try await TestCluster.with(nodes: 2, replicas: 2, http: true) { cluster in
            let client = try await cluster.client()
            // Seconds are kept as they end.
            let end = ContinuousClock.now + .milliseconds(2_500)
            while ContinuousClock.now < end { _ = try await client("SET key value") }
            let http = try await cluster.http(1)
            try await http.begin(.GET, "/dashboard/events")
            var history: JSONValue?
            try await eventually("a history") {
                let text = try await http.arriving()?.text ?? ""
                let lines = text.split(separator: "\n")
                guard let name = lines.firstIndex(of: "event: history"), name + 1 < lines.count,
                    text.contains("event: overview\n")
                else { return false }
                history = JSONValue(parsing: lines[name + 1].dropFirst("data: ".count).utf8)
                return true
            }
            guard case .array(let samples)? = history else { throw TestError.badPort }
            // One whole second at least: its writes are those of the other node, and have delays.
            let busy = samples.contains { sample in
                guard case .array(let values) = sample, values.count == 8,
                    case .double(let writes) = values[2], case .integer = values[7]
                else { return false }
                return writes > 1
            }
            #expect(busy, "\(samples)")
            try await http.close()
        }
    }

    @Test("those who listen are so many at most, and make room when they go")
    func bounded() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            var listeners: [HTTPTestClient] = []
            for _ in 0..<64 {
                let http = try await cluster.http()
                try await http.begin(.GET, "/dashboard/events")
                listeners.append(http)
            }
            for http in listeners {
                try await eventually("it listens") { try await http.arriving()?.status == 200 }
            }
            let late = try await cluster.http()
            let refused = try await late(.GET, "/dashboard/events")
            #expect(refused.status == 503 && refused["Retry-After"] == "1")
            for http in listeners { try await http.close() }
            try await eventually("there is room again") {
                let next = try await cluster.http()
                try await next.begin(.GET, "/dashboard/events")
                try await eventually("an answer") { try await next.arriving() != nil }
                let status = try await next.arriving()?.status
                try await next.close()
                return status == 200
            }
            try await late.close()
        }
    }

    @Test("a key is looked up with the versions of each replica")
    func lookup() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let client = try await cluster.client()
            _ = try await client("HENGE.SET twice first CONSISTENCY ALL")
            _ = try await client("HENGE.SET twice second CONSISTENCY ALL")
            _ = try await client("SET gone x CONSISTENCY ALL")
            _ = try await client("DEL gone CONSISTENCY ALL")
            let http = try await cluster.http(2)
            let twice = try await http(.GET, "/dashboard/key?bucket=default&key=twice")
            #expect(twice.status == 200 && twice["Content-Type"] == "application/json")
            let json = try #require(JSONValue(parsing: twice.body.readableBytesView))
            #expect(json["key"] == "twice")
            guard case .array(let replicas)? = json["replicas"],
                case .array(let versions)? = json["versions"]
            else { throw TestError.badPort }
            #expect(replicas.map { $0["state"] } == ["present", "present", "present"])
            #expect(versions.count == 3)
            for version in versions {
                guard case .array(let siblings) = version else { throw TestError.badPort }
                #expect(siblings.map { $0["value"] } == ["second", "first"])
                #expect(siblings.map { $0["bytes"] } == [6, 5])
            }
            let gone = try await http(.GET, "/dashboard/key?key=gone")
            #expect(gone.text.components("\"state\":\"tombstone\"") == 3)
            let never = try await http(.GET, "/dashboard/key?key=%FF%00never")
            #expect(never.text.components("\"state\":\"absent\"") == 3)
            for wrong in ["", "?key=", "?key=%4", "?key=a&bucket=", "?bucket"] {
                #expect(try await http(.GET, "/dashboard/key\(wrong)").status == 400, "\(wrong)")
            }
            try await http.close()
        }
    }
}

extension String {
    /// How often the text comes.
    fileprivate func components(_ text: String) -> Int { ranges(of: text).count }
}
