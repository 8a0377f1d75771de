import Dispatch
import Glibc

/// Waits until a repair is done, and shows how far it is.
struct RepairWatch {
    private static let pause = Duration.milliseconds(250)
    /// Between lines where there is no terminal.
    private static let linePause = Duration.seconds(2)
    private static let barWidth = 24
    /// What shells give a command that SIGINT ended.
    private static let interruptedStatus: Int32 = 128 + SIGINT

    private let ring: RingView
    private let begin: ContinuousClock.Instant
    private let limit: Duration
    private let isQuiet: Bool
    private var progress: RepairProgress
    private var bar = ProgressLine()
    private var shown: (verified: Int, at: ContinuousClock.Instant)?

    /// - Parameters:
    ///   - begin: before the first node was told.
    ///   - limit: how long to wait from then on.
    ///   - isQuiet: whether to show nothing.
    init(
        ring: RingView,
        begin: ContinuousClock.Instant,
        limit: Duration,
        isQuiet: Bool,
        progress: RepairProgress
    ) {
        self.ring = ring
        self.begin = begin
        self.limit = limit
        self.isQuiet = isQuiet
        self.progress = progress
    }

    /// - Throws: ``CommandFailure`` when time is up.
    mutating func wait() async throws(CommandFailure) -> RepairProgress {
        let interrupt = Self.leaveOnInterrupt()
        defer { interrupt.cancel() }
        while true {
            // From before the question, so that an answer that was long on its way makes nothing
            // look newer than it is.
            let elapsed = ContinuousClock.now - begin
            let view: EntropyView
            do throws(CommandFailure) {
                view = try await EntropyView.ask(ring)
            } catch {
                bar.clear()
                throw error
            }
            progress.update(view, elapsedMs: Self.milliseconds(elapsed))
            guard !progress.isDone else { break }
            show()
            if ContinuousClock.now - begin > limit {
                bar.clear()
                throw progress.tooLate
            }
            try? await Task.sleep(for: Self.pause)
        }
        bar.clear()
        return progress
    }

    private mutating func show() {
        guard !isQuiet else { return }
        guard !Output.isTerminal else {
            return bar.draw(progress.bar(width: Self.barWidth, color: Output.usesColor))
        }
        let now = ContinuousClock.now
        if let shown {
            guard progress.verified != shown.verified, now - shown.at >= Self.linePause else {
                return
            }
        }
        shown = (progress.verified, now)
        Output.line(progress.line)
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        let parts = duration.components
        return Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000)
    }

    /// An interrupt ends the watching alone, and says so.
    private static func leaveOnInterrupt() -> any DispatchSourceSignal {
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT)
        source.setEventHandler {
            if Output.isTerminal { Output.bytes("\r\u{1B}[K".utf8) }
            Output.error("the repair goes on; henge report entropy shows how far it is")
            exit(interruptedStatus)
        }
        source.resume()
        return source
    }
}
