import Foundation
import HengeBase
import HengeRing
import HengeServer
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Real nodes in this process, on free ports of the loopback interface, with data that goes away
/// with them.
struct TestCluster: Sendable {
    let respPorts: [Int]
    let peerPorts: [Int]
    /// Of nodes that serve HTTP; see ``with(nodes:replicas:http:_:_:)``.
    let httpPorts: [Int]
    let bootstrap: BootstrapList

    func http(_ node: Int = 0) async throws -> HTTPTestClient {
        try await HTTPTestClient.connect(port: httpPorts[node])
    }

    func client(_ node: Int = 0, reads: Bool = true) async throws -> TestClient {
        try await TestClient.connect(port: respPorts[node], reads: reads)
    }

    /// Runs `body` with a cluster whose nodes all see each other, then stops it cleanly.
    ///
    /// - Parameters:
    ///   - running: the first of the nodes, of which the others never start; nil for all.
    ///   - shards: of each node.
    static func with(
        nodes: Int,
        replicas: Int = 3,
        running: Int? = nil,
        http: Bool = false,
        shards: Int = standardShards,
        _ change: @escaping @Sendable (inout NodeSettings) -> Void = { _ in },
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        await turns.take()
        do {
            try await run(nodes, replicas, running, http, shards, change, body)
        } catch {
            await turns.give()
            throw error
        }
        await turns.give()
    }

    private static let turns = Turns(6)

    /// All of these tests can be run with nodes of several shards: HENGE_TEST_SHARDS=2.
    private static let standardShards =
        ProcessInfo.processInfo.environment["HENGE_TEST_SHARDS"].flatMap { Int($0) } ?? 1

    private static func run(
        _ nodes: Int,
        _ replicas: Int,
        _ running: Int?,
        _ http: Bool,
        _ shards: Int,
        _ change: @escaping @Sendable (inout NodeSettings) -> Void,
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "henge-tests-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let ports = try await freePorts((http ? 2 : 1) * nodes)
        let peerPorts = try await freePorts(nodes, each: shards)
        let list = (1...nodes).map { "n\($0)=127.0.0.1:\(peerPorts[$0 - 1])" }
        let bootstrap = try BootstrapList.parse(list.joined(separator: ","))
        let cluster = TestCluster(
            respPorts: Array(ports.prefix(nodes)),
            peerPorts: peerPorts,
            httpPorts: Array(ports.dropFirst(nodes)),
            bootstrap: bootstrap
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<(running ?? nodes) {
                guard let resp = HostPort("127.0.0.1:\(ports[index])"),
                    let peer = HostPort("127.0.0.1:\(peerPorts[index])")
                else { throw TestError.badPort }
                var settings = NodeSettings(
                    name: "n\(index + 1)",
                    dataDirectory: directory.appending(path: "n\(index + 1)").path,
                    respAddress: resp,
                    peerAddress: peer,
                    bootstrap: bootstrap
                )
                settings.replicas = replicas
                settings.partitions = 64
                settings.shards = shards
                settings.durability = .interval(.seconds(1))
                if http { settings.httpAddress = HostPort("127.0.0.1:\(ports[nodes + index])") }
                change(&settings)
                let server = Server(settings: settings, logger: quiet) { _ in }
                group.addTask { try await server.run() }
            }
            try await cluster.awaitReady(running ?? nodes)
            try await body(cluster)
            // A server takes its cancellation for the order to stop.
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func awaitReady(_ running: Int) async throws {
        // RESP is served first, and until HTTP is, a 503 is its right answer.
        for port in httpPorts.prefix(running) {
            try await eventually("HTTP on port \(port) is ready") {
                guard let http = try? await HTTPTestClient.connect(port: port) else { return false }
                // On a busy machine a node that waits for little may cut the client off.
                let status = try? await http(.GET, "/health/ready").status
                try? await http.close()
                return status == 200
            }
        }
        for port in respPorts.prefix(running) {
            try await eventually("node on port \(port) is ready") {
                guard let client = try? await TestClient.connect(port: port) else { return false }
                let status = try await client.value("HENGE.STATUS")
                try await client.close()
                let peers = status["peers"]?.elements ?? []
                return peers.count == 2 * (respPorts.count - 1)
                    && peers.count { $0["state"]?.text == "down" } <= respPorts.count - running
            }
        }
    }

    /// The next port to try. Each is given out once in this process, and all lie below those that
    /// the system gives to outgoing connections, so that nothing takes one before its node listens.
    private static let nextPort = NIOLockedValueBox(12_000 + Int(getpid()) % 16 * 400)

    /// - Parameter width: how many ports from each one on are to be free.
    static func freePorts(_ count: Int, each width: Int = 1) async throws -> [Int] {
        var ports: [Int] = []
        while ports.count < count {
            let port = nextPort.withLockedValue { next in
                defer { next += width }
                return next
            }
            guard port < 19_500 else { throw TestError.notReached("\(count) free ports") }
            var isFree = true
            for port in port..<port + width where isFree { isFree = try await Self.isFree(port) }
            if isFree { ports.append(port) }
        }
        return ports
    }

    private static func isFree(_ port: Int) async throws -> Bool {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        guard let channel = try? await bootstrap.bind(host: "127.0.0.1", port: port).get()
        else { return false }
        try await channel.close()
        return true
    }
}

enum TestError: Error {
    case badPort
    case notReached(String)
}

/// Tries until `condition` holds, for two minutes and two hundred times at least.
///
/// Other tests may take all threads on which tests run for minutes, and then time says nothing.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(120)
    var looks = 0
    while looks < 200 || ContinuousClock.now < deadline {
        looks += 1
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw TestError.notReached(what)
}
