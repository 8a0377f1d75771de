import HengeBase
import HengeMembership
import HengeNode
import HengeStorage
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// One node: opens its data, joins its peers, serves clients, and stops cleanly when asked to.
package struct Server: Service {
    /// How long a stop waits for requests in flight, and again for hints.
    private static let drainMax = Interval.seconds(5)
    /// How long a start waits for a majority of the nodes to see each other.
    private static let peersWaitMax = Interval.seconds(2)

    /// How long a stop waits for HTTP clients to take what they are owed.
    private static let httpStopMax = Interval.seconds(1)

    private let settings: NodeSettings
    private let logger: Logger
    /// Called once when clients are served, with the addresses.
    private let onReady: @Sendable (ReadyReport) -> Void
    /// Called once when the stop begins.
    private let onStopping: @Sendable () -> Void
    /// Called once, of a node that joins, when a member has taken it up as a candidate.
    private let onCandidate: @Sendable (CandidateReport) -> Void

    package init(
        settings: NodeSettings,
        logger: Logger,
        onStopping: @escaping @Sendable () -> Void = {},
        onCandidate: @escaping @Sendable (CandidateReport) -> Void = { _ in },
        onReady: @escaping @Sendable (ReadyReport) -> Void
    ) {
        self.settings = settings
        self.logger = logger
        self.onReady = onReady
        self.onStopping = onStopping
        self.onCandidate = onCandidate
    }

    /// Runs until a graceful shutdown is asked for.
    ///
    /// - Throws: ``StartError`` when the node can't start; its description tells what to do.
    package func run() async throws {
        FileLimit.raise(logger: logger)
        let node = HTTPNode(settings: settings)
        let http = try await startHTTP(node)
        do {
            try await run(node)
        } catch {
            await http?.stop(atMost: Self.httpStopMax)
            throw error
        }
        await http?.stop(atMost: Self.httpStopMax)
    }

    /// First of all, so that health checks have an answer while data is opened and peers are
    /// waited for.
    private func startHTTP(_ node: HTTPNode) async throws(StartError) -> HTTPServer? {
        guard let address = settings.httpAddress else { return nil }
        do {
            return try await HTTPServer.start(on: address, node: node, logger: logger)
        } catch {
            throw .cannotListen("\(error)")
        }
    }

    private func run(_ node: HTTPNode) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.shards)
        do {
            try await run(on: group, node)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func run(on group: MultiThreadedEventLoopGroup, _ node: HTTPNode) async throws {
        let mailboxes = group.makeIterator().map { CompletionMailbox(eventLoop: $0) }
        let starter = NodeStarter(
            settings: settings,
            logger: logger,
            deliver: mailboxes.map { mailbox in { mailbox.deliver($0) } }
        )
        let began = SystemClock.now()
        switch settings.origin {
        case .bootstrap(let list):
            let start = try starter.begin(bootstrap: list)
            tellOpened(start.store, since: began)
            try await serve(start, group, mailboxes, node)
        case .join(let seeds):
            let wait = CandidateWait(
                settings: settings,
                seeds: seeds,
                starter: starter,
                logger: logger,
                onCandidate: { [onCandidate] report in
                    node.wait()
                    onCandidate(report)
                }
            )
            guard let start = try await wait.run(on: mailboxes[0].eventLoop) else {
                return logger.info("stopped: it was a candidate still")
            }
            tellOpened(start.store, since: began)
            try await serve(start, group, mailboxes, node)
        }
    }

    private func serve(
        _ start: NodeStart,
        _ group: MultiThreadedEventLoopGroup,
        _ mailboxes: [CompletionMailbox],
        _ node: HTTPNode
    ) async throws {
        let common = RunningShard.Common(
            settings: settings,
            start: start,
            life: Life.make(start: start.store.first.startNumber, chance: .random(in: 0 ... .max)),
            connections: ConnectionCount(limit: settings.connectionsMax),
            logger: logger
        )
        let running = try await RunningNode(common, on: group, mailboxes)
        do {
            try await running.listen()
        } catch {
            start.store.close()
            throw StartError.cannotListen("\(error)")
        }
        try await running.awaitPeers(atMost: Self.peersWaitMax)
        let first = running.first
        let (up, document) = try await first.eventLoop.submit {
            (first.value.driver.membersUp, first.value.driver.ring.document)
        }.get()
        node.serve(try await running.group(), replicas: document.replicas)
        logger.info(
            "serving",
            metadata: [
                "members_up": "\(up) of \(document.members.count)", "epoch": "\(document.epoch)",
                "shards": "\(settings.shards)",
            ]
        )
        onReady(
            ReadyReport(
                name: settings.name,
                resp: settings.respAddress.description,
                http: settings.httpAddress?.description,
                peer: settings.peerAddress.description
            )
        )
        await waitForEnd(running)
        onStopping()
        node.beginStop()
        try await stop(running, start.store, node)
    }

    /// Until a graceful shutdown is asked for, or this node is removed from the ring.
    private func waitForEnd(_ running: RunningNode) async {
        let (ends, end) = AsyncStream<Void>.makeStream()
        let logger = self.logger
        let first = running.first
        first.eventLoop.execute {
            first.value.driver.callWhenRemoved {
                logger.notice(
                    "this node is in the ring no more; it stops, and is not to be started again")
                end.finish()
            }
        }
        await withGracefulShutdownHandler {
            for await _ in ends {}
        } onGracefulShutdown: {
            end.finish()
        }
    }

    private func stop(
        _ running: RunningNode,
        _ store: NodeStore,
        _ node: HTTPNode
    ) async throws {
        // A third each for clients and hints leaves a third for the rest.
        let part = Interval(nanoseconds: settings.stopTimeout.nanoseconds / 3)
        let start = SystemClock.now()
        logger.info("stopping: takes no more commands")
        try await running.beginStop()
        let requests = try await running.finishRequests(atMost: min(part, Self.drainMax))
        tell("stopping: requests finished", since: start, left: requests)
        let hints = try await running.handOverHints(atMost: min(part, Self.drainMax))
        tell("stopping: hints handed over", since: start, left: hints)
        let work = try await running.settle(atMost: .seconds(1))
        tell("stopping: work for other nodes finished", since: start, left: work)
        node.end()
        let (states, isEmpty) = try await running.stop()
        if isEmpty { logger.notice("all that this node held is with others: it frees its disk") }
        let isClean = store.closeClean(states: states, isEmpty: isEmpty)
        tell(isClean ? "stopped cleanly" : "stopped; the next start recovers", since: start)
    }

    private func tell(_ step: Logger.Message, since start: Instant, left: Int? = nil) {
        var metadata: Logger.Metadata = ["ms": "\(SystemClock.now().since(start).milliseconds)"]
        if let left { metadata["left"] = "\(left)" }
        logger.info(step, metadata: metadata)
    }

    private func tellOpened(_ store: NodeStore, since began: Instant) {
        let saved = store.engines.map { $0.previousCleanState.flatMap(SavedState.init) }
        var metadata: Logger.Metadata = [
            "ms": "\(SystemClock.now().since(began).milliseconds)",
            "last_stop": saved.contains { $0 == nil } ? "a crash, or there was none" : "clean",
        ]
        let tallies = saved.compactMap { $0?.counts?.tallies }
        if tallies.count == saved.count {
            metadata["keys"] = "\(tallies.joined().reduce(0) { $0 + $1.keys })"
        }
        logger.info("data opened", metadata: metadata)
    }
}

/// Where a node serves, for its `ready` line.
package struct ReadyReport: Hashable, Sendable {
    package var name: String
    package var resp: String
    /// Nil when it serves no HTTP.
    package var http: String?
    package var peer: String
}

/// What a node that joins has to offer, for its `candidate` line.
package struct CandidateReport: Hashable, Sendable {
    package var name: String
    /// 16 hexadecimal digits.
    package var cluster: String
    package var resp: String
    package var peer: String
}
