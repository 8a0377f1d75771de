import ArgumentParser
import HengeBase
import HengeRing
import HengeSimulator

/// `henge simulate ring`
struct SimulateRingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ring",
        abstract: "Measure changes of the ring in clusters of any size.",
        discussion: """
            Only the parts of nodes that decide on rings and lead changes, with the default \
            settings, over a network that delivers within 6 ms, and disks that save within 5 ms. \
            A node is added, or one position of the ring changes hands; partitions are taken over \
            within 3 s. Times of planning and of a node's work with the ring are those of this \
            machine; all else is the same on every one. Exits 1 when the change does not come to \
            its end. --seed and --json are as for henge simulate; the seed is 1 when none is given.

            Example: henge simulate ring --nodes 999 --partitions 16384
            """
    )

    @Option(help: "Nodes before the change, 3 to 999.")
    var nodes = 999

    @Option(help: "Partitions of the ring, a power of two from 64 to 16384.")
    var partitions = 16_384

    @Option(help: "Of a hundred nodes, how many are not told of what is decided.")
    var unheard = 0

    /// An option of both would be taken by the parent alone.
    @ParentCommand var parent: SimulateCommand

    func validate() throws {
        guard (3...999).contains(nodes) else {
            throw ValidationError("--nodes must be 3 to 999.")
        }
        guard RingDocument.partitionCounts.contains(partitions), partitions.nonzeroBitCount == 1
        else { throw ValidationError("--partitions must be a power of two from 64 to 16384.") }
        guard (0...99).contains(unheard) else {
            throw ValidationError("--unheard must be 0 to 99.")
        }
    }

    func run() async throws {
        var progress = ProgressLine()
        if !parent.json { progress.draw("\(Wording.grouped(nodes)) nodes change the ring…") }
        let start = try RingSimulation.start(nodes: nodes, partitions: partitions)
        var rings: [Ring] = []
        var results: [RingScale] = []
        var targets: [RingDocument] = []
        for change in RingSimulation.Change.allCases {
            var scale = RingScale(nodes: nodes, partitions: partitions, change: change)
            let target = try RingScale.timed(&scale.planMs) {
                try RingSimulation.plan(change, of: start)
            }
            try scale.measureWork(start, target, keeping: &rings)
            results.append(scale)
            targets.append(target)
        }
        rings.removeAll()
        for index in results.indices { simulate(&results[index], from: start, to: targets[index]) }
        progress.clear()
        if parent.json {
            Output.json(.array(results.map(RingScaleText.json)))
        } else {
            Output.lines(RingScaleText.lines(results, color: Output.usesColor))
        }
        if results.contains(where: { !$0.hasEnded }) {
            throw ExitCode(ExitStatus.failed.rawValue)
        }
    }

    private func simulate(
        _ scale: inout RingScale,
        from start: RingDocument,
        to target: RingDocument
    ) {
        var options = RingSimulation.Options(
            nodes: nodes,
            partitions: partitions,
            change: scale.change,
            seed: parent.seed ?? 1
        )
        options.unheardPercent = unheard
        let simulation = RingSimulation(options, from: start, to: target)
        scale.hasEnded = simulation.run()
        scale.report = simulation.report
        scale.interval = options.control.interval
    }
}
