import HengeBase
import HengeMessages
import HengeRing
import Logging
import NIOCore

/// Reads frames of one connection between nodes: first the handshake, then messages.
///
/// Whatever is malformed closes the connection and is counted; it harms nothing else.
final class PeerHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A connection that has not shaken hands by then is closed.
    static let handshakeTimeout = TimeAmount.seconds(5)
    /// A handshake is small, and a stranger may not make us gather more.
    private static let helloBytesMax = 4096

    private enum State {
        case greeting
        case talking(PeerLink)
        case closed
    }

    private let transport: PeerTransport
    /// The member that was dialled; nil on a connection that was accepted.
    private let expected: NodeID?
    // Unchecked, as in NodeDriver (decision 0033): none is held while a message is handed on.
    @exclusivity(unchecked) private var state = State.greeting
    @exclusivity(unchecked) private var buffer = ByteBuffer()

    init(transport: PeerTransport, expected: NodeID?) {
        self.transport = transport
        self.expected = expected
    }

    func channelActive(context: ChannelHandlerContext) {
        var hello = context.channel.allocator.buffer(capacity: 256)
        Frame.write(into: &hello) { transport.hello.write(into: &$0) }
        context.writeAndFlush(wrapOutboundOut(hello), promise: nil)
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: Self.handshakeTimeout) {
            if case .greeting = handler.value.state { channel.close(promise: nil) }
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var incoming = unwrapInboundIn(data)
        if case .talking(let link) = state { link.received() }
        if buffer.readableBytes == 0 { buffer = incoming } else { buffer.writeBuffer(&incoming) }
        do throws(WireDecodeError) {
            while let payload = try nextFrame() { try take(payload, context) }
        } catch {
            transport.malformed(error, from: description(of: context.channel))
            close(context)
            return
        }
        compact()
    }

    func channelInactive(context: ChannelHandlerContext) {
        hangUp(context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .talking(let link) = state, context.channel.isWritable { link.flush() }
        context.fireChannelWritabilityChanged()
    }

    private func nextFrame() throws(WireDecodeError) -> ByteBuffer? {
        switch state {
        case .greeting: try Frame.read(from: &buffer, payloadMax: Self.helloBytesMax)
        case .talking: try Frame.read(from: &buffer)
        case .closed: nil
        }
    }

    private func take(
        _ payload: ByteBuffer,
        _ context: ChannelHandlerContext
    ) throws(WireDecodeError) {
        switch state {
        case .greeting:
            greet(try PeerHello.read(payload), context)
        case .talking(let link):
            transport.driver.received(try PeerMessageCodec.read(payload), from: link.peer.id)
        case .closed:
            break
        }
    }

    private func greet(_ hello: PeerHello, _ context: ChannelHandlerContext) {
        let candidate = expected == nil ? Candidate(hello, since: transport.driver.now) : nil
        do throws(HandshakeRefusal) {
            if candidate != nil {
                _ = try transport.hello.agree(withCandidacy: hello)
            } else {
                _ = try transport.hello.agree(with: hello, expected: expected)
            }
        } catch {
            transport.refused(error, from: description(of: context.channel))
            return close(context)
        }
        if let candidate {
            let receiver = CandidateReceiver(transport: transport, candidate: candidate)
            return handOver(to: receiver, context)
        }
        guard let link = transport.link(to: hello.node), link.peer.name == hello.name else {
            transport.stranger(hello, from: description(of: context.channel))
            return turnAway(hello, context)
        }
        if expected == nil, hello.purpose == .bulk {
            let source = BulkSource(node: hello.node, life: hello.life)
            return handOver(to: BulkHandler(transport: transport.bulk, source: source), context)
        }
        state = .talking(link)
        link.attach(context.channel, hello: hello)
    }

    /// A node that was removed while it was away has to hear of the ring that it is not in: nobody
    /// else talks to it. One with another ring of the same epoch comes from a part of the cluster
    /// that was recovered by itself, and says so in its log.
    private func turnAway(_ hello: PeerHello, _ context: ChannelHandlerContext) {
        let document = transport.driver.ring.document
        guard hello.purpose == .requests, hello.epoch <= document.epoch,
            hello.node <= document.highestID
        else { return close(context) }
        state = .closed
        buffer = ByteBuffer()
        var out = context.channel.allocator.buffer(capacity: 1024)
        Frame.write(into: &out) { PeerMessageCodec.write(.ring(.decided(document)), into: &$0) }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(out)).whenComplete { _ in channel.close(promise: nil)
        }
    }

    /// The connection is for another purpose: `handler` goes on with what has come.
    private func handOver(to handler: any ChannelHandler, _ context: ChannelHandlerContext) {
        state = .closed
        let rest = buffer
        buffer = ByteBuffer()
        let pipeline = context.pipeline.syncOperations
        guard (try? pipeline.addHandler(handler, position: .after(self))) != nil else {
            return context.close(promise: nil)
        }
        if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
        pipeline.removeHandler(self, promise: nil)
    }

    private func close(_ context: ChannelHandlerContext) {
        hangUp(context)
        buffer = ByteBuffer()
        context.close(promise: nil)
    }

    private func hangUp(_ context: ChannelHandlerContext) {
        guard case .talking(let link) = state else {
            state = .closed
            return
        }
        state = .closed
        link.detach(context.channel)
        transport.ended(link)
    }

    /// Frames taken off share the buffer's storage, so what is left of a frame moves to storage of
    /// its own that has room for the rest; appending to shared storage would copy all of it each
    /// time.
    private func compact() {
        guard buffer.readableBytes > 0 else {
            buffer = ByteBuffer()
            return
        }
        let wanted = Frame.wantedBytes(buffer)
        guard buffer.readerIndex > 0 || buffer.capacity < wanted else { return }
        var rest = ByteBuffer()
        rest.reserveCapacity(max(wanted, 4096))
        rest.writeImmutableBuffer(buffer)
        buffer = rest
    }

    private func description(of channel: any Channel) -> String {
        channel.remoteAddress?.description ?? "unknown address"
    }
}
