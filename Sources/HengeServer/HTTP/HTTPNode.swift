package import HengeMessages
import HengeNode
package import HengeRing
package import Hummingbird
import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix

/// The node, as HTTP routes see it: whether it serves, and a way onto its event loop and back.
///
/// Routes run on other threads. The node's shard, driver and all of their state belong to the
/// node's event loop; what comes back from there is values.
package final class HTTPNode: Sendable {
    private enum State {
        case starting
        /// It waits to be taken into a cluster.
        case candidate
        case serving(ShardGroup)
        case stopping
    }

    private struct Shared {
        var state = State.starting
        var replicas: Int
        /// What the node owes, so that nobody waits for a loop that turns no more.
        var owed: [UInt64: @Sendable (any Error) -> Void] = [:]
        var lastID: UInt64 = 0
    }

    package let settings: NodeSettings
    private let shared: NIOLockedValueBox<Shared>
    private let sloppyBuckets: Set<ByteBuffer>
    private let bodyBytes = NIOLockedValueBox(0)

    package init(settings: NodeSettings) {
        self.settings = settings
        shared = NIOLockedValueBox(Shared(replicas: settings.replicas))
        sloppyBuckets = Set(settings.sloppyBuckets.map { ByteBuffer(string: $0) })
    }

    /// N.
    package var replicas: Int { shared.withLockedValue { $0.replicas } }

    /// Whether requests on the bucket are sloppy where they don't say.
    package func isSloppy(_ bucket: ByteBuffer) -> Bool { sloppyBuckets.contains(bucket) }

    // MARK: Lifecycle

    /// The node serves from now on.
    func serve(_ group: ShardGroup, replicas: Int) {
        shared.withLockedValue { shared in
            shared.state = .serving(group)
            shared.replicas = replicas
        }
    }

    /// The node has started, and waits to be taken into a cluster.
    func wait() {
        shared.withLockedValue { $0.state = .candidate }
    }

    /// Routes that need the node answer 503 from now on.
    func beginStop() {
        let before = shared.withLockedValue { shared in
            defer { shared.state = .stopping }
            return shared.state
        }
        // Who listens would hold up the end of the server.
        guard case .serving(let group) = before else { return }
        let driver = group[0]
        driver.eventLoop.execute { driver.value.clusterWatch.close() }
    }

    /// Fails what is not answered. Called on the driver's event loop, before it ends.
    func end() {
        let owed = shared.withLockedValue { shared in
            shared.state = .stopping
            defer { shared.owed = [:] }
            return shared.owed
        }
        for (_, fail) in owed { fail(Self.stops) }
    }

    private static let stops = HTTPFailure.busy("the node stops; ask another one")

    /// In a word: starting, candidate, serving or stopping.
    package var condition: String {
        switch shared.withLockedValue({ $0.state }) {
        case .starting: NodePhase.starting.rawValue
        case .candidate: "candidate"
        case .serving: NodePhase.serving.rawValue
        case .stopping: NodePhase.stopping.rawValue
        }
    }

    /// Whether the start is over: the node serves, or waits for a cluster to take it in.
    package var hasStarted: Bool {
        if case .starting = shared.withLockedValue({ $0.state }) { false } else { true }
    }

    /// - Parameter token: whose shard it is to be; the first one if nil.
    private static func driver(
        _ state: State,
        for token: Token? = nil
    ) throws(HTTPFailure) -> NIOLoopBound<NodeDriver> {
        switch state {
        case .starting: throw .busy("the node starts; try again later")
        case .candidate: throw .busy("the node is in no cluster yet: henge ring add takes it in")
        case .serving(let group):
            return group[token.map { ShardSlice.index(of: $0, count: group.count) } ?? 0]
        case .stopping: throw stops
        }
    }

    private func driver() throws(HTTPFailure) -> NIOLoopBound<NodeDriver> {
        try Self.driver(shared.withLockedValue { $0.state })
    }

    // MARK: Onto the loop and back

    /// Runs `body` on the event loop of the first shard, where it must not wait for anything, once
    /// that knows the other shards' figures.
    ///
    /// - Throws: what `body` throws, or a 503 when the node does not serve.
    package func onLoop<R: Sendable>(
        _ body: @escaping @Sendable (NodeDriver) throws -> R
    ) async throws -> R {
        let driver = try self.driver()
        return try await driver.eventLoop.flatSubmit {
            driver.value.refreshFigures().flatMapThrowing { try body(driver.value) }
        }.get()
    }

    /// Has one request on one key carried out, on the same path and under the same bounds as a
    /// command of RESP.
    ///
    /// - Returns: its answer, at the latest when its time is over.
    package func submit(_ request: ClientRequest) async throws -> ClientResponse {
        try await explain(request).response
    }

    /// As ``submit(_:)``, with the explanation if the request asks for one.
    func explain(
        _ request: ClientRequest
    ) async throws -> (response: ClientResponse, explanation: Explanation?) {
        let token = request.key.token
        let answer = try await waiting(for: token) { $0.submit(request, for: $1) }
        switch answer {
        case .response(let response): return (response, nil)
        case .explained(let response, let explanation): return (response, explanation)
        case .page, .count: preconditionFailure("a page or a count for a request on a key")
        }
    }

    /// The keys of a stretch of the ring, each once, from whichever replicas are up.
    ///
    /// - Throws: ``HTTPFailure`` when not enough of them answer.
    package func scan(_ range: ScanRange) async throws -> ScanPage {
        switch try await waiting(for: range.from, { $0.scan(range, for: $1) }) {
        case .page(let page): return page
        case .response(.failed(let failure)): throw HTTPFailure(failure, isWrite: false)
        case .response, .explained, .count: preconditionFailure("not an answer to a scan")
        }
    }

    /// Has the node begin something that ends later, with the promise that it is given.
    ///
    /// - Parameter token: whose shard it is for; the first one's if nil.
    /// - Throws: what the promise fails with, or a 503 when the node does not serve, or no more.
    package func waiting<Answer: Sendable>(
        for token: Token? = nil,
        _ begin: @escaping @Sendable (NodeDriver, EventLoopPromise<Answer>) -> Void
    ) async throws -> Answer {
        let (driver, id, promise) = try shared.withLockedValue { shared in
            let driver = try Self.driver(shared.state, for: token)
            // On the loop that the caller runs on, if it is one, it goes on there (LoopExecutor).
            let home = MultiThreadedEventLoopGroup.currentEventLoop ?? driver.eventLoop
            let promise = home.makePromise(of: Answer.self)
            shared.lastID += 1
            shared.owed[shared.lastID] = { promise.fail($0) }
            return (driver, shared.lastID, promise)
        }
        defer { shared.withLockedValue { $0.owed[id] = nil } }
        driver.eventLoop.execute { begin(driver.value, promise) }
        return try await promise.futureResult.get()
    }

    /// Whether the node serves and its event loop turns.
    package func isReady(_ eventLoop: any EventLoop) async -> Bool {
        guard let driver = try? self.driver() else { return false }
        let answer = eventLoop.makePromise(of: Bool.self)
        let limit = TimeAmount.nanoseconds(Int64(settings.http.probeMax.nanoseconds))
        // Whichever comes first: a promise takes its first value.
        let timer = eventLoop.scheduleTask(in: limit) { answer.succeed(false) }
        driver.eventLoop.execute {
            let isServing = driver.value.phase == .serving
            eventLoop.execute { answer.succeed(isServing) }
        }
        let isReady = (try? await answer.futureResult.get()) ?? false
        timer.cancel()
        return isReady
    }

    // MARK: Bodies

    /// Reads the body of a request into one buffer.
    ///
    /// - Parameter limit: its bytes at most; more are answered 413.
    package func body(of request: Request, upTo limit: Int) async throws -> ByteBuffer {
        let declared = request.headers[.contentLength].flatMap { Int($0) }
        if let declared, declared > limit { throw HTTPFailure.tooLarge(declared, limit: limit) }
        // One that does not say how long it is may become as long as it may be.
        let share = declared ?? limit
        let max = settings.http.bodyBytesMax
        let fits = bodyBytes.withLockedValue { bytes in
            guard bytes == 0 || bytes + share <= max else { return false }
            bytes += share
            return true
        }
        guard fits else {
            var failure = HTTPFailure.busy("too many large requests are arriving at once")
            failure.headers[.connection] = "close"
            throw failure
        }
        defer { bodyBytes.withLockedValue { $0 -= share } }
        do {
            return try await request.body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw HTTPFailure.tooLarge(limit + 1, limit: limit)
        }
    }
}
