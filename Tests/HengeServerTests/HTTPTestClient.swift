import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP client of one connection that shows replies as they came: names of headers in their
/// case, bodies without their transfer coding.
final class HTTPTestClient: Sendable {
    private let channel: any Channel
    private let replies: NIOLoopBound<HTTPReplies>

    static func connect(port: Int) async throws -> HTTPTestClient {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton.next())
        let (channel, replies) = try await bootstrap.connect(host: "127.0.0.1", port: port) {
            channel in
            channel.eventLoop.makeCompletedFuture {
                let replies = HTTPReplies(channel.eventLoop)
                try channel.pipeline.syncOperations.addHTTPClientHandlers(
                    leftOverBytesStrategy: .dropBytes
                )
                try channel.pipeline.syncOperations.addHandler(replies)
                return (channel, NIOLoopBound(replies, eventLoop: channel.eventLoop))
            }
        }
        return HTTPTestClient(channel: channel, replies: replies)
    }

    private init(channel: any Channel, replies: NIOLoopBound<HTTPReplies>) {
        self.channel = channel
        self.replies = replies
    }

    /// Sends a request and returns its reply.
    func callAsFunction(
        _ method: HTTPMethod,
        _ path: String,
        _ headers: [(String, String)] = [],
        body: ByteBuffer? = nil
    ) async throws -> HTTPReply {
        try await send(method, path, headers, body: body)
        let replies = self.replies
        return try await channel.eventLoop.flatSubmit { replies.value.next() }.get()
    }

    func callAsFunction(
        _ method: HTTPMethod,
        _ path: String,
        _ headers: [(String, String)] = [],
        body: String
    ) async throws -> HTTPReply {
        try await self(method, path, headers, body: ByteBuffer(string: body))
    }

    /// Sends a request whose reply has no end.
    func begin(_ method: HTTPMethod, _ path: String) async throws {
        try await send(method, path, [], body: nil)
    }

    /// What has come of the reply that has no end yet; of one that has, all of it.
    func arriving() async throws -> HTTPReply? {
        let replies = self.replies
        return try await channel.eventLoop.submit { replies.value.arriving }.get()
    }

    private func send(
        _ method: HTTPMethod,
        _ path: String,
        _ headers: [(String, String)],
        body: ByteBuffer?
    ) async throws {
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
        if !headers.contains(where: { $0.0 == "Host" }) {
            head.headers.add(name: "Host", value: "localhost")
        }
        for (name, value) in headers { head.headers.add(name: name, value: value) }
        if let body {
            head.headers.add(name: "Content-Length", value: "\(body.readableBytes)")
        }
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let body { channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil) }
        try await channel.writeAndFlush(HTTPClientRequestPart.end(nil)).get()
    }

    func close() async throws {
        try? await channel.close().get()
    }
}

/// What came in answer to one request.
struct HTTPReply: Sendable {
    var status: Int
    /// In the order in which they came.
    var headers: [(name: String, value: String)]
    var body = ByteBuffer()
    /// The parts in which the body came.
    var chunks: [String] = []

    var text: String { String(buffer: body) }

    subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

private final class HTTPReplies: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let eventLoop: any EventLoop
    private var current: HTTPReply?
    private var arrived: [HTTPReply] = []
    private var waiting: [EventLoopPromise<HTTPReply>] = []
    private var isClosed = false

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    var arriving: HTTPReply? { current ?? arrived.first }

    func next() -> EventLoopFuture<HTTPReply> {
        if !arrived.isEmpty { return eventLoop.makeSucceededFuture(arrived.removeFirst()) }
        if isClosed { return eventLoop.makeFailedFuture(ClientError.closed) }
        let promise = eventLoop.makePromise(of: HTTPReply.self)
        waiting.append(promise)
        let timer = eventLoop.scheduleTask(in: .seconds(60)) {
            promise.fail(ClientError.timedOut)
        }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard head.status.code >= 200 else { return }
            current = HTTPReply(
                status: Int(head.status.code),
                headers: head.headers.map { (name: $0.name, value: $0.value) }
            )
        case .body(let bytes):
            current?.body.writeImmutableBuffer(bytes)
            current?.chunks.append(String(buffer: bytes))
        case .end:
            guard let reply = current else { return }
            current = nil
            guard !waiting.isEmpty else { return arrived.append(reply) }
            waiting.removeFirst().succeed(reply)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        for promise in waiting { promise.fail(ClientError.closed) }
        waiting = []
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// A connection for bytes that are no HTTP, or not all of it.
final class RawTestClient: Sendable {
    private let channel: any Channel
    private let collector: NIOLoopBound<Collector>

    static func connect(port: Int, reads: Bool = true) async throws -> RawTestClient {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton.next())
            .channelOption(.autoRead, value: reads)
        let (channel, collector) = try await bootstrap.connect(host: "127.0.0.1", port: port) {
            channel in
            channel.eventLoop.makeCompletedFuture {
                let collector = Collector()
                try channel.pipeline.syncOperations.addHandler(collector)
                return (channel, NIOLoopBound(collector, eventLoop: channel.eventLoop))
            }
        }
        return RawTestClient(channel: channel, collector: collector)
    }

    private init(channel: any Channel, collector: NIOLoopBound<Collector>) {
        self.channel = channel
        self.collector = collector
    }

    func send(_ text: String) {
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    /// Says that nothing more comes, and still reads.
    func closeOutput() {
        channel.close(mode: .output, promise: nil)
    }

    var received: String {
        get async throws {
            let collector = self.collector
            return try await channel.eventLoop.submit { String(buffer: collector.value.bytes) }
                .get()
        }
    }

    var isClosed: Bool {
        get async throws {
            let collector = self.collector
            return try await channel.eventLoop.submit { collector.value.isClosed }.get()
        }
    }

    func close() async throws {
        try? await channel.close().get()
    }
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    var bytes = ByteBuffer()
    var isClosed = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes.writeImmutableBuffer(unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
