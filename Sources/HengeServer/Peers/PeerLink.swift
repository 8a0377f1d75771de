import HengeBase
import HengeMessages
import HengeRing
import Logging
import NIOCore

/// This node's link to one other member: at most one connection, which the member with the lower id
/// dials.
///
/// Messages of one turn go out in one write. While there is no connection the shard knows the peer
/// to be down and sends nothing; what slips through in between is dropped, as the network would.
final class PeerLink {
    /// Bytes that may wait for a peer that does not read. Beyond, the connection is given up: what
    /// waits would be late for its deadline anyway.
    static let queuedBytesMax = 64 * 1024 * 1024
    /// Bytes that wait, from which on the peer is behind.
    static let behindBytes = queuedBytesMax / 2
    /// Larger buffers are let go after a flush instead of being kept for the next turn.
    private static let keptBytesMax = 1024 * 1024

    let peer: Member
    /// Unowned, since the driver holds its links. Whatever else holds one, a dial or a handler of a
    /// connection, holds the ``PeerTransport`` too, and that holds the driver.
    private unowned let driver: NodeDriver
    private var channel: (any Channel)?
    // Unchecked, as in NodeDriver, is what each message touches (decision 0033): none is held while
    // the driver or the channel is called.
    @exclusivity(unchecked) private var out = ByteBuffer()
    @exclusivity(unchecked) private var isDirty = false
    /// While the channel is written to: it may tell in the middle of that that it can take more.
    private var isWriting = false
    /// Whether the peer reads more slowly than this node has to tell it.
    private var isBehind = false {
        didSet { if isBehind != oldValue { driver.linksBehind += isBehind ? 1 : -1 } }
    }
    /// What has been noticed of ``counters`` at the last round of gossip.
    private var noticed = Counters()
    /// The last handshake, kept while the peer is away: its clients' address does not change for
    /// that.
    private(set) var lastHello: PeerHello?
    /// The peer is no member any more: it is not dialled again.
    var isRetired = false
    /// There was no connection when this was last looked at.
    var isMissed = false
    @exclusivity(unchecked) private(set) var counters = Counters()

    struct Counters: Sendable {
        var connections = 0
        var messagesSent = 0
        var bytesSent = 0
        var messagesDropped = 0
        /// Pieces that came, of any length; only whether it rises counts.
        var reads = 0
    }

    /// What went on since this was last asked.
    enum Traffic {
        case none
        /// Something came.
        case heard
        /// Something was sent and nothing came.
        case asked
    }

    init(peer: Member, driver: NodeDriver) {
        self.peer = peer
        self.driver = driver
    }

    var isOpen: Bool { channel != nil }

    /// Bytes that wait for the peer to read.
    var queuedBytes: Int { out.readableBytes }

    /// Which process of the peer is at the other end; nil while there is no connection.
    var life: UInt64? { channel == nil ? nil : lastHello?.life }

    /// Takes over a connection whose handshake is done; an older one is closed.
    func attach(_ channel: any Channel, hello: PeerHello) {
        if let old = self.channel {
            detach(old)
            old.close(promise: nil)
        }
        self.channel = channel
        lastHello = hello
        counters.connections += 1
        empty()
        driver.connected(peer.id, life: hello.life)
    }

    /// The connection has closed.
    func detach(_ channel: any Channel) {
        guard self.channel === channel else { return }
        self.channel = nil
        empty()
        driver.disconnected(peer.id)
    }

    /// Bytes of a message came.
    func received() {
        counters.reads += 1
    }

    /// For the failure detector, once a round: so that requests cost it a count and no more.
    func takeTraffic() -> Traffic {
        defer { noticed = counters }
        guard counters.reads == noticed.reads else { return .heard }
        return counters.messagesSent == noticed.messagesSent ? .none : .asked
    }

    func send(_ message: PeerMessage) {
        guard let channel else {
            counters.messagesDropped += 1
            return
        }
        Frame.write(into: &out) { PeerMessageCodec.write(message, into: &$0) }
        counters.messagesSent += 1
        if out.readableBytes > Self.behindBytes, !isBehind { isBehind = !channel.isWritable }
        if !isDirty {
            isDirty = true
            driver.flushLater(self)
        }
    }

    /// Writes what the turn has gathered, unless the peer is slow to read; then more is gathered.
    func flush() {
        isDirty = false
        guard let channel, out.readableBytes > 0, !isWriting else { return }
        guard channel.isWritable else {
            if out.readableBytes > Self.queuedBytesMax {
                driver.logger.warning(
                    "peer does not keep up; closing its connection",
                    metadata: [
                        "peer": .string(peer.name), "queued_bytes": "\(out.readableBytes)",
                    ]
                )
                detach(channel)
                channel.close(promise: nil)
            }
            return
        }
        counters.bytesSent += out.readableBytes
        isWriting = true
        channel.writeAndFlush(out, promise: nil)
        isWriting = false
        empty()
    }

    private func empty() {
        // `clear` keeps the storage when the write is already done, and takes a new one otherwise.
        if out.capacity > Self.keptBytesMax { out = ByteBuffer() } else { out.clear() }
        isBehind = false
    }

    func close() {
        channel?.close(promise: nil)
    }

    /// Ends the connection without waiting for the peer, which may be past answering.
    func giveUp() {
        guard let channel else { return }
        detach(channel)
        channel.close(promise: nil)
    }
}
