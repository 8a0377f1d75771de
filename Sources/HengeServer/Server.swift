import HengeBase
import HengeMessages
import HengeNode
import HengeRing
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

    private let settings: NodeSettings
    private let logger: Logger
    /// Called once when clients are served, with the addresses.
    private let onReady: @Sendable (ReadyReport) -> Void
    /// Called once when the stop begins.
    private let onStopping: @Sendable () -> Void

    package init(
        settings: NodeSettings,
        logger: Logger,
        onStopping: @escaping @Sendable () -> Void = {},
        onReady: @escaping @Sendable (ReadyReport) -> Void
    ) {
        self.settings = settings
        self.logger = logger
        self.onReady = onReady
        self.onStopping = onStopping
    }

    /// Runs until a graceful shutdown is asked for.
    ///
    /// - Throws: ``StartError`` when the node can't start; its description tells what to do.
    package func run() async throws {
        let ring = Ring(try bootstrapDocument())
        guard let member = ring.member(named: settings.name) else {
            throw StartError.notInBootstrap(name: settings.name)
        }
        FileLimit.raise(logger: logger)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(ring, member, group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func serve(
        _ ring: Ring,
        _ member: Member,
        _ group: MultiThreadedEventLoopGroup
    ) async throws {
        let loop = group.next()
        let mailbox = CompletionMailbox(eventLoop: loop)
        let began = SystemClock.now()
        let storage = try openStorage(ring, deliver: mailbox.deliver)
        tellOpened(storage, since: began)
        let settings = self.settings
        let logger = self.logger
        let running = try await loop.submit {
            let node = RunningNode(
                settings: settings,
                ring: ring,
                member: member,
                storage: storage,
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
        let membersUp = try await loop.submit { running.value.driver.membersUp }.get()
        logger.info(
            "serving",
            metadata: ["members_up": "\(membersUp) of \(ring.document.members.count)"]
        )
        onReady(
            ReadyReport(
                name: settings.name,
                resp: settings.respAddress.description,
                peer: settings.peerAddress.description
            )
        )
        try? await gracefulShutdown()
        onStopping()
        try await stop(running, on: loop, storage)
    }

    private func stop(
        _ running: NIOLoopBound<RunningNode>,
        on loop: any EventLoop,
        _ storage: RocksDBEngine
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
        let state = try await loop.submit { running.value.stop() }.get()
        let isClean = storage.closeClean(state: state)
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

    private func bootstrapDocument() throws(StartError) -> RingDocument {
        do throws(RingError) {
            return try RingDocument.bootstrap(
                settings.bootstrap,
                replicas: settings.replicas,
                partitions: settings.partitions
            )
        } catch {
            throw .badRing("\(error)")
        }
    }

    private func openStorage(
        _ ring: Ring,
        deliver: @escaping @Sendable ([StorageCompletion]) -> Void
    ) throws(StartError) -> RocksDBEngine {
        var options = RocksDBEngine.Options(
            directory: settings.dataDirectory,
            partitionBits: ring.partitionBits
        )
        options.durability = settings.durability
        options.blockCacheBytes = settings.blockCacheBytes
        let identity = StoreIdentity(
            clusterID: ring.document.clusterID,
            nodeName: settings.name
        )
        do throws(StoreOpenError) {
            return try RocksDBEngine.open(
                options,
                identity: identity,
                logger: logger,
                deliver: deliver
            )
        } catch {
            throw .cannotOpenData("\(error)")
        }
    }
}

/// Where a node serves, for its `ready` line.
package struct ReadyReport: Hashable, Sendable {
    package var name: String
    package var resp: String
    package var peer: String
}

/// Why a node did not start.
package enum StartError: Error, Hashable, Sendable, CustomStringConvertible {
    case notInBootstrap(name: String)
    case badRing(String)
    case cannotOpenData(String)
    case cannotListen(String)

    package var description: String {
        switch self {
        case .notInBootstrap(let name):
            "node \(name) is not in the bootstrap list; add \(name)=HOST:PEERPORT to --bootstrap"
        case .badRing(let reason): "the ring can't be made: \(reason)"
        case .cannotOpenData(let reason): reason
        case .cannotListen(let reason): "can't listen: \(reason)"
        }
    }
}
