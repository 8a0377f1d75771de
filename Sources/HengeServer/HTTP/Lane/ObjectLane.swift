import DequeModule
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

/// Carries out requests on single objects in front of Hummingbird's handling of a connection, and
/// hands on all others.
///
/// Each request that passes through Hummingbird goes by two asynchronous streams, a router, a
/// logger and a context of its own, which cost more than the request itself. Parsing and writing
/// HTTP, limits, timeouts and the end of connections stay with the handlers of the libraries in
/// front of this one.
///
/// Replies leave in the order of the requests: the lane takes one only while Hummingbird owes
/// nothing, and what comes while it works on one waits. Confined to the channel's event loop.
final class ObjectLane: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// What comes while the lane works on a request.
    private enum Held {
        case part(NIOAny)
        case inputClosed
        case failure(any Error)
    }

    private enum State {
        case idle
        /// A request that arrives is Hummingbird's.
        case passing
        /// One that arrives is the lane's.
        case gathering(HTTPRequest, ByteBuffer)
        case working
    }

    /// Parts that wait before no more are read; what one read of the socket brings comes on top.
    private static let heldMax = 16

    private let responder: ObjectResponder
    private let executor: LoopExecutor
    private var state = State.idle
    /// Replies that Hummingbird has not ended.
    private var owedBelow = 0
    private var held = Deque<Held>()
    private var owesRead = false
    private var isDraining = false

    init(_ responder: ObjectResponder, on executor: LoopExecutor) {
        self.responder = responder
        self.executor = executor
    }

    private func mayGoOn(_ context: ChannelHandlerContext) -> Bool {
        if case .working = state { false } else { context.channel.isWritable }
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard held.isEmpty, mayGoOn(context) else { return held.append(.part(data)) }
        take(data, context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        held.append(.inputClosed)
        drain(context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        held.append(.failure(error))
        drain(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        held.removeAll()
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        if held.count < Self.heldMax { context.read() } else { owesRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        goOn(context)
        context.fireChannelWritabilityChanged()
    }

    private func goOn(_ context: ChannelHandlerContext) {
        guard !held.isEmpty || owesRead else { return }
        drain(context)
        // Hummingbird takes what it was handed when a read is complete.
        context.fireChannelReadComplete()
    }

    /// Goes on with what has come, up to a request that takes its time, or while the client reads.
    private func drain(_ context: ChannelHandlerContext) {
        guard !isDraining else { return }
        isDraining = true
        while mayGoOn(context), let next = held.popFirst() {
            switch next {
            case .part(let data): take(data, context)
            case .inputClosed: context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            case .failure(let error): context.fireErrorCaught(error)
            }
        }
        isDraining = false
        if owesRead, held.count < Self.heldMax {
            owesRead = false
            context.read()
        }
    }

    private func take(_ data: NIOAny, _ context: ChannelHandlerContext) {
        let part = unwrapInboundIn(data)
        switch (part, state) {
        case (.head(let head), .idle) where owedBelow == 0 && responder.takes(head):
            state = .gathering(head, ByteBuffer())
        case (.body(let bytes), .gathering(let head, var body)):
            state = .idle
            body.writeImmutableBuffer(bytes)
            state = .gathering(head, body)
        case (.end, .gathering(let head, let body)):
            begin(Request(head: head, body: RequestBody(buffer: body)), context)
        default:
            switch part {
            case .head:
                owedBelow += 1
                state = .passing
            case .body: break
            case .end: state = .idle
            }
            // As it came: to wrap a part anew is to copy it into memory of its own.
            context.fireChannelRead(data)
        }
    }

    private func begin(_ request: Request, _ context: ChannelHandlerContext) {
        state = .working
        let eventLoop = context.eventLoop
        let bound = NIOLoopBound((lane: self, context: context), eventLoop: eventLoop)
        let responder = self.responder
        // Begins right here; a task would be a turn later.
        Task.immediate(executorPreference: executor) {
            let reply = await responder.respond(to: request)
            if eventLoop.inEventLoop {
                bound.value.lane.finish(reply, bound.value.context)
            } else {
                eventLoop.execute { bound.value.lane.finish(reply, bound.value.context) }
            }
        }
    }

    // MARK: Out

    private func finish(
        _ reply: (head: HTTPResponse, body: ByteBuffer),
        _ context: ChannelHandlerContext
    ) {
        state = .idle
        guard context.channel.isActive else { return }
        context.write(wrapOutboundOut(.head(reply.head)), promise: nil)
        if reply.body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(reply.body)), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        goOn(context)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { owedBelow -= 1 }
        context.write(data, promise: promise)
    }
}
