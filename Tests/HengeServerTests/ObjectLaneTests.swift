import HengeBase
import NIOCore
import Testing

/// Requests on objects that are carried out in front of Hummingbird, beside others that are not.
@Suite struct ObjectLaneTests {
    /// Sends the text on a connection of its own and returns what has come once that `isDone`.
    private func exchange(
        _ cluster: TestCluster,
        _ text: String,
        closesOutput: Bool = false,
        until isDone: (String, Bool) -> Bool
    ) async throws -> String {
        let raw = try await RawTestClient.connect(port: cluster.httpPorts[0])
        raw.send(text)
        if closesOutput { raw.closeOutput() }
        try await eventually("answers to \(text.prefix(60))") {
            isDone(try await raw.received, try await raw.isClosed)
        }
        let received = try await raw.received
        try await raw.close()
        return received
    }

    private func get(_ path: String) -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n"
    }

    private func put(_ key: String, _ value: String) -> String {
        "PUT /buckets/b/keys/\(key) HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
            + "Content-Length: \(value.utf8.count)\r\n\r\n\(value)"
    }

    /// The codes of the replies, in order.
    private func codes(_ received: String) -> [String] {
        received.components(separatedBy: "HTTP/1.1 ").dropFirst().map { String($0.prefix(3)) }
    }

    @Test("replies come in the order of the requests, whoever carries them out")
    func order() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            // Over what is gathered for the lane.
            let large = String(repeating: "x", count: 20_000)
            for round in 0..<3 {
                let (k, l, c) = ("k\(round)", "l\(round)", "c\(round)")
                let chunked =
                    "PUT /buckets/b/keys/\(c) HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"
                let requests = [
                    get("/buckets/b/keys/none"), put(k, "small"), get("/ping"),
                    get("/buckets/b/keys/\(k)"), put(l, large), get("/buckets/b/keys/\(l)"),
                    chunked,
                    get("/buckets/b/keys/\(c)"), get("/nothing"), get("/buckets/b/keys/\(k)?r=9"),
                    "HEAD /buckets/b/keys/\(k) HTTP/1.1\r\nHost: a\r\n\r\n",
                    "DELETE /buckets/b/keys/\(k) HTTP/1.1\r\nHost: a\r\n\r\n",
                    get("/buckets/b/keys/\(k)"), get("/ping"),
                ]
                let expected = [
                    "404", "204", "200", "200", "204", "200", "204", "200", "404", "400", "200",
                    "204", "404", "200",
                ]
                let received = try await exchange(cluster, requests.joined()) { received, _ in
                    codes(received).count == requests.count && received.hasSuffix("OK")
                }
                #expect(codes(received) == expected)
                let first = try #require(received.firstRange(of: "\r\n\r\nsmall"))
                #expect(received[first.upperBound...].contains("\r\n\r\n\(large)"))
                #expect(received.contains("whole"))
            }
        }
    }

    @Test("many requests that come at once are answered one after the other")
    func many() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let count = 300
            let puts = (0..<count).map { put("m\($0)", "value \($0);") }.joined()
            let stored = try await exchange(cluster, puts) { received, _ in
                codes(received).count == count
            }
            #expect(Set(codes(stored)) == ["204"])
            let gets = (0..<count).map { get("/buckets/b/keys/m\($0)") }.joined()
            let read = try await exchange(cluster, gets) { received, _ in
                received.hasSuffix("value \(count - 1);")
            }
            let values = read.components(separatedBy: "\r\n\r\n").dropFirst()
                .compactMap { $0.split(separator: ";").first.map(String.init) }
            #expect(values == (0..<count).map { "value \($0)" })
        }
    }

    @Test("a client that closes its side still gets the replies that it is owed")
    func halfClosed() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let requests = put("k", "v1") + get("/buckets/b/keys/k") + get("/buckets/b/keys/none")
            let received = try await exchange(cluster, requests, closesOutput: true) { $1 }
            #expect(codes(received) == ["204", "200", "404"])
        }
    }

    @Test("what is no HTTP is answered after the request before it, and the connection ends")
    func garbageBehind() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let text = get("/buckets/b/keys/none") + "\u{1}garbage\r\n\r\n"
            let received = try await exchange(cluster, text) { $1 }
            #expect(codes(received) == ["404", "400"])
        }
    }

    @Test("the connection ends after the last reply to a client that keeps none alive")
    func lastRequests() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let requests = [
                "GET /buckets/b/keys/none HTTP/1.0\r\n\r\n",
                "GET /buckets/b/keys/none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            ]
            for request in requests {
                let received = try await exchange(cluster, get("/ping") + request) { $1 }
                #expect(codes(received) == ["200", "404"])
                #expect(received.hasSuffix("not found\n"))
            }
        }
    }

    @Test("replies have the headers that all have")
    func headers() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let http = try await cluster.http()
            #expect(
                try await http(.PUT, "/buckets/b/keys/k", [("Content-Type", "a/b")], body: "v")
                    .status == 204)
            let lane = try await http(.GET, "/buckets/b/keys/k")
            // The same object by a path that the router has.
            let router = try await http(.GET, "/types/default/buckets/b/keys/k")
            #expect(lane.text == "v" && router.text == "v")
            let names = Set(router.headers.map(\.name))
            #expect(Set(lane.headers.map(\.name)) == names)
            #expect(names.isSuperset(of: ["Date", "Server", "Content-Security-Policy"]))
            #expect(lane["Server"] == router["Server"])
            try await http.close()
        }
    }
}
