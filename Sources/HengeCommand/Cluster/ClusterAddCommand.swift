import ArgumentParser
import Glibc
import HengeClient

/// `henge cluster add`
struct ClusterAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Start one more node of a local cluster, and take it into the ring.",
        discussion: """
            Starts the next node with --join, waits until the others know it as a candidate, then \
            stages, plans and commits, and shows how its partitions come over. Interrupted then, \
            it leaves the change running: henge ring progress shows it.

            With --no-commit the node stays a candidate, for henge ring add, plan and commit.

            Example: henge cluster add
            Example: henge cluster add --no-commit && henge ring add n4 && henge ring plan
            """
    )

    private static let pause = Duration.milliseconds(50)

    @Flag(name: .customLong("no-commit"), help: "Leave the node a candidate.")
    var staysCandidate = false

    @Option(
        name: .customLong("timeout-s"),
        help: ArgumentHelp("How long to wait until it is a candidate.", valueName: "seconds")
    )
    var timeoutS = 60

    @OptionGroup var options: ClusterOptions

    func validate() throws {
        guard (1...3600).contains(timeoutS) else {
            throw ValidationError("--timeout-s must be from 1 to 3600.")
        }
    }

    func run() async throws {
        let directory = options.directory
        let before = try directory.require()
        let lock = try directory.lock()
        var cluster = before
        guard before.nodeCount < before.nodesMax else {
            throw CommandFailure(.failed, "the cluster has \(before.nodeCount) nodes already")
        }
        guard let member = before.nodes.first(where: { directory.process(of: $0) != nil }) else {
            throw CommandFailure(
                .failed,
                "no node of \(directory.path) runs; start them first with henge cluster up"
            )
        }
        cluster.addedCount += 1
        guard let node = cluster.nodes.last else { return }
        try PortCheck.requireFree(node)
        try await requireNothingStaged(at: member)
        Output.line("starting \(node.name) in \(directory.path)")
        try directory.save(cluster)
        do throws(CommandFailure) {
            try await start(node, of: cluster, in: directory, seenBy: member)
        } catch {
            _ = await ClusterStop.signal([node], SIGKILL, in: directory)
            directory.forget(node)
            try directory.save(before)
            throw error
        }
        directory.unlock(lock)
        let nodes = Self.options(of: member)
        guard !staysCandidate else { return tellHowToGoOn(node, member) }
        try await takeIn(node, through: nodes)
        try await RingProgressCommand.show(nodes, watch: true, json: false)
        Output.line("\(node.name) is a member, and serves on \(LocalCluster.address(node.resp))")
    }

    /// Other changes that somebody has staged must not be committed along with this one.
    private func requireNothingStaged(
        at member: LocalCluster.Node
    ) async throws(CommandFailure) {
        guard !staysCandidate else { return }
        let staged = try await Self.staged(at: member)
        guard !staged.operations.isEmpty else { return }
        let operations = staged.operations.map { Wording.printable($0) }.joined(separator: ", ")
        throw CommandFailure(
            .failed,
            "\(operations) is staged at \(member.name) and would be committed with this; do so "
                + "first with henge ring commit, or forget it with henge ring stage --clear"
        )
    }

    private func start(
        _ node: LocalCluster.Node,
        of cluster: LocalCluster,
        in directory: ClusterDirectory,
        seenBy member: LocalCluster.Node
    ) async throws(CommandFailure) {
        let started = try directory.start(node, of: cluster)
        let end = ContinuousClock.now + .seconds(timeoutS)
        while try await !Self.staged(at: member).candidates.contains(node.name) {
            let log = directory.log(of: node)
            guard NodeProcess.isRunning(started.process) else {
                for line in SmallFile.tail(log, lines: 8, from: started.logOffset) {
                    Output.error("  \(Wording.printable(line, limit: 300))")
                }
                throw CommandFailure(.failed, "\(node.name) ended at once; its log is \(log)")
            }
            guard ContinuousClock.now < end else {
                throw CommandFailure(
                    .timedOut,
                    "\(node.name) is no candidate at \(member.name) after \(timeoutS) s; "
                        + "its log is \(log)"
                )
            }
            try? await Task.sleep(for: Self.pause)
        }
    }

    private func takeIn(
        _ node: LocalCluster.Node,
        through nodes: NodeOptions
    ) async throws(CommandFailure) {
        _ = try await nodes.ask(["HENGE.RING", "STAGE", "ADD", node.name])
        let plan = try RingPlanCommand.view(try await nodes.askRing(["PLAN"]))
        Output.lines(RingPlanDrawing.lines(plan, color: Output.usesColor))
        if let refusal = plan.refusals.first {
            throw CommandFailure(.failed, Wording.printable(refusal.reason, limit: 500))
        }
        _ = try await nodes.askRing(["COMMIT", plan.id])
        Output.line("the change has begun")
    }

    private func tellHowToGoOn(_ node: LocalCluster.Node, _ member: LocalCluster.Node) {
        let address = LocalCluster.address(member.resp)
        let option = address == NodeOptions.standard ? "" : " --node \(address)"
        Output.line("\(node.name) is a candidate; to take it in:")
        for words in ["add \(node.name)", "plan", "commit"] {
            Output.line("  henge ring \(words)\(option)")
        }
    }

    private static func staged(
        at member: LocalCluster.Node
    ) async throws(CommandFailure) -> RingStageView {
        let reply = try await options(of: member).ask(["HENGE.RING", "STAGED"])
        do throws(ReplyFields.Fault) {
            return try RingStageView(reply)
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }

    private static func options(of member: LocalCluster.Node) -> NodeOptions {
        var options = NodeOptions()
        options.nodes = [LocalCluster.address(member.resp)]
        return options
    }
}
