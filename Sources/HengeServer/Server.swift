import HengeBase
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
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await run(on: group, node)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func run(on group: MultiThreadedEventLoopGroup, _ node: HTTPNode) async throws {
        let mailbox = CompletionMailbox(eventLoop: group.next())
        let starter = NodeStarter(settings: settings, logger: logger, deliver: mailbox.deliver)
        let began = SystemClock.now()
        switch settings.origin {
        case .bootstrap(let list):
            let start = try starter.begin(bootstrap: list)
            tellOpened(start.storage, since: began)
            try await serve(start, group, mailbox, node)
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
            guard let start = try await wait.run(on: group) else {
                return logger.info("stopped: it was a candidate still")
            }
            tellOpened(start.storage, since: began)
            try await serve(start, group, mailbox, node)
        }
    }

    private func serve(
        _ start: NodeStart,
        _ group: MultiThreadedEventLoopGroup,
        _ mailbox: CompletionMailbox,
        _ node: HTTPNode
    ) async throws {
        let loop = group.next()
        let storage = start.storage
        let settings = self.settings
        let logger = self.logger
        let running = try await loop.submit {
            let node = RunningNode(
                settings: settings,
                start: start,
                group: group,
                logger: logger
            )
            mailbox.attach(node.driver)
            return NIOLoopBound(node, eventLoop: loop)
        }.get()
        do {
            try await loop.flatSubmit { running.value.listen() }.get()
        } catch {
            storage.close()
            throw StartError.cannotListen("\(error)")
        }
        try await loop.flatSubmit { running.value.awaitPeers(atMost: Self.peersWaitMax) }.get()
        let (up, members, epoch) = try await loop.submit {
            let driver = running.value.driver
            node.serve(driver)
            let document = driver.ring.document
            return (driver.membersUp, document.members.count, document.epoch)
        }.get()
        logger.info(
            "serving", metadata: ["members_up": "\(up) of \(members)", "epoch": "\(epoch)"])
        onReady(
            ReadyReport(
                name: settings.name,
                resp: settings.respAddress.description,
                http: settings.httpAddress?.description,
                peer: settings.peerAddress.description
            )
        )
        await waitForEnd(running, on: loop)
        onStopping()
        node.beginStop()
        try await stop(running, on: loop, storage, node)
    }

    /// Until a graceful shutdown is asked for, or this node is removed from the ring.
    private func waitForEnd(
        _ running: NIOLoopBound<RunningNode>,
        on loop: any EventLoop
    ) async {
        let (ends, end) = AsyncStream<Void>.makeStream()
        let logger = self.logger
        loop.execute {
            running.value.driver.callWhenRemoved {
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
        _ running: NIOLoopBound<RunningNode>,
        on loop: any EventLoop,
        _ storage: RocksDBEngine,
        _ node: HTTPNode
    ) async throws {
        // A third each for clients and hints leaves a third for the rest.
        let part = Interval(nanoseconds: settings.stopTimeout.nanoseconds / 3)
        let start = SystemClock.now()
        logger.info("stopping: takes no more commands")
        try await loop.submit { running.value.beginStop() }.get()
        let requests = try await loop.flatSubmit {
            running.value.finishRequests(atMost: min(part, Self.drainMax))
        }.get()
        tell("stopping: requests finished", since: start, left: requests)
        let hints = try await loop.flatSubmit {
            running.value.handOverHints(atMost: min(part, Self.drainMax))
        }.get()
        tell("stopping: hints handed over", since: start, left: hints)
        let work = try await loop.flatSubmit { running.value.settle(atMost: .seconds(1)) }.get()
        tell("stopping: work for other nodes finished", since: start, left: work)
        let (state, isEmpty) = try await loop.submit {
            node.end()
            let isEmpty = running.value.driver.shard.hasGivenAllAway
            return (running.value.stop(), isEmpty)
        }.get()
        if isEmpty { logger.notice("all that this node held is with others: it frees its disk") }
        let isClean = storage.closeClean(state: state, isEmpty: isEmpty)
        tell(isClean ? "stopped cleanly" : "stopped; the next start recovers", since: start)
    }

    private func tell(_ step: Logger.Message, since start: Instant, left: Int? = nil) {
        var metadata: Logger.Metadata = ["ms": "\(SystemClock.now().since(start).milliseconds)"]
        if let left { metadata["left"] = "\(left)" }
        logger.info(step, metadata: metadata)
    }

    private func tellOpened(_ storage: RocksDBEngine, since began: Instant) {
        let saved = storage.previousCleanState.flatMap(SavedState.init)
        var metadata: Logger.Metadata = [
            "ms": "\(SystemClock.now().since(began).milliseconds)",
            "last_stop": saved == nil ? "a crash, or there was none" : "clean",
        ]
        if let tallies = saved?.counts?.tallies {
            metadata["keys"] = "\(tallies.reduce(0) { $0 + $1.keys })"
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
