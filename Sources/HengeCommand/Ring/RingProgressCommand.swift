import ArgumentParser
import HengeClient

/// `henge ring progress`
struct RingProgressCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "progress",
        abstract: "Show how far the change of the ring is.",
        discussion: """
            With --watch it is drawn again and again until no change runs; with --json, too, each \
            state is one line. Interrupted, it leaves the change running.

            JSON: {"epoch","running","aborting","partitions","steps":{"current","write_both",\
            "read_next","next"},"partitions_waiting","waiting_for":["n4"],"bytes_left",\
            "bytes_per_second","seconds_left","nodes":[{"name","state","epoch","job",\
            "partitions_done","partitions_left","keys_done","keys_left","bytes_done","bytes_left",\
            "bytes_per_second","seconds_left","records_skipped","wait","wait_for"}]}. job is \
            waiting, transferring, done, or null for a node that takes nothing over; \
            keys_left is an estimate, or null before there is one; wait is \
            adoption, source, budget, storage, held (it hands over what it holds for others) or \
            null. partitions_waiting have not begun, since too few of their new replicas are up \
            and reached by all members; waiting_for names those.

            Example: henge ring progress --watch
            """
    )

    private static let pause = Duration.milliseconds(500)
    /// Between lines where there is no terminal.
    private static let linePause = Duration.seconds(2)

    @Flag(help: "Go on until the change is through.")
    var watch = false

    @OptionGroup var nodes: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try await Self.show(nodes, watch: watch, json: json)
    }

    /// - Parameter watch: whether to go on until the change is through.
    static func show(_ nodes: NodeOptions, watch: Bool, json: Bool) async throws {
        var block = ProgressBlock()
        var shown: (line: String, at: ContinuousClock.Instant)?
        var last: RingProgressView?
        while true {
            let reply = try await nodes.askRing(["PROGRESS"])
            let view = try view(reply)
            let isLast = !watch || !view.isRunning
            let ending = view.isRunning ? nil : last.map { view.ending(wasAborting: $0.isAborting) }
            last = view
            if json || (watch && !Output.isTerminal) {
                let line = json ? JSON(reply).text : ending ?? view.line
                let now = ContinuousClock.now
                let isDue = shown.map { $0.line != line && now - $0.at >= linePause } ?? true
                if isDue || isLast {
                    Output.line(line)
                    shown = (line, now)
                }
            } else {
                block.draw(ending.map { [$0] } ?? view.lines(color: Output.usesColor))
            }
            if isLast { return }
            try await Task.sleep(for: pause)
        }
    }

    private static func view(_ reply: HengeReply) throws(CommandFailure) -> RingProgressView {
        do throws(ReplyFields.Fault) {
            return try RingProgressView(reply)
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }
}

/// Lines that are drawn again and again in the same place of a terminal.
struct ProgressBlock {
    private var height = 0

    mutating func draw(_ lines: [String]) {
        if height > 0 { Output.bytes("\u{1B}[\(height)A\r\u{1B}[J".utf8) }
        Output.lines(lines)
        height = lines.count
    }

    /// Removes the lines, so that other output takes their place.
    mutating func clear() {
        if height > 0 { Output.bytes("\u{1B}[\(height)A\r\u{1B}[J".utf8) }
        height = 0
    }
}
