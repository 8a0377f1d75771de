import DequeModule
import HengeBase
import HengeMessages
import HengeRing
import NIOCore
import NIOPosix

/// This node's way to send bulk messages to one peer: a bounded queue and, while it has something
/// to say, a connection.
///
/// What waits when the connection breaks is dropped: by then its sender tries again.
final class BulkLink {
    private static let connectTimeout = TimeAmount.seconds(3)

    private enum State {
        case idle
        case connecting
        case open(any Channel)
        /// The last attempt failed; until the backoff is over nothing is taken.
        case backingOff
    }

    let peer: Member
    /// Strong, since a connection that ends may outlive all else that holds the transport;
    /// ``BulkTransport/stop()`` lets go of its links.
    private let transport: BulkTransport
    private var state = State.idle
    private var queue = Deque<(bytes: ByteBuffer, traffic: BulkTraffic)>()
    /// Of messages in the queue, on the thread, or not yet taken by the network.
    private(set) var queuedBytes = 0
    private var isCompressing = false
    /// Which connection what comes back belongs to.
    private var attempt = 0
    private var backoff: Interval
    private var lastUsed = SystemClock.now()

    init(peer: Member, transport: BulkTransport) {
        self.peer = peer
        self.transport = transport
        backoff = transport.limits.backoffMin
    }

    func send(_ message: PeerMessage) {
        var bytes = ByteBuffer()
        PeerMessageCodec.write(message, into: &bytes)
        let size = bytes.readableBytes
        let hasRoom = queuedBytes == 0 || queuedBytes + size <= transport.limits.queuedBytesMax
        guard hasRoom, size <= BulkCodec.rawBytesMax, !isBackingOff, !transport.isStopping else {
            transport.counters.messagesDropped += 1
            return
        }
        queue.append((bytes, BulkTraffic(message)))
        queuedBytes += size
        lastUsed = SystemClock.now()
        switch state {
        case .idle: dial()
        case .open: compressNext()
        case .connecting, .backingOff: break
        }
    }

    func close() {
        if case .open(let channel) = state { channel.close(promise: nil) }
    }

    private var isBackingOff: Bool {
        if case .backingOff = state { return true }
        return false
    }

    // MARK: The connection

    private func dial() {
        let shard = transport.hello.slice.index
        guard let address = HostPort(peer.peerAddress)?.advanced(by: shard) else { return drop() }
        state = .connecting
        attempt += 1
        transport.counters.dials += 1
        let link = NIOLoopBound(self, eventLoop: transport.eventLoop)
        ClientBootstrap(group: transport.eventLoop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let greeting = BulkGreeting(transport: link.value.transport, link: link.value)
                    try channel.pipeline.syncOperations.addHandler(greeting)
                }
            }
            .connect(host: address.host, port: Int(address.port))
            .flatMap { $0.closeFuture }
            .hop(to: transport.eventLoop)
            .whenComplete { _ in link.value.ended() }
    }

    /// The peer has said who it is.
    func opened(_ channel: any Channel) {
        guard case .connecting = state, !transport.isStopping else {
            return channel.close(promise: nil)
        }
        state = .open(channel)
        backoff = transport.limits.backoffMin
        closeWhenIdle(channel, after: transport.limits.idleMax)
        compressNext()
    }

    /// The connection is gone, or could not be made.
    private func ended() {
        let wasIdle = queuedBytes == 0
        drop()
        attempt += 1
        isCompressing = false
        guard !transport.isStopping else { return }
        if case .open = state, wasIdle {
            state = .idle
            return
        }
        state = .backingOff
        let link = NIOLoopBound(self, eventLoop: transport.eventLoop)
        transport.eventLoop.scheduleTask(in: transport.jittered(backoff)) {
            link.value.state = .idle
        }
        backoff = min(Interval(nanoseconds: backoff.nanoseconds * 2), transport.limits.backoffMax)
    }

    private func drop() {
        transport.counters.messagesDropped += queue.count
        queue.removeAll()
        queuedBytes = 0
    }

    private func closeWhenIdle(_ channel: any Channel, after wait: Interval) {
        let link = NIOLoopBound(self, eventLoop: transport.eventLoop)
        transport.eventLoop.scheduleTask(in: .nanoseconds(Int64(wait.nanoseconds))) {
            guard channel.isActive else { return }
            let idle = SystemClock.now().since(link.value.lastUsed)
            let limit = link.value.transport.limits.idleMax
            if idle >= limit, link.value.queuedBytes == 0 {
                channel.close(promise: nil)
            } else {
                let rest = idle < limit ? limit.nanoseconds - idle.nanoseconds : limit.nanoseconds
                link.value.closeWhenIdle(
                    channel, after: Interval(nanoseconds: max(rest, 1_000_000)))
            }
        }
    }

    // MARK: Sending

    /// Has the next message compressed, if the network takes more: one at a time, so that what is
    /// ready and unsent stays small.
    func compressNext() {
        guard case .open(let channel) = state, !isCompressing, channel.isWritable,
            let (message, traffic) = queue.popFirst()
        else { return }
        isCompressing = true
        let attempt = attempt
        let size = message.readableBytes
        let level = transport.compressionLevel
        let link = NIOLoopBound(self, eventLoop: transport.eventLoop)
        transport.threads
            .runIfActive(eventLoop: transport.eventLoop) {
                BulkCodec.frame(message, level: level)
            }
            .whenSuccess { link.value.write($0, of: size, traffic, attempt: attempt) }
    }

    private func write(
        _ frame: ByteBuffer,
        of size: Int,
        _ traffic: BulkTraffic,
        attempt: Int
    ) {
        guard case .open(let channel) = state, self.attempt == attempt else { return }
        isCompressing = false
        transport.count(sent: traffic, raw: size, compressed: frame.readableBytes)
        let link = NIOLoopBound(self, eventLoop: transport.eventLoop)
        channel.writeAndFlush(frame).whenSuccess {
            guard link.value.attempt == attempt else { return }
            link.value.queuedBytes -= size
            link.value.lastUsed = SystemClock.now()
        }
        compressNext()
    }
}
