import HengeBase
import HengeMessages
import HengeRing
import HengeStorage
import Logging
import NIOCore
import NIOPosix

/// A candidate's way to one member, dialled again and again.
final class CandidateLink {
    private static let connectTimeout = TimeAmount.seconds(2)

    let address: HostPort
    /// The node lets go of its links when it stops.
    private let node: CandidateNode
    private var channel: (any Channel)?
    private var backoff = CandidateNode.backoffMin
    /// What was last said to the log, so that it is said once.
    private var complaint: String?

    init(address: HostPort, node: CandidateNode) {
        self.address = address
        self.node = node
    }

    var isOpen: Bool { channel != nil }

    func dial() {
        guard !node.isStopped else { return }
        let link = NIOLoopBound(self, eventLoop: node.eventLoop)
        ClientBootstrap(group: node.eventLoop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = CandidateHandler(node: link.value.node, link: link.value)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: address.host, port: Int(address.port))
            .flatMap { $0.closeFuture }
            .hop(to: node.eventLoop)
            .whenComplete { result in
                if case .failure(let error) = result {
                    link.value.complain("it can't be reached", "\(error)")
                }
                link.value.channel = nil
                link.value.node.ended(link.value)
            }
    }

    func redial(after wait: TimeAmount) {
        let link = NIOLoopBound(self, eventLoop: node.eventLoop)
        node.eventLoop.scheduleTask(in: wait) { link.value.dial() }
    }

    /// How long to wait now; longer each time.
    func takeBackoff() -> Interval {
        defer {
            let twice = Interval(nanoseconds: backoff.nanoseconds * 2)
            backoff = min(twice, CandidateNode.backoffMax)
        }
        return backoff
    }

    /// A ring has come through this connection.
    func opened(_ channel: any Channel) {
        guard !node.isStopped else { return channel.close(promise: nil) }
        if self.channel == nil {
            node.logger.info("member reached", metadata: ["at": .string(address.description)])
        }
        self.channel = channel
        backoff = CandidateNode.backoffMin
        complaint = nil
    }

    func complain(_ what: String, _ details: String) {
        guard !node.isStopped, complaint != what else { return }
        complaint = what
        node.logger.warning(
            "not taken as a candidate yet, trying again: \(what)",
            metadata: ["at": .string(address.description), "details": .string(details)]
        )
    }

    func close() {
        channel?.close(promise: nil)
    }
}

/// Reads what a member says to a candidate, and tells it at regular times that the candidate is
/// there.
final class CandidateHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let helloBytesMax = 4096

    private let node: CandidateNode
    private let link: CandidateLink
    private var buffer = ByteBuffer()
    private var isGreeted = false
    private var lastRead = SystemClock.now()
    private var beats: RepeatedTask?

    init(node: CandidateNode, link: CandidateLink) {
        self.node = node
        self.link = link
    }

    func channelActive(context: ChannelHandlerContext) {
        var out = ByteBuffer()
        Frame.write(into: &out) { node.hello.write(into: &$0) }
        context.writeAndFlush(wrapOutboundOut(out), promise: nil)
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let channel = context.channel
        let interval = CandidateReceiver.interval
        beats = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) {
            _ in handler.value.beat(channel)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        beats?.cancel()
        beats = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var incoming = unwrapInboundIn(data)
        lastRead = SystemClock.now()
        buffer.writeBuffer(&incoming)
        do throws(WireDecodeError) {
            while let payload = try nextFrame() { try take(payload, context.channel) }
        } catch {
            buffer = ByteBuffer()
            link.complain("it speaks another language", "\(error)")
            context.close(promise: nil)
        }
        buffer.discardReadBytes()
    }

    private func nextFrame() throws(WireDecodeError) -> ByteBuffer? {
        guard isGreeted else {
            return try Frame.read(from: &buffer, payloadMax: Self.helloBytesMax)
        }
        return try Frame.read(from: &buffer)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func take(_ payload: ByteBuffer, _ channel: any Channel) throws(WireDecodeError) {
        guard isGreeted else { return greet(try PeerHello.read(payload), channel) }
        switch try CandidateMessage.read(payload) {
        case .ring(let document):
            guard node.learned(document, from: link.address) else {
                return channel.close(promise: nil)
            }
            link.opened(channel)
        case .refused(let reason):
            link.complain(reason, "a member refuses it")
            channel.close(promise: nil)
        case .epoch: break
        case .disk: throw .invalidField("a member does not say this")
        }
    }

    private func greet(_ hello: PeerHello, _ channel: any Channel) {
        isGreeted = true
        do throws(HandshakeRefusal) {
            _ = try node.hello.agree(withCandidacy: hello)
        } catch {
            link.complain(error.sentence, "a member at this address")
            channel.close(promise: nil)
        }
    }

    private func beat(_ channel: any Channel) {
        guard SystemClock.now().since(lastRead) < CandidateReceiver.silenceMax else {
            return channel.close(promise: nil)
        }
        let space = StoreDirectory.space(node.settings.dataDirectory)
        let message = CandidateMessage.disk(free: space.free, total: space.total)
        var out = ByteBuffer()
        Frame.write(into: &out) { message.write(into: &$0) }
        channel.writeAndFlush(out, promise: nil)
    }
}
