import Foundation
import HengeBase
import HengeRing
import HengeServer
import Logging
import NIOCore
import Testing

@Suite struct HTTPServerTests {
    @Test("ping and health answer on one connection, HEAD without a body")
    func health() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let http = try await cluster.http()
            let ping = try await http(.GET, "/ping")
            #expect(ping.status == 200)
            #expect(ping.text == "OK")
            #expect(ping["Content-Type"] == "text/html")
            #expect(ping["Server"] == "Henge")
            #expect(ping["Date"] != nil)
            for path in ["/health/live", "/health/ready", "/health/startup"] {
                #expect(try await http(.GET, path).status == 200, "\(path)")
            }
            let head = try await http(.HEAD, "/ping")
            #expect(head.status == 200)
            #expect(head["Content-Length"] == "2")
            #expect(head.text.isEmpty)
            #expect(try await http(.GET, "/nothing/here").status == 404)
            try await http.close()
        }
    }

    @Test("a node that waits for a cluster lives and is not ready")
    func candidate() async throws {
        let seed = try await TestCluster.freePorts(1)[0]
        try await Self.withCandidate(of: seed) { port in
            try await eventually("it listens") {
                guard let http = try? await HTTPTestClient.connect(port: port) else {
                    return false
                }
                #expect(try await http(.GET, "/health/live").status == 200)
                #expect(try await http(.GET, "/health/startup").status == 503)
                let ready = try await http(.GET, "/health/ready")
                #expect(ready.status == 503)
                #expect(ready.text == "not ready: starting\n")
                try await http.close()
                return true
            }
        }
    }

    @Test("a node that has found its cluster has started, and is not ready before it is taken in")
    func waiting() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, shards: 1) { cluster in
            try await Self.withCandidate(of: cluster.peerPorts[0]) { port in
                try await eventually("it has started") {
                    guard let http = try? await HTTPTestClient.connect(port: port) else {
                        return false
                    }
                    let isStarted = try await http(.GET, "/health/startup").status == 200
                    let ready = try await http(.GET, "/health/ready")
                    #expect(ready.status == 503)
                    #expect(try await http(.GET, "/buckets/b/keys/k").status == 503)
                    try await http.close()
                    return isStarted && ready.text == "not ready: candidate\n"
                }
            }
        }
    }

    /// - Parameters:
    ///   - seed: the peer port of the node that is asked to take it in.
    ///   - body: gets the candidate's HTTP port.
    private static func withCandidate(
        of seed: Int,
        _ body: (Int) async throws -> Void
    ) async throws {
        let ports = try await TestCluster.freePorts(3) + [seed]
        let addresses = try ports.map { try #require(HostPort("127.0.0.1:\($0)")) }
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "henge-tests-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        var settings = NodeSettings(
            name: "n9",
            dataDirectory: directory.path,
            respAddress: addresses[0],
            peerAddress: addresses[1],
            origin: .join(seeds: [addresses[3]])
        )
        settings.httpAddress = addresses[2]
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = Server(settings: settings, logger: quiet) { _ in }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(ports[2])
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test("an address that is taken is said to be")
    func addressInUse() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let ports = try await TestCluster.freePorts(2)
            let addresses = try ports.map { try #require(HostPort("127.0.0.1:\($0)")) }
            var settings = NodeSettings(
                name: "n1",
                dataDirectory: FileManager.default.temporaryDirectory
                    .appending(path: "henge-tests-\(UUID().uuidString)").path,
                respAddress: addresses[0],
                peerAddress: addresses[1],
                bootstrap: try BootstrapList.parse("n1=\(addresses[1])")
            )
            settings.httpAddress = HostPort("127.0.0.1:\(cluster.httpPorts[0])")
            let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            await #expect(throws: StartError.self) {
                try await Server(settings: settings, logger: quiet) { _ in }.run()
            }
        }
    }

    // MARK: Hostile clients

    private static func hurried(_ settings: inout NodeSettings) {
        settings.http.idleMax = .milliseconds(300)
        settings.http.arrivalMax = .milliseconds(300)
        settings.http.stallMax = .milliseconds(300)
        settings.http.glance = .milliseconds(20)
    }

    @Test("garbage, a huge header and too many headers are answered 400 and closed")
    func malformed() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let many = (0..<400).map { "X-\($0): v\r\n" }.joined()
            let huge = String(repeating: "h", count: 120_000)
            let requests = [
                "\u{1}\u{2}garbage\r\n\r\n", "*1\r\n$4\r\nPING\r\n\r\n",
                "GET /ping HTTP/1.1\r\nHost: a\r\nX-Huge: \(huge)\r\n\r\n",
                "GET /\(huge) HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /ping HTTP/1.1\r\nHost: a\r\n\(many)\r\n",
                "POST /ping HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
            ]
            for request in requests {
                let raw = try await RawTestClient.connect(port: cluster.httpPorts[0])
                raw.send(request)
                try await eventually("closed after \(request.prefix(40))") {
                    try await raw.isClosed
                }
                let reply = try await raw.received
                #expect(reply.hasPrefix("HTTP/1.1 400"), "\(request.prefix(40)): \(reply)")
                try await raw.close()
            }
            try await eventually("others are served") {
                // On a busy machine this client, too, may be too slow.
                (try? await cluster.http()(.GET, "/ping").status) == 200
            }
        }
    }

    @Test("a request that trickles in is cut off, in its head and in its body")
    func slow() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true, Self.hurried) { cluster in
            let port = cluster.httpPorts[0]
            let begins = [
                "", "GET /pi", "GET /ping HTTP/1.1\r\nHost: a\r\nX-Slow: ",
                "POST /ping HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n",
            ]
            for begin in begins {
                let raw = try await RawTestClient.connect(port: port)
                if !begin.isEmpty { raw.send(begin) }
                try await eventually("closed after \(begin)") {
                    if !begin.isEmpty { raw.send("x") }
                    return try await raw.isClosed
                }
            }
            try await eventually("others are served") {
                // On a busy machine this client, too, may be too slow.
                (try? await cluster.http()(.GET, "/ping").status) == 200
            }
        }
    }

    @Test("a client that does not read its replies loses its connection")
    func stalled() async throws {
        let change: @Sendable (inout NodeSettings) -> Void = { settings in
            settings.http.connectionsMax = 2
            // So long that a busy machine gets to try a third connection meanwhile.
            settings.http.stallMax = .seconds(4)
            settings.http.glance = .milliseconds(20)
        }
        try await TestCluster.with(nodes: 1, replicas: 1, http: true, change) { cluster in
            let http = try await cluster.http()
            let value = ByteBuffer(repeating: 7, count: 1 << 20)
            let type = [("Content-Type", "a/b")]
            #expect(try await http(.PUT, "/buckets/b/keys/k", type, body: value).status == 204)
            let raw = try await RawTestClient.connect(port: cluster.httpPorts[0], reads: false)
            let request = "GET /buckets/b/keys/k HTTP/1.1\r\nHost: a\r\n\r\n"
            // More than the buffers of two sockets take.
            raw.send(String(repeating: request, count: 60))
            let third = try await RawTestClient.connect(port: cluster.httpPorts[0])
            try await eventually("no room beside it") { try await third.isClosed }
            try await eventually("its place is free again") {
                let next = try await cluster.http()
                defer { Task { try? await next.close() } }
                return (try? await next(.GET, "/ping"))?.status == 200
            }
            try await raw.close()
        }
    }

    @Test("one connection too many hears so, and there is room again when one closes")
    func tooManyConnections() async throws {
        let change: @Sendable (inout NodeSettings) -> Void = { $0.http.connectionsMax = 2 }
        try await TestCluster.with(nodes: 1, replicas: 1, http: true, change) { cluster in
            let first = try await cluster.http()
            let second = try await cluster.http()
            #expect(try await first(.GET, "/ping").status == 200)
            #expect(try await second(.GET, "/ping").status == 200)
            let raw = try await RawTestClient.connect(port: cluster.httpPorts[0])
            try await eventually("refused") { try await raw.isClosed }
            #expect(try await raw.received.hasPrefix("HTTP/1.1 503"))
            try await first.close()
            try await eventually("room again") {
                let third = try await cluster.http()
                defer { Task { try? await third.close() } }
                return (try? await third(.GET, "/ping"))?.status == 200
            }
        }
    }

    @Test("a client that waits for 100 Continue gets it")
    func expectation() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let raw = try await RawTestClient.connect(port: cluster.httpPorts[0])
            raw.send(
                "GET /ping HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            try await eventually("told to go on") {
                try await raw.received.hasPrefix("HTTP/1.1 100 Continue\r\n\r\n")
            }
            raw.send("ab")
            try await eventually("answered") {
                try await raw.received.contains("HTTP/1.1 200 OK")
            }
            try await raw.close()
        }
    }

    @Test("the connection ends after the last reply to a client that keeps none alive")
    func lastRequests() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let requests = [
                "GET /ping HTTP/1.0\r\n\r\n",
                "GET /ping HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n",
                // Its first request is answered, too.
                "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\nGET /ping HTTP/1.0\r\n\r\n",
            ]
            for request in requests {
                let raw = try await RawTestClient.connect(port: cluster.httpPorts[0])
                raw.send(request)
                try await eventually("closed after \(request)") { try await raw.isClosed }
                #expect(try await raw.received.hasSuffix("\r\n\r\nOK"), "\(request)")
            }
        }
    }

    @Test("a stop ends while connections are open, idle and half-way through a request")
    func stopsWithOpenConnections() async throws {
        let clock = ContinuousClock()
        var begun = clock.now
        try await TestCluster.with(nodes: 1, replicas: 1, http: true) { cluster in
            let idle = try await cluster.http()
            #expect(try await idle(.GET, "/ping").status == 200)
            let half = try await RawTestClient.connect(port: cluster.httpPorts[0])
            half.send("POST /ping HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            begun = clock.now
        }
        #expect(clock.now - begun < .seconds(30))
    }
}
