import ArgumentParser
import HengeBase
import HengeSimulator

/// `henge simulate gossip`
struct SimulateGossipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gossip",
        abstract: "Measure gossip and failure detection in clusters of any size.",
        discussion: """
            Only the parts of nodes that gossip, with the default settings, over a network that \
            loses, delays and reorders messages. A node joins, the cluster runs undisturbed, and \
            a node stops without a word. Exits 1 when a node that ran was held for down. --seed \
            and --json are as for henge simulate; the seed is 1 when none is given.

            Example: henge simulate gossip --nodes 10,100,1000
            """
    )

    @Option(
        help: ArgumentHelp("Sizes of clusters, 3 to 1000.", valueName: "n,n,…"),
        transform: SimulateGossipCommand.sizes
    )
    var nodes = [10, 100, 1000]

    @Option(help: "Messages lost, of a hundred.")
    var loss = 5

    @Option(name: .customLong("jitter-ms"), help: "Messages take up to so much longer.")
    var jitterMs = 200

    @Option(
        help: "Undisturbed virtual seconds. (default: 3600 up to 100 nodes, 60 beyond)"
    )
    var seconds: Int?

    /// An option of both would be taken by the parent alone.
    @ParentCommand var parent: SimulateCommand

    func validate() throws {
        guard (0...99).contains(loss) else { throw ValidationError("--loss must be 0 to 99.") }
        guard (0...60_000).contains(jitterMs) else {
            throw ValidationError("--jitter-ms must be 0 to 60000.")
        }
        if let seconds, !(1...1_000_000).contains(seconds) {
            throw ValidationError("--seconds must be 1 to 1000000.")
        }
    }

    func run() async throws {
        var progress = ProgressLine()
        var reports: [GossipSimulation.Report] = []
        for count in nodes {
            if !parent.json { progress.draw("\(Wording.grouped(count)) nodes gossip…") }
            reports.append(GossipSimulation(options(count)).run())
        }
        progress.clear()
        if parent.json {
            Output.json(.array(reports.map(GossipText.json)))
        } else {
            Output.lines(GossipText.lines(reports, color: Output.usesColor))
        }
        if reports.contains(where: { $0.falseDowns > 0 }) {
            throw ExitCode(ExitStatus.failed.rawValue)
        }
    }

    private func options(_ count: Int) -> GossipSimulation.Options {
        var options = GossipSimulation.Options(nodes: count, seed: parent.seed ?? 1)
        options.lossPercent = loss
        options.jitter = .milliseconds(UInt64(jitterMs))
        options.calm = .seconds(UInt64(seconds ?? (count <= 100 ? 3600 : 60)))
        return options
    }

    static func sizes(_ text: String) throws -> [Int] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let count = Int(part), (3...1000).contains(count) else {
                throw ValidationError("\(part) is no size from 3 to 1000.")
            }
            return count
        }
    }
}
