import HengeBase
import HengeRing
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Serves HTTP, from before the node serves until after it has stopped, on threads of its own: a
/// node that is busy or stuck still tells that it lives, and a slow page holds up no request.
struct HTTPServer: Sendable {
    /// As the header `Server` says it.
    static let name = "Henge"

    private static let backlog = 1024
    private static let threadsMax = 4

    private let group: MultiThreadedEventLoopGroup
    private let executor: LoopExecutor
    private let services: ServiceGroup
    private let task: Task<Void, any Error>

    /// Accepts connections when it returns.
    ///
    /// - Throws: when the address can't be bound.
    static func start(
        on address: HostPort,
        node: HTTPNode,
        logger: Logger
    ) async throws -> HTTPServer {
        let threads = min(System.coreCount, threadsMax)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let (bound, continuation) = AsyncThrowingStream<Void, any Error>.makeStream()
        var quiet = logger
        // Hummingbird tells of each start and stop what the node's own log tells, too.
        quiet.logLevel = max(logger.logLevel, .notice)
        let executor = LoopExecutor(group)
        let objects = ObjectDispatch(node)
        let lanes = LaneChannel.Lanes(
            responder: ObjectResponder(objects, node.settings),
            executor: executor
        )
        let configuration = channel(node.settings.http)
        let application = Application(
            responder: HTTPRouteList.router(node, objects).buildResponder(),
            server: HTTPServerBuilder { responder in
                LaneChannel(
                    base: HTTP1Channel(responder: responder, configuration: configuration),
                    lanes: lanes
                )
            },
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: Int(address.port)),
                serverName: name,
                backlog: backlog
            ),
            onServerRunning: { _ in continuation.finish() },
            eventLoopGroupProvider: .shared(group),
            logger: quiet
        )
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [application], logger: quiet)
        )
        // Detached: a stop of the node must not reach it before the node says so.
        let task = Task.detached(executorPreference: executor) {
            do {
                try await services.run()
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
                throw error
            }
        }
        let server = HTTPServer(
            group: group,
            executor: executor,
            services: services,
            task: task
        )
        do {
            for try await _ in bound {}
        } catch {
            await server.stop(atMost: .seconds(1))
            throw error
        }
        return server
    }

    private static func channel(_ limits: HTTPLimits) -> HTTP1Channel.Configuration {
        let connections = HTTPConnectionCount()
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: [HTTPGuard(limits: limits, connections: connections)],
            idleTimeout: .nanoseconds(Int64(limits.idleMax.nanoseconds)),
            httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                maxHeaderFieldSize: limits.fieldBytesMax,
                maxHeaderListSize: limits.headBytesMax,
                maxHeaderFieldCount: limits.fieldsMax
            )
        )
    }

    /// Takes no more requests and finishes those that have begun; what is left after `limit` is
    /// cancelled, and closed after as long again.
    func stop(atMost limit: Interval) async {
        await services.triggerGracefulShutdown()
        if await !hasEnded(within: limit) {
            task.cancel()
            _ = await hasEnded(within: limit)
        }
        executor.retire()
        // Not before: whoever waits for something of a loop that has ended waits for ever.
        try? await group.shutdownGracefully()
    }

    private func hasEnded(within limit: Interval) async -> Bool {
        let loop = group.next()
        let task = self.task
        let answer = loop.makePromise(of: Bool.self)
        // Whichever comes first: a promise takes its first value.
        let timer = loop.scheduleTask(in: .nanoseconds(Int64(limit.nanoseconds))) {
            answer.succeed(false)
        }
        Task.detached {
            _ = await task.result
            answer.succeed(true)
        }
        defer { timer.cancel() }
        return (try? await answer.futureResult.get()) ?? false
    }
}
