import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import Logging
import NIOCore
import NIOPosix

/// A node's shards, each on an event loop of its own, started and stopped together.
struct RunningNode: Sendable {
    private let shards: [NIOLoopBound<RunningShard>]
    private let loops: MultiThreadedEventLoopGroup
    private let settings: NodeSettings

    var first: NIOLoopBound<RunningShard> { shards[0] }

    /// - Parameters:
    ///   - loops: one a shard.
    ///   - mailboxes: by shard.
    init(
        _ common: RunningShard.Common,
        on loops: MultiThreadedEventLoopGroup,
        _ mailboxes: [CompletionMailbox]
    ) async throws {
        var shards: [NIOLoopBound<RunningShard>] = []
        var drivers: [NIOLoopBound<NodeDriver>] = []
        for (index, mailbox) in mailboxes.enumerated() {
            let slice = ShardSlice(index: index, count: mailboxes.count)
            let loop = mailbox.eventLoop
            let (shard, driver) = try await loop.submit {
                let shard = RunningShard(common, slice: slice, eventLoop: loop)
                mailbox.attach(shard.driver)
                return (
                    NIOLoopBound(shard, eventLoop: loop),
                    NIOLoopBound(shard.driver, eventLoop: loop)
                )
            }.get()
            shards.append(shard)
            drivers.append(driver)
        }
        self.shards = shards
        self.loops = loops
        settings = common.settings
        let group = ShardGroup(drivers: drivers)
        try await onEach { $0.driver.join(group) }
    }

    /// All shards' drivers.
    func group() async throws -> ShardGroup {
        try await first.eventLoop.submit { first.value.driver.group }.get()
    }

    /// Accepts peers' and then clients' connections. Fails when an address can't be bound.
    func listen() async throws {
        try await whenEach { $0.listenToPeers() }
        try await onEach { $0.start() }
        var listeners: [NIOLoopBound<ClientListener>] = []
        for shard in shards {
            let listener = try await shard.eventLoop.submit {
                NIOLoopBound(shard.value.clients, eventLoop: shard.eventLoop)
            }.get()
            listeners.append(listener)
        }
        let address = settings.respAddress
        try await first.eventLoop.flatSubmit { [first, listeners, loops] in
            first.value.clients.listen(on: address, for: listeners, loops)
        }.get()
    }

    /// Waits until a majority of the members see each other, or `limit` is over.
    func awaitPeers(atMost limit: Interval) async throws {
        try await whenEach { $0.awaitPeers(atMost: limit) }
    }

    // MARK: Stopping

    func beginStop() async throws {
        try await onEach { $0.beginStop() }
    }

    /// - Returns: requests without an answer.
    func finishRequests(atMost limit: Interval) async throws -> Int {
        try await whenEach { $0.finishRequests(atMost: limit) }.reduce(0, +)
    }

    /// - Returns: hints for nodes that are up and have not got them.
    func handOverHints(atMost limit: Interval) async throws -> Int {
        try await whenEach { $0.handOverHints(atMost: limit) }.reduce(0, +)
    }

    /// - Returns: what is not done.
    func settle(atMost limit: Interval) async throws -> Int {
        try await whenEach { $0.settle(atMost: limit) }.reduce(0, +)
    }

    /// Closes every connection.
    ///
    /// - Returns: by shard, what a clean stop saves; and whether nothing is left of what the node
    ///   held, which is in the ring no more.
    func stop() async throws -> (states: [ByteBuffer], isEmpty: Bool) {
        let ends = try await onEach { shard in
            let isEmpty = shard.driver.shard.hasGivenAllAway
            return (shard.stop(), isEmpty)
        }
        return (ends.map(\.0), ends.allSatisfy(\.1))
    }

    // MARK: Each on its loop

    @discardableResult
    private func onEach<Result: Sendable>(
        _ body: @escaping @Sendable (RunningShard) -> Result
    ) async throws -> [Result] {
        let results = shards.map { shard in shard.eventLoop.submit { body(shard.value) } }
        return try await EventLoopFuture.whenAllSucceed(results, on: first.eventLoop).get()
    }

    @discardableResult
    private func whenEach<Result: Sendable>(
        _ body: @escaping @Sendable (RunningShard) -> EventLoopFuture<Result>
    ) async throws -> [Result] {
        let results = shards.map { shard in shard.eventLoop.flatSubmit { body(shard.value) } }
        return try await EventLoopFuture.whenAllSucceed(results, on: first.eventLoop).get()
    }
}
