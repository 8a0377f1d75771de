import ArgumentParser
import HengeRing

/// `henge cluster up`
struct ClusterUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start a local cluster, or those of its nodes that do not run.",
        discussion: """
            Node i is nI and listens on base port + i for clients (RESP), + 1000 + i for other \
            nodes and + 2000 + i for HTTP: with the default of 6400, n1 is on 6401, 7401 and \
            8401. Returns when every node serves and sees all others. Harmless when they do \
            already.

            Example: henge cluster up
            Example: henge cluster up --nodes 5 --dir /tmp/five --base-port 16400
            """
    )

    @Option(help: "How many nodes, 1 to 99. (default: 3)")
    var nodes: Int?

    @Option(help: "The port below the first node's. (default: 6400)")
    var basePort: Int?

    @Option(help: "When a write counts as stored: sync (after fsync) or interval. (default: sync)")
    var durability: Durability?

    @Option(help: "Replicas of each key, 1 to 8. (default: 3)")
    var replicas: Int?

    @Option(help: "Partitions of the ring, a power of two from 64 to 16384. (default: 1024)")
    var partitions: Int?

    @Option(
        name: .customLong("timeout-s"),
        help: ArgumentHelp("How long to wait until all are ready.", valueName: "seconds")
    )
    var timeoutS = 60

    @Option(help: "Event loops of each node, a power of two from 1 to 64. (default: 1)")
    var shards: Int?

    @OptionGroup var options: ClusterOptions

    enum Durability: String, ExpressibleByArgument, CaseIterable {
        case sync, interval
    }

    func validate() throws {
        try require(nodes, in: LocalCluster.nodeCounts, "--nodes")
        try require(basePort, in: LocalCluster.basePorts, "--base-port")
        try require(replicas, in: 1...8, "--replicas")
        try require(partitions, in: 64...16384, "--partitions")
        try require(timeoutS, in: 1...3600, "--timeout-s")
        if let partitions, partitions.nonzeroBitCount != 1 {
            throw ValidationError("--partitions must be a power of two.")
        }
        guard let shards else { return }
        guard ShardSlice.isCount(shards) else {
            throw ValidationError("--shards must be a power of two from 1 to 64.")
        }
        let most = LocalCluster.nodesMax(shards: shards)
        try require(nodes, in: 1...most, "with \(shards) shards --nodes")
    }

    private func require(_ value: Int?, in range: ClosedRange<Int>, _ name: String) throws {
        guard let value, !range.contains(value) else { return }
        throw ValidationError("\(name) must be from \(range.lowerBound) to \(range.upperBound).")
    }

    func run() async throws {
        let directory = options.directory
        try SmallFile.makeDirectory(directory.path)
        try directory.lock()
        let existing = try directory.load()
        let cluster = try existing.map { try merged(with: $0) } ?? fresh
        let idle = cluster.nodes.filter { directory.process(of: $0) == nil }
        try requireIdle(idle, of: cluster, whenChanging: existing)
        for node in idle { try PortCheck.requireFree(node) }
        try directory.save(cluster)

        if idle.isEmpty {
            Output.line("all \(cluster.nodeCount) nodes of \(directory.path) run already")
        } else {
            let names = idle.map(\.name).joined(separator: ", ")
            Output.line("starting \(names) in \(directory.path)")
        }
        try await ClusterStart.run(
            idle,
            of: cluster,
            in: directory,
            limit: .seconds(timeoutS)
        )
        ClusterSummary.write(cluster, directory)
    }

    private var fresh: LocalCluster {
        LocalCluster(
            nodeCount: nodes ?? 3,
            basePort: basePort ?? LocalCluster.standardBasePort,
            settings: given
        )
    }

    /// What was given of the nodes' own options.
    private var given: [LocalCluster.Setting] {
        let values = [
            ("durability", durability?.rawValue), ("replicas", replicas.map(String.init)),
            ("partitions", partitions.map(String.init)), ("shards", shards.map(String.init)),
        ]
        return values.compactMap { name, value in value.map { LocalCluster.Setting(name, $0) } }
    }

    /// The cluster that is there, with the options that may change from start to start.
    private func merged(with existing: LocalCluster) throws(CommandFailure) -> LocalCluster {
        let fixed = [
            ("--nodes", nodes.map(String.init), String(existing.firstCount)),
            ("--base-port", basePort.map(String.init), String(existing.basePort)),
            ("--replicas", replicas.map(String.init), existing.setting("replicas") ?? "3"),
            ("--partitions", partitions.map(String.init), existing.setting("partitions") ?? "1024"),
            ("--shards", shards.map(String.init), String(existing.shards)),
        ]
        for (name, wanted, actual) in fixed {
            guard let wanted, wanted != actual else { continue }
            throw CommandFailure(
                .failed,
                "the cluster in \(options.dir) was made with \(name) \(actual), and that "
                    + "can't change; make another with --dir and --base-port, or remove this "
                    + "directory with all its data"
            )
        }
        var cluster = existing
        let current = existing.setting("durability") ?? Durability.sync.rawValue
        if let durability, durability.rawValue != current {
            cluster.set("durability", durability.rawValue)
        }
        return cluster
    }

    /// A changed option reaches only nodes that start.
    private func requireIdle(
        _ idle: [LocalCluster.Node],
        of cluster: LocalCluster,
        whenChanging existing: LocalCluster?
    ) throws(CommandFailure) {
        guard let existing, existing != cluster, idle.count < cluster.nodeCount else { return }
        throw CommandFailure(
            .failed,
            "nodes that run can't change their --durability; stop them first with henge cluster "
                + "down"
        )
    }
}
