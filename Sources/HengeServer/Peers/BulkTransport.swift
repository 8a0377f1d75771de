package import HengeBase
package import HengeMessages
package import HengeRing
package import Logging
package import NIOCore
import NIOPosix

/// A node's bulk connections: records that a peer missed go over connections of their own, one a
/// direction, so that they never stand in front of requests, and compressed.
///
/// Each is dialled when there is something to send and closed when there has been nothing for a
/// while. Whether a peer is up is not for them to say. Compressing and decompressing takes
/// milliseconds a message, so it happens on a thread beside the event loop.
///
/// Confined to the event loop.
package final class BulkTransport {
    package struct Limits: Sendable {
        /// Bytes of messages, before compression, that may wait for one peer; a single larger one
        /// still goes. Beyond, messages are dropped, and whoever sent them tries again later.
        package var queuedBytesMax = 8 << 20
        /// Without a message for so long a connection is closed.
        package var idleMax = Interval.seconds(60)
        package var backoffMin = Interval.milliseconds(100)
        package var backoffMax = Interval.seconds(5)

        package init() {}
    }

    /// Numbers that only rise; bytes raw are those of encoded messages.
    package struct Counters: Hashable, Sendable {
        package var bytesRawSent = 0
        package var bytesCompressedSent = 0
        /// Of the bytes sent, those of comparisons with other nodes.
        package var entropyBytesRawSent = 0
        package var entropyBytesCompressedSent = 0
        /// Of the bytes sent, those of records handed over, for hints or after comparisons, and of
        /// the answers to such.
        package var handOffBytesRawSent = 0
        package var handOffBytesCompressedSent = 0
        package var messagesSent = 0
        package var messagesDropped = 0
        package var bytesRawReceived = 0
        package var bytesCompressedReceived = 0
        package var messagesReceived = 0
        /// Of those received, what an earlier process of the sender said of its records.
        package var messagesStale = 0
        package var malformed = 0
        package var dials = 0

        package init() {}
    }

    package let eventLoop: any EventLoop
    private(set) var hello: PeerHello
    let limits: Limits
    let compressionLevel: Int
    let logger: Logger
    /// Runs what would hold up the event loop.
    let threads = NIOThreadPool(numberOfThreads: 1)
    package internal(set) var counters = Counters()
    /// Steps the node with a message that came; nil once stopped.
    private var deliver: ((PeerMessage, BulkSource) -> Void)?
    private var links: [BulkLink] = []
    private var receivers: [(sender: NodeID, channel: any Channel)] = []
    private var jitter: SeededGenerator
    private(set) var isStopping = false

    /// - Parameters:
    ///   - hello: this node's, for whatever purpose.
    ///   - peers: the other members.
    ///   - compressionLevel: one of ``BulkCodec/levels``.
    package init(
        eventLoop: any EventLoop,
        hello: PeerHello,
        peers: [Member],
        compressionLevel: Int = BulkCodec.levelDefault,
        limits: Limits = Limits(),
        seed: UInt64,
        logger: Logger,
        deliver: @escaping (PeerMessage, BulkSource) -> Void
    ) {
        self.eventLoop = eventLoop
        var hello = hello
        hello.purpose = .bulk
        self.hello = hello
        self.limits = limits
        self.compressionLevel = compressionLevel
        self.logger = logger
        self.deliver = deliver
        jitter = SeededGenerator(seed: seed)
        links = peers.map { BulkLink(peer: $0, transport: self) }
        threads.start()
    }

    /// Counts a message that is about to be written.
    func count(sent traffic: BulkTraffic, raw: Int, compressed: Int) {
        counters.messagesSent += 1
        counters.bytesRawSent += raw
        counters.bytesCompressedSent += compressed
        switch traffic {
        case .entropy:
            counters.entropyBytesRawSent += raw
            counters.entropyBytesCompressedSent += compressed
        case .handOff:
            counters.handOffBytesRawSent += raw
            counters.handOffBytesCompressedSent += compressed
        case .other: break
        }
    }

    /// Sends a message, or drops it.
    package func send(_ message: PeerMessage, to target: NodeID) {
        eventLoop.assertInEventLoop()
        guard let link = links.first(where: { $0.peer.id == target }) else { return }
        link.send(message)
    }

    /// Bytes of messages, before compression, that wait for a peer.
    func queuedBytes(for peer: NodeID) -> Int {
        links.first { $0.peer.id == peer }?.queuedBytes ?? 0
    }

    /// Reaches the members of this ring, too, from now on.
    func adopt(_ ring: Ring) {
        hello.epoch = ring.document.epoch
        guard !isStopping else { return }
        for member in ring.allMembers where member.id != hello.node {
            guard !links.contains(where: { $0.peer.id == member.id }) else { continue }
            links.append(BulkLink(peer: member, transport: self))
        }
    }

    /// A node is no member any more: closes its connections.
    func remove(_ id: NodeID) {
        for link in links where link.peer.id == id { link.close() }
        links.removeAll { $0.peer.id == id }
        for receiver in receivers where receiver.sender == id {
            receiver.channel.close(promise: nil)
        }
    }

    /// Closes every connection and drops what waits. Whoever makes a transport has to stop it: its
    /// links hold it until then.
    package func stop() {
        isStopping = true
        for link in links { link.close() }
        // What they still have under way ends by itself.
        links.removeAll()
        deliver = nil
        for receiver in receivers { receiver.channel.close(promise: nil) }
        threads.shutdownGracefully { _ in }
    }

    /// Between half of the backoff and all of it.
    func jittered(_ backoff: Interval) -> TimeAmount {
        let half = Int(backoff.nanoseconds / 2)
        return .nanoseconds(Int64(half + jitter.below(half + 1)))
    }

    // MARK: Receiving

    /// A member has dialled: at most one connection of each is read, the newest.
    func opened(_ channel: any Channel, from sender: NodeID) {
        let old = receivers.first { $0.sender == sender }
        receivers.removeAll { $0.sender == sender }
        receivers.append((sender, channel))
        old?.channel.close(promise: nil)
    }

    func closed(_ channel: any Channel) {
        receivers.removeAll { $0.channel === channel }
    }

    func received(_ message: PeerMessage, from source: BulkSource) {
        counters.messagesReceived += 1
        deliver?(message, source)
    }

    func malformed(_ error: WireDecodeError, from sender: NodeID) {
        counters.malformed += 1
        logger.warning(
            "malformed bytes on a bulk connection; closed",
            metadata: ["peer": "\(sender)", "error": "\(error)"]
        )
    }
}

/// The process that dialled a bulk connection. What it had put on its way may come when the next
/// process of its node is connected already.
package struct BulkSource: Sendable {
    package let node: NodeID
    /// As in its handshake.
    package let life: UInt64
}
