import ArgumentParser
import HengeClient

/// `henge hints`
struct HintsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hints",
        abstract: "Pause, resume or drop the delivery of missed writes.",
        discussion: """
            henge report hints lists them.

            Example: henge hints pause
            """,
        subcommands: [
            HintsPauseCommand.self, HintsResumeCommand.self, HintsDropCommand.self,
        ]
    )
}

/// Which nodes a `henge hints` command acts on.
struct HintsScope: ParsableArguments {
    @OptionGroup var nodes: NodeOptions

    @Flag(help: "Act on the nodes given by --node alone, not on all that they know.")
    var only = false

    /// Has every node do it.
    ///
    /// - Throws: ``CommandFailure`` when one of them did not; the others have.
    func order(_ words: [String]) async throws(CommandFailure) {
        let answers: [ClusterQuestion.Answer]
        if only {
            let addresses = try nodes.addresses().map { ("\($0)", "\($0)") }
            answers = await ClusterQuestion.ask(words, of: addresses)
        } else {
            answers = try await ClusterQuestion.ask(words, through: nodes)
        }
        var failures: [String] = []
        for answer in answers {
            if case .failure(let error) = answer.result {
                failures.append("\(answer.node): \(CommandFailure(error).message)")
            }
        }
        guard !failures.isEmpty else { return }
        let done = answers.count - failures.count
        throw CommandFailure(
            .failed,
            "done on \(done) of \(answers.count) nodes, not on \(failures.joined(separator: "; "))"
        )
    }
}

/// `henge hints pause`
struct HintsPauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Deliver no hints until resumed; new ones are still kept.",
        discussion: """
            Acts on all nodes of the cluster, found through --node. It lasts until henge hints \
            resume, or until a node starts anew. Exits 1 when a node could not be told.

            Example: henge hints pause
            Example: henge hints pause --node 127.0.0.1:6402 --only
            """
    )

    @OptionGroup var scope: HintsScope

    func run() async throws {
        try await scope.order(["HENGE.HINTS", "PAUSE"])
    }
}

/// `henge hints resume`
struct HintsResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Deliver hints again.",
        discussion: """
            Acts on all nodes of the cluster, found through --node. Exits 1 when a node could not \
            be told.

            Example: henge hints resume
            """
    )

    @OptionGroup var scope: HintsScope

    func run() async throws {
        try await scope.order(["HENGE.HINTS", "RESUME"])
    }
}

/// `henge hints drop`
struct HintsDropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Forget hints, for one node or for all.",
        discussion: """
            For a node that never returns. Its replicas then get what they missed by read repair \
            alone; what a sloppy write stored only in its place is lost, so it asks for --yes. \
            Acts on all nodes of the cluster, found through --node. Exits 1 when a node could not \
            be told, 2 without --yes.

            Example: henge hints drop --target n2 --yes
            """
    )

    @Option(help: "The node whose hints to forget. (default: all nodes')")
    var target: String?

    @Flag(help: "Yes, forget them.")
    var yes = false

    @OptionGroup var scope: HintsScope

    func run() async throws {
        guard yes else {
            throw CommandFailure(
                .usage,
                "this forgets writes that \(target ?? "nodes") missed; add --yes to do it, or see "
                    + "henge report hints first"
            )
        }
        try await scope.order(["HENGE.HINTS", "DROP"] + (target.map { [$0] } ?? []))
    }
}
