import ArgumentParser

/// `henge cluster`
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Run a local cluster, to try things and to break them.",
        discussion: """
            Its nodes are ordinary henge serve processes on 127.0.0.1 that go on when the terminal \
            closes; their data and logs are in a directory, .henge unless --dir says otherwise.

            Example: henge cluster up && henge cluster kill n3 && henge cluster status
            """,
        subcommands: [
            ClusterUpCommand.self, ClusterStatusCommand.self, ClusterDownCommand.self,
            ClusterStopCommand.self, ClusterKillCommand.self, ClusterStartCommand.self,
            ClusterAddCommand.self,
        ]
    )
}

/// What all commands about a local cluster have in common.
struct ClusterOptions: ParsableArguments {
    @Option(help: "The cluster's directory.")
    var dir = ".henge"

    var directory: ClusterDirectory {
        var path = dir
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return ClusterDirectory(path: path)
    }

    func validate() throws {
        if dir.isEmpty { throw ValidationError("--dir must name a directory.") }
    }
}

/// The name of a node of a local cluster.
struct NodeArgument: ParsableArguments {
    @Argument(help: "The node, such as n2.")
    var node: String

    /// The node of this name in `cluster`.
    func find(in cluster: LocalCluster) throws(CommandFailure) -> LocalCluster.Node {
        if let found = cluster.node(named: node) { return found }
        let last = cluster.nodeCount > 1 ? " to n\(cluster.nodeCount)" : ""
        throw CommandFailure(
            .usage,
            "there is no node \(Wording.printable(node)); the cluster has n1\(last)"
        )
    }
}
