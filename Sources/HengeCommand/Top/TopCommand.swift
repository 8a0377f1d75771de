import ArgumentParser
import HengeClient
import NIOConcurrencyHelpers

/// `henge top`
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch the cluster: nodes, rates, delays, errors, background work, hot keys.",
        discussion: """
            Fills the terminal and draws it anew each second, as the dashboard of the HTTP port \
            does; q or Ctrl-C ends it. It asks one node what it sees, and another one when that \
            is gone. Without a terminal it prints one picture. Rates and delays are those of the \
            requests that a node coordinated in the last second.

            With --json each second is one line, the reply to HENGE.OVERVIEW: {"node", "cluster", \
            "version", "phase", "time_ms", "epoch", "partitions", "replicas", "totals": {"reads", \
            "writes", "errors", "errors_by_kind", "read_p50_us", "read_p99_us", "write_p50_us", \
            "write_p99_us"}, "nodes": [{"name", "state", "zone", "reads", "writes", "errors", \
            "p50_us", "p99_us", "keys", "bytes", "hints": […], "comparing": […], …}], \
            "change": null or as of ring progress, "heat": {"keys": […], "minutes": [[…]], …}}.

            Example: henge top
            Example: henge top --json --count 10
            """
    )

    @OptionGroup var nodes: NodeOptions

    @Flag(help: "Print one JSON object a line.")
    var json = false

    @Option(help: "End after so many seconds. (default: go on; 1 without a terminal and --json)")
    var count: Int?

    private static let second = Duration.seconds(1)
    /// How often keys and the size of the terminal are looked at.
    private static let glance = Duration.milliseconds(50)

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be 1 or more") }
    }

    func run() async throws {
        var source = try OverviewSource(nodes)
        // What is not reachable now is told before the terminal is taken over; and without two
        // looks there are no rates.
        let first = try await Self.ask(&source)
        if json || !Output.isTerminal { return try await printed(&source) }
        guard let screen = FullScreen() else { return try await printed(&source) }
        await watched(screen, source, TopView(first.view))
    }

    private static func ask(
        _ source: inout OverviewSource
    ) async throws(CommandFailure) -> (view: OverviewView, reply: HengeReply) {
        do throws(HengeError) {
            return try await source.next()
        } catch {
            throw CommandFailure(error)
        }
    }

    // MARK: Without a terminal

    private func printed(_ source: inout OverviewSource) async throws {
        var left = count ?? (json ? Int.max : 1)
        while left > 0 {
            try await Task.sleep(for: Self.second)
            let (view, reply) = try await Self.ask(&source)
            if json {
                Output.line(JSON(reply).text)
            } else {
                Output.lines(TopView(view).lines(width: 120, height: 60, color: Output.usesColor))
            }
            left -= 1
        }
    }

    // MARK: On a terminal

    private struct Seen {
        var view: TopView
        var answeredAt = ContinuousClock.now
        var looks = 0
    }

    private func watched(_ screen: FullScreen, _ source: OverviewSource, _ view: TopView) async {
        var screen = screen
        let seen = NIOLockedValueBox(Seen(view: view))
        let asking = Task {
            var source = source
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.second)
                guard let next = try? await source.next() else { continue }
                seen.withLockedValue {
                    $0.view.update(next.view)
                    $0.answeredAt = ContinuousClock.now
                    $0.looks += 1
                }
            }
        }
        while !Self.ends(screen.typed()) {
            let now = seen.withLockedValue { $0 }
            if let count, now.looks >= count { break }
            let silence = Int((ContinuousClock.now - now.answeredAt).components.seconds)
            let size = screen.size
            let lines = now.view.lines(
                width: size.width,
                height: size.height,
                color: Output.usesColor,
                silence: silence > 3 ? silence : nil
            )
            screen.draw(lines, on: size)
            try? await Task.sleep(for: Self.glance)
        }
        asking.cancel()
        screen.close()
    }

    /// q, Q, Ctrl-C or Ctrl-D; or nobody types any more.
    private static func ends(_ typed: [UInt8]?) -> Bool {
        guard let typed else { return true }
        return typed.contains { [UInt8(ascii: "q"), UInt8(ascii: "Q"), 3, 4].contains($0) }
    }
}
