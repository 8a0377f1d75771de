import HTTPTypes
import HengeBase
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Counts the connections of one HTTP server.
final class HTTPConnectionCount: Sendable {
    private let count = NIOLockedValueBox(0)

    /// Returns how many there are with the new one.
    func add() -> Int {
        count.withLockedValue { count in
            count += 1
            return count
        }
    }

    func remove() {
        count.withLockedValue { $0 -= 1 }
    }
}

/// Bounds what one HTTP connection may take, in front of Hummingbird's own handlers: a request that
/// trickles in, a reply that nobody reads, one connection too many.
///
/// Hummingbird's idle timeout starts anew with each part of a body, so a client that sends a byte
/// now and then would hold its connection for ever. It also answers no `Expect: 100-continue`, for
/// which curl would wait a second, and does not close after a reply that says so, nor for a client
/// of HTTP/1.0 that reads up to the end of the connection.
final class HTTPGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: HTTPLimits
    private let connections: HTTPConnectionCount
    private var isCounted = false
    private var isRefused = false
    private var watch: RepeatedTask?
    /// When the request that is arriving began.
    private var arrivingSince: NIODeadline?
    /// Since when the client does not read.
    private var stalledSince: NIODeadline?
    private var requestsRead = 0
    private var repliesWritten = 0
    /// The number of the request after whose reply the connection ends.
    private var last = Int.max

    init(limits: HTTPLimits, connections: HTTPConnectionCount) {
        self.limits = limits
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        if let codec = try? pipeline.handler(type: HTTP1ToHTTPServerCodec.self) {
            try? pipeline.addHandler(KeepAliveWatch(self), position: .before(codec))
        }
        if context.channel.isActive { begin(context) }
    }

    /// The request that is read next is its client's last.
    fileprivate func endAfterNext() {
        last = min(last, requestsRead + 1)
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard !isCounted else { return }
        isCounted = true
        let isTooMany = connections.add() > limits.connectionsMax
        if isTooMany { return refuse(context) }
        let glance = TimeAmount.nanoseconds(Int64(limits.glance.nanoseconds))
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        watch = context.eventLoop.scheduleRepeatedTask(initialDelay: glance, delay: glance) { _ in
            let (handler, context) = bound.value
            handler.look(context)
        }
    }

    private func refuse(_ context: ChannelHandlerContext) {
        isRefused = true
        let reason = ByteBuffer(string: "too many connections\n")
        let head = HTTPResponse(
            status: .serviceUnavailable,
            headerFields: [
                .contentType: "text/plain", .contentLength: "\(reason.readableBytes)",
                .retryAfter: "1", .connection: "close",
            ]
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(reason)), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }

    /// Closes what takes too long.
    private func look(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        let arrivalMax = TimeAmount.nanoseconds(Int64(limits.arrivalMax.nanoseconds))
        let stallMax = TimeAmount.nanoseconds(Int64(limits.stallMax.nanoseconds))
        if let since = arrivingSince, now - since > arrivalMax { context.close(promise: nil) }
        if let since = stalledSince, now - since > stallMax { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            arrivingSince = .now()
            if requestsRead == repliesWritten { goOn(head, context) }
            requestsRead += 1
        case .body: break
        case .end: arrivingSince = nil
        }
        context.fireChannelRead(data)
    }

    /// RFC 9110, section 10.1.1. A body over the limit is refused from its head alone.
    private func goOn(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        guard head.headerFields[.expect]?.lowercased() == "100-continue" else { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            if head.headerFields[.connection]?.lowercased() == "close" {
                last = repliesWritten + 1
            }
            context.write(data, promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            repliesWritten += 1
            guard repliesWritten >= last else { return context.write(data, promise: promise) }
            context.writeAndFlush(data, promise: promise)
            // The rest of a request that was refused is not read: it could be endless.
            context.close(mode: .output, promise: nil)
            linger(context)
        }
    }

    /// Closing with bytes unread would make the network drop the reply, so the connection stays
    /// for the client to read it.
    private func linger(_ context: ChannelHandlerContext) {
        let channel = context.channel
        context.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stalledSince = context.channel.isWritable ? nil : .now()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }

    private func end() {
        watch?.cancel()
        watch = nil
        guard isCounted else { return }
        isCounted = false
        connections.remove()
    }
}

/// Tells a guard which request is a client's last, which is lost once the request is of a form that
/// has no HTTP version any more.
private final class KeepAliveWatch: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private let owner: HTTPGuard

    init(_ owner: HTTPGuard) {
        self.owner = owner
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data), !head.isKeepAlive { owner.endAfterNext() }
        context.fireChannelRead(data)
    }
}
