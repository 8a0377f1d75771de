import ArgumentParser
import HengeClient

/// `henge cluster status`
struct ClusterStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the nodes of a local cluster: state, addresses, keys, bytes, memory.",
        discussion: """
            A node is up, a candidate (it waits to be taken into the ring), silent (it runs and \
            does not answer), stopped (it was told to end) or fallen (it ended by itself). Keys \
            and bytes count all replicas that a node holds.

            Example: henge cluster status
            Example: henge cluster status --json
            """
    )

    @OptionGroup var options: ClusterOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let directory = options.directory
        let cluster = try directory.require()
        let nodes = await withTaskGroup(of: (Int, NodeCondition).self) { group in
            for (index, node) in cluster.nodes.enumerated() {
                group.addTask { (index, await NodeCondition.observe(node, in: directory)) }
            }
            var found: [(Int, NodeCondition)] = []
            for await item in group { found.append(item) }
            return found.sorted { $0.0 < $1.0 }.map(\.1)
        }
        if json {
            Output.json(
                .object(
                    ("dir", .string(directory.path)),
                    ("nodes", .array(nodes.map(\.json)))
                )
            )
        } else {
            Output.lines(NodeCondition.table(nodes).lines(color: Output.usesColor))
        }
    }
}
