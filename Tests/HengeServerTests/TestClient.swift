import HengeRESP
import NIOCore
import NIOPosix

/// A client of one connection that shows replies as short texts: `+OK`, `-ERR …`, `:1`, `"text"`,
/// `nil`, `[…]`, `{key: value}`.
final class TestClient: Sendable {
    private let channel: any Channel
    private let inbox: NIOLoopBound<Inbox>

    /// - Parameter reads: false for a client that sends and never reads.
    static func connect(port: Int, reads: Bool = true) async throws -> TestClient {
        let (channel, inbox) = try await ClientBootstrap(
            group: MultiThreadedEventLoopGroup.singleton.next()
        )
        .channelOption(.autoRead, value: reads)
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                let inbox = Inbox()
                try channel.pipeline.syncOperations.addHandler(inbox)
                return (channel, NIOLoopBound(inbox, eventLoop: channel.eventLoop))
            }
        }
        return TestClient(channel: channel, inbox: inbox)
    }

    private init(channel: any Channel, inbox: NIOLoopBound<Inbox>) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Sends a command, its arguments parted by blanks, and returns its reply.
    func callAsFunction(_ command: String) async throws -> String {
        try await self(command.split(separator: " ").map(String.init))
    }

    func callAsFunction(_ arguments: [String]) async throws -> String {
        send(arguments)
        return try await reply()
    }

    func value(_ command: String) async throws -> RESPValue {
        send(command.split(separator: " ").map(String.init))
        return try await next()
    }

    func send(_ arguments: [String]) {
        var out = ByteBuffer()
        RESPRequestEncoder.encode(arguments, into: &out)
        channel.writeAndFlush(out, promise: nil)
    }

    func send(raw text: String) {
        send(raw: ByteBuffer(string: text))
    }

    func send(raw bytes: ByteBuffer) {
        channel.writeAndFlush(bytes, promise: nil)
    }

    /// The next reply; `closed` once the server has closed, `timed out` after a while without one.
    func reply() async throws -> String {
        do {
            return show(try await next())
        } catch ClientError.closed {
            return "closed"
        } catch ClientError.timedOut {
            return "timed out"
        }
    }

    func next() async throws -> RESPValue {
        let inbox = self.inbox
        return try await channel.eventLoop.flatSubmit { inbox.value.next(on: inbox.eventLoop) }
            .get()
    }

    /// Closes the sending side alone.
    func closeOutput() {
        channel.close(mode: .output, promise: nil)
    }

    func close() async throws {
        try? await channel.close().get()
    }
}

enum ClientError: Error {
    case closed
    case timedOut
}

extension NIOLoopBound where Value == Inbox {
    var eventLoop: any EventLoop { value.eventLoop }
}

/// Replies that came and promises of those that are waited for.
final class Inbox: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private static let timeout = TimeAmount.seconds(20)

    private var buffer = ReceiveBuffer()
    private var parser = RESPValueParser()
    private var arrived = CircularBuffer<RESPValue>()
    private var waiting = CircularBuffer<EventLoopPromise<RESPValue>>()
    private var isClosed = false
    private var loop: (any EventLoop)?

    var eventLoop: any EventLoop {
        guard let loop else { preconditionFailure("not in a pipeline") }
        return loop
    }

    func next(on eventLoop: any EventLoop) -> EventLoopFuture<RESPValue> {
        if let value = arrived.popFirst() { return eventLoop.makeSucceededFuture(value) }
        if isClosed { return eventLoop.makeFailedFuture(ClientError.closed) }
        let promise = eventLoop.makePromise(of: RESPValue.self)
        waiting.append(promise)
        let timer = eventLoop.scheduleTask(in: Self.timeout) { promise.fail(ClientError.timedOut) }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        return promise.futureResult
    }

    func handlerAdded(context: ChannelHandlerContext) {
        loop = context.eventLoop
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        buffer.append(unwrapInboundIn(data))
        do {
            while let value = try parser.next(&buffer.bytes) {
                if let promise = waiting.popFirst() {
                    promise.succeed(value)
                } else {
                    arrived.append(value)
                }
            }
        } catch {
            context.close(promise: nil)
        }
        buffer.settle()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        while let promise = waiting.popFirst() { promise.fail(ClientError.closed) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

func show(_ value: RESPValue) -> String {
    switch value {
    case .null: "nil"
    case .simpleString(let text): "+\(text)"
    case .error(let text): "-\(text)"
    case .integer(let number): ":\(number)"
    case .double(let number): ",\(number)"
    case .boolean(let flag): flag ? "#t" : "#f"
    case .bigNumber(let digits): "(\(digits)"
    case .bulk(let bytes): "\"\(String(buffer: bytes))\""
    case .verbatim(_, let text): "=\(String(buffer: text))"
    case .array(let elements): "[" + elements.map(show).joined(separator: ", ") + "]"
    case .set(let elements): "~[" + elements.map(show).joined(separator: ", ") + "]"
    case .push(let elements): ">[" + elements.map(show).joined(separator: ", ") + "]"
    case .map(let entries):
        "{" + entries.map { "\(show($0.key)): \(show($0.value))" }.joined(separator: ", ") + "}"
    }
}

extension RESPValue {
    /// A field of a map of RESP3, or of the flat array that stands for one in RESP2.
    subscript(_ name: String) -> RESPValue? {
        switch self {
        case .map(let entries):
            entries.first { $0.key == .bulk(ByteBuffer(string: name)) }?.value
        case .array(let elements):
            stride(from: 0, to: elements.count - 1, by: 2)
                .first { elements[$0] == .bulk(ByteBuffer(string: name)) }
                .map { elements[$0 + 1] }
        default: nil
        }
    }

    var int: Int? {
        if case .integer(let number) = self { return Int(number) }
        return nil
    }

    var elements: [RESPValue] {
        switch self {
        case .array(let elements), .set(let elements): elements
        default: []
        }
    }

    var text: String {
        switch self {
        case .bulk(let bytes), .verbatim(_, let bytes): String(buffer: bytes)
        case .simpleString(let text), .error(let text): text
        default: ""
        }
    }
}
