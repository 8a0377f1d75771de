import ArgumentParser
import HengeClient

/// `henge wait-settled`
struct WaitSettledCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait-settled",
        abstract: "Wait until all that the nodes have to do for each other now is done.",
        discussion: """
            That is: every hint that is queued is delivered; the change of the ring that runs is \
            through, with its transfers, and what moved away is dropped; and every partition is \
            found or made equal on all its replicas by a comparison begun after all that. \
            What comes later is not waited for, so it ends under steady load, too. For scripts \
            and maintenance: when it says done, the next node may be stopped.

            A node that is down is waited for, until it answers or has left the ring. Exits 4 \
            when --timeout-s is over, and tells what is left and why it waits; all goes on by \
            itself.

            JSON, once at the end: {"settled","seconds","nodes":["n1"],"left":[{"node","kind",\
            "for","count","bytes","wait","wait_for"}]}. kind is hints, transfers, change, drops, \
            comparisons, ring or answer; wait is null while it goes on, else down, paused, hints, \
            counting, adoption, source, budget, storage, held, or why there is no answer.

            Example: henge cluster start n3 && henge wait-settled --timeout-s 600
            """
    )

    @OptionGroup var nodes: NodeOptions

    @Option(
        help: ArgumentHelp(
            "How long to wait, 1 to 604800. (default: without a limit)",
            valueName: "seconds"
        )
    )
    var timeoutS: Int?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard let timeoutS, !(1...604_800).contains(timeoutS) else { return }
        throw ValidationError("--timeout-s \(timeoutS): must be a number from 1 to 604800")
    }

    func run() async throws {
        let ring = try await ClusterQuestion.ring(through: nodes)
        var watch = SettleWatch(
            limit: timeoutS.map { .seconds($0) },
            isQuiet: json,
            progress: SettleProgress(ring)
        )
        try await watch.wait()
        let elapsed = watch.elapsedMs
        if json { Output.json(watch.progress.json(elapsedMs: elapsed)) }
        guard watch.progress.isDone else { throw watch.progress.tooLate(elapsedMs: elapsed) }
        if !json { Output.line(watch.progress.result(elapsedMs: elapsed)) }
    }
}

/// Asks the nodes again and again until all are done, and shows how far they are.
struct SettleWatch {
    private static let pause = Duration.milliseconds(250)
    /// Between lines where there is no terminal.
    private static let linePause = Duration.seconds(2)
    /// A node that takes longer to answer is asked again.
    private static let patience = Duration.seconds(5)

    private let limit: Duration?
    private let isQuiet: Bool
    private(set) var progress: SettleProgress
    private let begin = ContinuousClock.now
    private var block = ProgressBlock()
    private var shown: (line: String, at: ContinuousClock.Instant)?

    /// - Parameters:
    ///   - limit: how long to wait; nil for without end.
    ///   - isQuiet: whether to show nothing.
    init(limit: Duration?, isQuiet: Bool, progress: SettleProgress) {
        self.limit = limit
        self.isQuiet = isQuiet
        self.progress = progress
    }

    /// Since the beginning.
    var elapsedMs: Int {
        let parts = (ContinuousClock.now - begin).components
        return Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000)
    }

    /// Returns when all is done or time is up.
    mutating func wait() async throws(CommandFailure) {
        defer { block.clear() }
        while true {
            try await ask()
            if progress.isDone { return }
            show()
            let rest = limit.map { $0 - (ContinuousClock.now - begin) }
            if let rest, rest <= .zero { return }
            try? await Task.sleep(for: min(Self.pause, rest ?? Self.pause))
        }
    }

    private mutating func ask() async throws(CommandFailure) {
        let rest = limit.map { $0 - (ContinuousClock.now - begin) } ?? Self.patience
        let inquiries = progress.questions.map {
            ClusterQuestion.Inquiry(node: $0.node.name, resp: $0.node.resp, words: $0.words)
        }
        let answers = await ClusterQuestion.ask(
            inquiries,
            patience: max(Self.pause, min(Self.patience, rest))
        )
        do throws(ReplyFields.Fault) {
            try progress.take(answers.map { ($0.node, $0.result) })
        } catch {
            throw CommandFailure(.failed, error.description)
        }
        if !progress.silent.isEmpty { await refresh() }
    }

    /// A node without an answer may have left the ring, or have come back elsewhere.
    private mutating func refresh() async {
        guard let other = progress.answering.first else { return }
        let answers = await ClusterQuestion.ask(
            ["HENGE.RING"],
            of: [(name: other.name, resp: other.resp)]
        )
        guard case .success(let reply)? = answers.first?.result else { return }
        // What can't be read changes nothing.
        if let ring = try? RingView(reply) { progress.refresh(ring) }
    }

    private mutating func show() {
        guard !isQuiet else { return }
        guard !Output.isTerminal else {
            return block.draw(progress.lines(elapsedMs: elapsedMs, color: Output.usesColor))
        }
        let now = ContinuousClock.now
        let line = progress.line
        guard shown.map({ $0.line != line && now - $0.at >= Self.linePause }) ?? true else {
            return
        }
        shown = (line, now)
        Output.line(line)
    }
}
