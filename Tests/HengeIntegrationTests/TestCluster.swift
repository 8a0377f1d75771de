import Foundation
import HengeClient
import HengeCommand
import Synchronization
import Testing

/// A local cluster in a folder of its own, started by `henge cluster up`.
struct TestCluster {
    let folder: TemporaryFolder
    let basePort: Int
    let nodeCount: Int

    var directory: String { folder.path("cluster") }

    /// Runs `body` with a cluster that is up, and ends it afterwards, also when `body` throws.
    ///
    /// - Parameter room: how many nodes more there are to be free ports for.
    static func run(
        nodes: Int = 3,
        room: Int = 0,
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        let cluster = TestCluster(
            folder: try TemporaryFolder(),
            basePort: try freeBasePort(nodes: nodes + room),
            nodeCount: nodes
        )
        let watchdog = try Watchdog(
            "\"$1\" cluster down --dir \"$2\"; rm -rf \"$3\"",
            [Henge.binary, cluster.directory, cluster.folder.url.path]
        )
        defer { watchdog.bark() }
        try await cluster.up()
        try await body(cluster)
    }

    func up() async throws {
        let result = try await cluster(
            "up",
            "--nodes",
            "\(nodeCount)",
            "--base-port",
            "\(basePort)",
            "--partitions",
            "64"
        )
        try #require(result.status == 0, "\(result.text)\(result.errors)")
    }

    /// `henge cluster …` of this cluster.
    func cluster(_ arguments: String...) async throws -> CommandResult {
        try await Henge.run(["cluster"] + arguments + ["--dir", directory])
    }

    /// A command of clients, sent to node 1 unless another is named.
    func henge(
        _ arguments: String...,
        node: Int = 1,
        input: Data = Data()
    ) async throws -> CommandResult {
        try await Henge.run(
            arguments + ["--node", address(of: node).description],
            input: input
        )
    }

    func address(of node: Int) -> HengeAddress {
        HengeAddress(host: "127.0.0.1", port: basePort + node)
    }

    func client(_ node: Int = 1) throws -> HengeClient {
        try HengeClient(addresses: [address(of: node)])
    }

    /// The process of a node, from its pid file.
    func process(of node: Int) -> ProcessRecord? {
        (try? String(contentsOfFile: pidFile(of: node), encoding: .utf8))
            .flatMap { ProcessRecord(text: $0) }
    }

    func pidFile(of node: Int) -> String { "\(directory)/n\(node)/pid" }

    /// Kills nodes all at once, as a power cut would, without a word to `henge cluster`.
    func killAtOnce(_ nodes: ClosedRange<Int>) async throws {
        let records = nodes.compactMap(process)
        #expect(records.count == nodes.count)
        for record in records { #expect(NodeProcess.signal(record, SIGKILL)) }
        try await eventually("the nodes are gone") {
            !records.contains(where: NodeProcess.isRunning)
        }
    }

    /// Each is tried once in this process, and the addresses of a node are 1,000 apart, so tests
    /// that run at the same time never want the same port.
    private static let nextBase = Mutex(20_000)

    /// A base port for which every port of the nodes is free, below those that the system gives to
    /// outgoing connections.
    static func freeBasePort(nodes: Int) throws -> Int {
        for _ in 0..<120 {
            let base = nextBase.withLock { next in
                defer { next += 8 }
                return next
            }
            let cluster = LocalCluster(nodeCount: nodes, basePort: base)
            let ports = cluster.nodes.flatMap { $0.ports.map(\.port) }
            if ports.allSatisfy(PortCheck.isFree) { return base }
        }
        throw NeverHappened(what: "free ports")
    }
}
