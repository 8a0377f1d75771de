import HengeClient

/// Waits until nodes serve and see one another.
struct ReadyWatch {
    struct Watched {
        var node: LocalCluster.Node
        var process: ProcessRecord
        /// Where in its log this start begins.
        var logOffset: Int
        /// Whether it was started just now; else it ran before.
        var isNew: Bool
        var sight = Sight.nothing
    }

    /// What a node says of the cluster.
    enum Sight: Equatable {
        case nothing
        /// How many of the nodes that run it holds for up, itself included.
        case sees(Int)
    }

    private static let pause = Duration.milliseconds(40)
    private static let logLinesShown = 8

    let directory: ClusterDirectory
    private(set) var watched: [Watched]
    private var line = ProgressLine()
    private let begin = ContinuousClock.now
    private let limit: Duration

    init(_ directory: ClusterDirectory, _ watched: [Watched], limit: Duration) {
        self.directory = directory
        self.watched = watched
        self.limit = limit
    }

    /// - Throws: ``CommandFailure`` when a node ends, or not all are ready in time; the end of
    ///   its log
    mutating func wait() async throws(CommandFailure) {
        while true {
            for index in watched.indices where watched[index].sight != complete {
                try await look(at: index)
            }
            guard watched.contains(where: { $0.sight != complete }) else { break }
            line.draw(progress)
            if ContinuousClock.now - begin > limit { throw tooLate() }
            try? await Task.sleep(for: Self.pause)
        }
        line.clear()
    }

    private var complete: Sight { .sees(watched.count) }

    private mutating func look(at index: Int) async throws(CommandFailure) {
        let name = watched[index].node.name
        guard NodeProcess.isRunning(watched[index].process) else {
            line.clear()
            let ending = NodeProcess.ending(watched[index].process).map { " with \($0)" } ?? ""
            throw failure(watched[index], "\(name) ended\(ending) before it was ready")
        }
        let names = watched.map(\.node.name)
        let before = watched[index].sight
        watched[index].sight =
            switch await ClusterSight.look(from: watched[index].node) {
            case .nothing: .nothing
            // Whether the others see it, too, they say themselves.
            case .candidate: complete
            case .states(let states):
                .sees(names.count { ClusterSight.there.contains(states[$0] ?? "") })
            }
        if watched[index].sight == complete, before != complete, !Output.isTerminal,
            watched[index].isNew
        {
            Output.line("\(name) is ready")
        }
    }

    private var progress: String {
        let color = Output.usesColor
        let parts = watched.map { watched in
            switch watched.sight {
            case .nothing: Paint.faint("\(watched.node.name) starts", color: color)
            case complete: Paint.good("\(watched.node.name) ✓", color: color)
            case .sees(let count):
                Paint.doubtful(
                    "\(watched.node.name) sees \(count) of \(self.watched.count)",
                    color: color
                )
            }
        }
        return parts.joined(separator: "   ")
    }

    private mutating func tooLate() -> CommandFailure {
        line.clear()
        let late = watched.first { $0.sight == .nothing } ?? watched.first { $0.sight != complete }
        guard let late else { return CommandFailure(.timedOut, "the nodes were not ready in time") }
        let what =
            switch late.sight {
            case .nothing: "\(late.node.name) does not answer"
            case .sees(let count): "\(late.node.name) sees \(count) of \(watched.count) nodes"
            }
        let seconds = limit.components.seconds
        return failure(late, "\(what) after \(seconds) s", status: .timedOut)
    }

    private func failure(
        _ watched: Watched,
        _ what: String,
        status: ExitStatus = .failed
    ) -> CommandFailure {
        let log = directory.log(of: watched.node)
        for line in SmallFile.tail(log, lines: Self.logLinesShown, from: watched.logOffset) {
            Output.error("  \(Wording.printable(line, limit: 300))")
        }
        return CommandFailure(
            status,
            "\(what); its log is \(log); henge cluster down ends the nodes that run"
        )
    }
}

/// What nodes of a local cluster say when asked.
enum ClusterSight {
    private static var options: HengeConnection.Options {
        var options = HengeConnection.Options()
        options.connectTimeout = .seconds(1)
        options.requestTimeout = .seconds(2)
        return options
    }

    /// A node's answer; nil when it gives none.
    static func ask(_ command: String, of node: LocalCluster.Node) async -> HengeReply? {
        let address = HengeAddress(host: LocalCluster.host, port: node.resp)
        return try? await Question.ask([command], at: address, options: options)
    }

    /// The states of nodes that can be reached.
    static let there = ["up", "joining", "leaving", "candidate"]

    enum View {
        /// It doesn't answer.
        case nothing
        /// It waits to be taken into the ring, and knows none.
        case candidate
        /// Those of all nodes, by name.
        case states([String: String])
    }

    static func look(from node: LocalCluster.Node) async -> View {
        let address = HengeAddress(host: LocalCluster.host, port: node.resp)
        do throws(HengeError) {
            let reply = try await Question.ask(["HENGE.RING"], at: address, options: options)
            guard let ring = try? RingView(reply) else { return .nothing }
            return .states(ring.nodes.reduce(into: [:]) { $0[$1.name] = $1.state })
        } catch {
            return error.message.hasPrefix("LOADING") ? .candidate : .nothing
        }
    }
}
