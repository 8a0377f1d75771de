import HengeServer
import NIOCore
import NIOHTTP1
import Testing

@Suite struct BrowserGuardTests {
    private let json = ("Content-Type", "application/json")
    private let browser = [("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")]

    @Test("what clients have stored can't act as the dashboard")
    func sandbox() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let http = try await cluster.http()
            let page = "<script>fetch('/admin/ring/abort')</script>"
            for key in ["evil", "twice", "twice"] {
                let put = try await http(
                    .PUT, "/buckets/b/keys/\(key)", [("Content-Type", "text/html")], body: page)
                #expect(put.status == 204)
            }
            let paths: [(path: String, status: Int)] = [
                ("/buckets/b/keys/evil", 200), ("/types/default/buckets/b/keys/evil", 200),
                ("/buckets/b/keys/twice", 300), ("/buckets/b/keys/none", 404),
                ("/buckets/b/keys?keys=true", 200), ("/buckets/b/keys/evil?vtag=x", 404),
                ("/buckets/b/props", 200), ("/buckets/b/keys/evil?r=%3Cscript%3E", 400),
                ("/nothing/%3Cscript%3E", 404), ("/metrics", 200), ("/admin/ring", 200),
                ("/dashboard/key?bucket=b&key=evil", 200),
            ]
            for (path, status) in paths {
                let reply = try await http(.GET, path)
                #expect(reply.status == status, "\(path): \(reply.text)")
                #expect(reply["Content-Security-Policy"] == "sandbox", "\(path)")
                #expect(reply["X-Content-Type-Options"] == "nosniff", "\(path)")
            }
            let dashboard = try await http(.GET, "/", browser)
            #expect(dashboard["Content-Security-Policy"]?.contains("sandbox") == false)
            #expect(dashboard["X-Content-Type-Options"] == "nosniff")
            try await http.close()
        }
    }

    /// What a request says of where it comes from, and whether it is carried out.
    private static let askers: [(headers: [(String, String)], mayAct: Bool)] = [
        ([("Host", "127.0.0.1:8401")], true),
        ([("Host", "anything")], true),
        ([("Host", "127.0.0.1:8401"), ("Origin", "http://127.0.0.1:8401")], true),
        ([("Host", "[::1]:8401"), ("Origin", "http://[::1]:8401")], true),
        ([("Host", "localhost:8401"), ("Origin", "http://LOCALHOST:8401")], true),
        ([("Host", "henge.example:443"), ("Origin", "https://henge.example:443")], true),
        ([("Host", "127.0.0.1:8401"), ("Sec-Fetch-Site", "same-origin")], true),
        // Another site, another port of this one, an object in its sandbox.
        ([("Host", "127.0.0.1:8401"), ("Origin", "http://evil.example")], false),
        ([("Host", "127.0.0.1:8401"), ("Origin", "http://127.0.0.1:8402")], false),
        ([("Host", "127.0.0.1:8401"), ("Origin", "null")], false),
        ([("Host", "127.0.0.1:8401"), ("Sec-Fetch-Site", "cross-site")], false),
        ([("Host", "127.0.0.1:8401"), ("Sec-Fetch-Site", "same-site")], false),
        // A name that somebody has point here.
        ([("Host", "evil.example:8401"), ("Origin", "http://evil.example:8401")], false),
        ([("Host", "127.0.0.1.evil:8401"), ("Origin", "http://127.0.0.1.evil:8401")], false),
    ]

    @Test("pages of other sites, and of names that may be theirs, change nothing")
    func origins() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) {
            $0.allowsDashboardActions = true
            $0.dashboardHosts = ["henge.example"]
        } _: { cluster in
            let http = try await cluster.http()
            for (headers, mayAct) in Self.askers {
                let said = "\(headers)"
                let repair = try await http(.POST, "/admin/repair", headers + [json], body: "{}")
                #expect(repair.status == (mayAct ? 200 : 403), "\(said): \(repair.text)")
                #expect(repair["Content-Type"] == "application/json", "\(said)")
                let clear = try await http(.DELETE, "/admin/ring/staged", headers)
                #expect(clear.status == (mayAct ? 200 : 403), "\(said)")
                let text = ("Content-Type", "text/plain")
                let store = try await http(.POST, "/buckets/b/keys", headers + [text], body: "v")
                #expect(store.status == (mayAct ? 201 : 403), "\(said)")
                // Who only reads is not asked.
                #expect(try await http(.GET, "/admin/ring/staged", headers).status == 200)
            }
            let keys = try await http(.GET, "/buckets/b/keys?keys=true")
            let list = try #require(JSONValue(parsing: keys.body.readableBytesView))
            guard case .array(let stored)? = list["keys"] else { throw TestError.badPort }
            #expect(stored.count == Self.askers.count { $0.mayAct })
            try await http.close()
        }
    }

    @Test("without --dashboard-actions pages have no controls, and change nothing")
    func reading() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let http = try await cluster.http()
            let page = try await http(.GET, "/", browser)
            for control in ["id=\"stage\"", "id=\"abort\"", "const actions", "/ring/commit"] {
                #expect(!page.text.contains(control), "\(control)")
            }
            #expect(!page.text.contains("{actions}"))
            let port = cluster.httpPorts[0]
            let own = [("Host", "127.0.0.1:\(port)"), ("Origin", "http://127.0.0.1:\(port)"), json]
            let refused = try await http(.POST, "/admin/repair", own, body: "{}")
            #expect(refused.status == 403 && refused.text.contains("--dashboard-actions"))
            #expect(try await http(.DELETE, "/admin/ring/staged", own).status == 403)
            // Programs may all the same, and pages may store objects.
            #expect(try await http(.POST, "/admin/repair", [json], body: "{}").status == 200)
            #expect(try await http(.POST, "/buckets/b/keys", own, body: "{}").status == 201)
            try await http.close()
        }
    }

    @Test("with --dashboard-actions the page has controls, and the overview says so")
    func acting() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) {
            $0.allowsDashboardActions = true
        } _: { cluster in
            let http = try await cluster.http()
            let page = try await http(.GET, "/", browser)
            for control in ["id=\"stage\"", "id=\"abort\"", "const actions", "/ring/commit"] {
                #expect(page.text.contains(control), "\(control)")
            }
            #expect(!page.text.contains("{actions}"))
            let body = #"{"operation":"weight","node":"n1","weight":2}"#
            #expect(try await http(.POST, "/admin/ring/staged", [json], body: body).status == 200)
            let client = try await cluster.client()
            let overview = try await client.value("HENGE.OVERVIEW")
            #expect(overview["actions"]?.int == 1)
            #expect(overview["staged"]?.elements.map { $0.text } == ["weight n1 2"])
            try await http.close()
        }
    }
}
