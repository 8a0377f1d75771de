import HengeBase
import HengeMessages
import NIOCore

/// The dialling side of a bulk connection: says hello, checks who answers, then reads nothing more.
final class BulkGreeting: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let helloBytesMax = 4096

    private let transport: BulkTransport
    private let link: BulkLink
    private var buffer = ByteBuffer()
    private var isGreeted = false

    init(transport: BulkTransport, link: BulkLink) {
        self.transport = transport
        self.link = link
    }

    func channelActive(context: ChannelHandlerContext) {
        var hello = context.channel.allocator.buffer(capacity: 256)
        Frame.write(into: &hello) { transport.hello.write(into: &$0) }
        context.writeAndFlush(wrapOutboundOut(hello), promise: nil)
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: PeerHandler.handshakeTimeout) {
            if !handler.value.isGreeted { channel.close(promise: nil) }
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var incoming = unwrapInboundIn(data)
        buffer.writeBuffer(&incoming)
        do throws(WireDecodeError) {
            // It has nothing to say on this connection but who it is.
            guard !isGreeted else { throw .trailingBytes(buffer.readableBytes) }
            guard let payload = try Frame.read(from: &buffer, payloadMax: Self.helloBytesMax)
            else { return }
            let hello = try PeerHello.read(payload)
            isGreeted = true
            guard (try? transport.hello.agree(with: hello, expected: link.peer.id)) != nil,
                hello.name == link.peer.name
            else {
                // The connection for requests says the same to the log.
                return context.close(promise: nil)
            }
            link.opened(context.channel)
        } catch {
            transport.malformed(error, from: link.peer.id)
            context.close(promise: nil)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { link.compressNext() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// The accepting side, after the handshake: takes one frame after another to the thread that
/// decompresses, and the messages to the node.
///
/// While a frame is on the thread no more is read, so at most one frame and its message are in
/// memory, and a sender that is too fast waits in the network. Whatever is malformed closes the
/// connection and is counted.
final class BulkHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let transport: BulkTransport
    private let source: BulkSource
    private var frames = FrameBuffer()
    private var context: ChannelHandlerContext?
    private var isDecoding = false
    private var owesRead = false
    private var lastRead = SystemClock.now()

    init(transport: BulkTransport, source: BulkSource) {
        self.transport = transport
        self.source = source
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        transport.opened(context.channel, from: source.node)
        // A sender whose machine has vanished never closes.
        let wait = Interval(nanoseconds: transport.limits.idleMax.nanoseconds * 2)
        closeWhenSilent(context.channel, wait)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        transport.closed(context.channel)
    }

    func read(context: ChannelHandlerContext) {
        if isDecoding { owesRead = true } else { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastRead = SystemClock.now()
        frames.append(unwrapInboundIn(data))
        decodeNext()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func closeWhenSilent(_ channel: any Channel, _ wait: Interval) {
        let handler = NIOLoopBound(self, eventLoop: channel.eventLoop)
        channel.eventLoop.scheduleTask(in: .nanoseconds(Int64(wait.nanoseconds))) {
            guard channel.isActive else { return }
            if SystemClock.now().since(handler.value.lastRead) >= wait {
                channel.close(promise: nil)
            } else {
                handler.value.closeWhenSilent(channel, wait)
            }
        }
    }

    private func decodeNext() {
        guard !isDecoding, context != nil else { return }
        do throws(WireDecodeError) {
            guard let payload = try frames.next() else { return }
            decode(payload)
        } catch {
            fail(error)
        }
    }

    private func decode(_ payload: ByteBuffer) {
        isDecoding = true
        transport.counters.bytesCompressedReceived += Frame.headerLength + payload.readableBytes
        let handler = NIOLoopBound(self, eventLoop: transport.eventLoop)
        transport.threads
            .runIfActive(eventLoop: transport.eventLoop) { Self.result(of: payload) }
            .whenSuccess { handler.value.decoded($0) }
    }

    private static func result(
        of payload: ByteBuffer
    ) -> Result<(PeerMessage, Int), WireDecodeError> {
        do throws(WireDecodeError) {
            let bytes = try BulkCodec.message(in: payload)
            return .success((try PeerMessageCodec.read(bytes), bytes.readableBytes))
        } catch {
            return .failure(error)
        }
    }

    private func decoded(_ result: Result<(PeerMessage, Int), WireDecodeError>) {
        isDecoding = false
        guard let context else { return }
        switch result {
        case .failure(let error): return fail(error)
        // What control planes say comes with the requests alone.
        case .success((.gossip, _)), .success((.ring, _)), .success((.ringReport, _)):
            return fail(.invalidField("gossip in bulk"))
        case .success(let (message, size)):
            transport.counters.bytesRawReceived += size
            transport.received(message, from: source)
        }
        decodeNext()
        if owesRead, !isDecoding {
            owesRead = false
            context.read()
        }
    }

    private func fail(_ error: WireDecodeError) {
        transport.malformed(error, from: source.node)
        frames = FrameBuffer()
        context?.close(promise: nil)
        context = nil
    }
}
