import HengeBase
import HengeMessages
import HengeRing
import Logging
import NIOCore
import NIOPosix

/// All of a shard's connections to the shards of its number at other nodes: it accepts those of
/// members with lower ids, and dials those with higher ones again and again, with exponential
/// backoff and jitter.
///
/// Confined to the driver's event loop.
final class PeerTransport {
    static let backoffMin = Interval.milliseconds(50)
    static let backoffMax = Interval.seconds(1)
    /// With the longest wait before it, short enough that a healed cut is bridged within 3 s.
    private static let connectTimeout = TimeAmount.seconds(1)

    let driver: NodeDriver
    private let helloAtStart: PeerHello
    let bulk: BulkTransport
    /// Those that offer themselves.
    let candidates: CandidateList
    private var jitter: SeededGenerator
    private var listener: (any Channel)?
    private var isDialling = false
    private var dialBackTask: RepeatedTask?
    private var accepted: [ObjectIdentifier: any Channel] = [:]
    private(set) var isStopping = false
    private(set) var counters = Counters()

    struct Counters: Sendable {
        var malformed = 0
        var refused = 0
        var dials = 0
    }

    init(driver: NodeDriver, hello: PeerHello, seed: UInt64) {
        self.driver = driver
        helloAtStart = hello
        candidates = CandidateList(logger: driver.logger)
        jitter = SeededGenerator(seed: seed)
        bulk = BulkTransport(
            eventLoop: driver.eventLoop,
            hello: hello,
            peers: [],
            compressionLevel: driver.settings.bulkCompressionLevel,
            seed: jitter.next(),
            logger: driver.logger,
            deliver: { driver.receivedBulk($0, from: $1) }
        )
        driver.install(self)
        adopt(driver.ring)
    }

    var hello: PeerHello {
        var hello = helloAtStart
        hello.epoch = driver.ring.document.epoch
        return hello
    }

    func link(to id: NodeID) -> PeerLink? { driver.link(to: id) }

    // MARK: Listening

    /// Accepts connections from now on. Fails when the address can't be bound.
    ///
    /// - Parameter address: the node's; each shard has a port of its own behind that.
    func listen(on address: HostPort) -> EventLoopFuture<Void> {
        let transport = NIOLoopBound(self, eventLoop: driver.eventLoop)
        return ServerBootstrap(group: driver.eventLoop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
            .childChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = PeerHandler(transport: transport.value, expected: nil)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    transport.value.track(channel)
                }
            }
            .bind(host: address.host, port: Int(address.port) + driver.slice.index)
            .hop(to: driver.eventLoop)
            .map { transport.value.listener = $0 }
    }

    private func track(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        accepted[id] = channel
        let transport = NIOLoopBound(self, eventLoop: driver.eventLoop)
        channel.closeFuture.whenComplete { _ in transport.value.accepted[id] = nil }
    }

    // MARK: Dialling

    /// Has the members with higher ids dialled, from now on also those that come later.
    func dialAll() {
        isDialling = true
        for case let link? in driver.links { dialIfOurs(link) }
        dialBackTask = scheduleDialBack()
    }

    func dialIfOurs(_ link: PeerLink) {
        guard isDialling, link.peer.id > driver.node else { return }
        dial(link, backoff: Self.backoffMin)
    }

    func dial(_ link: PeerLink, backoff: Interval) {
        guard !isStopping, !link.isRetired, let node = HostPort(link.peer.peerAddress),
            let address = node.advanced(by: driver.slice.index)
        else { return }
        counters.dials += 1
        let transport = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let bound = NIOLoopBound(link, eventLoop: driver.eventLoop)
        let expected = link.peer.id
        let readsBefore = link.counters.reads
        ClientBootstrap(group: driver.eventLoop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
            .channelOption(.maxMessagesPerRead, value: 16)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = PeerHandler(transport: transport.value, expected: expected)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: address.host, port: Int(address.port))
            .flatMap { $0.closeFuture }
            .hop(to: driver.eventLoop)
            .whenComplete { _ in
                // A connection that was of use starts the backoff anew. One over which nothing came
                // after the handshake was not: who dials sees it succeed even if the other side
                // does not know this node yet.
                let wasOfUse = bound.value.counters.reads > readsBefore
                let next = wasOfUse ? Self.backoffMin : backoff
                transport.value.redial(bound.value, after: next)
            }
    }

    private func redial(_ link: PeerLink, after backoff: Interval) {
        guard !isStopping, !link.isRetired, link.peer.id > driver.node else { return }
        // Between half of the backoff and all of it, so that nodes do not dial in step.
        let half = Int(backoff.nanoseconds / 2)
        let wait = Int64(half + jitter.below(half + 1))
        let next = min(Interval(nanoseconds: backoff.nanoseconds * 2), Self.backoffMax)
        let transport = NIOLoopBound(self, eventLoop: driver.eventLoop)
        let bound = NIOLoopBound(link, eventLoop: driver.eventLoop)
        driver.eventLoop.scheduleTask(in: .nanoseconds(wait)) {
            transport.value.dial(bound.value, backoff: next)
        }
    }

    func stop() {
        isStopping = true
        dialBackTask?.cancel()
        listener?.close(promise: nil)
        for case let link? in driver.links { link.close() }
        bulk.stop()
        candidates.stop()
        for (_, channel) in accepted { channel.close(promise: nil) }
    }

    // MARK: What goes wrong

    func malformed(_ error: WireDecodeError, from address: String) {
        counters.malformed += 1
        driver.logger.warning(
            "malformed bytes from a peer; connection closed",
            metadata: ["from": .string(address), "error": "\(error)"]
        )
    }

    func refused(_ refusal: HandshakeRefusal, from address: String) {
        counters.refused += 1
        driver.logger.error(
            "peer refused: \(refusal.sentence)",
            metadata: ["from": .string(address)]
        )
    }

    func stranger(_ hello: PeerHello, from address: String) {
        counters.refused += 1
        let epoch = driver.ring.document.epoch
        let facts: Logger.Metadata = [
            "from": .string(address), "name": .string(hello.name), "id": "\(hello.node)",
            "its_epoch": "\(hello.epoch)", "epoch": "\(epoch)",
        ]
        // It tries again, and by then this node may know its ring, too.
        if hello.epoch > epoch {
            driver.logger.info("peer not known yet; its ring is newer", metadata: facts)
        } else {
            driver.logger.error("peer refused: it is no member of the ring", metadata: facts)
        }
    }
}

extension HandshakeRefusal {
    /// The refusal in words, for the log.
    var sentence: String {
        switch self {
        case .wrongCluster(let ours, let theirs):
            "it belongs to cluster \(hex(theirs)), this node to \(hex(ours)); "
                + "the bootstrap lists, --replicas and --partitions must be the same on all nodes"
        case .noCommonVersion(let ours, let theirs):
            "it speaks protocol versions \(theirs.lowerBound) to \(theirs.upperBound), "
                + "this node \(ours.lowerBound) to \(ours.upperBound)"
        case .wrongNode(let expected, let actual, let name):
            "node \(expected) was expected there, but \(name) (\(actual)) answered"
        case .otherShard(let ours, let theirs):
            ours.count == theirs.count
                ? "its shard \(theirs.index) has come to shard \(ours.index)"
                : "it runs with --shards \(theirs.count), this node with \(ours.count); "
                    + "that must be the same on all nodes"
        case .ownIdentity(let name):
            "it claims to be this very node, \(name)"
        }
    }

    private func hex(_ id: UInt64) -> String { String(id, radix: 16) }
}
