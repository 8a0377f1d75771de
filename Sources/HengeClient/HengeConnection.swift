package import HengeRESP
public import NIOCore
internal import NIOPosix

/// A connection to one node. Requests may be sent from many tasks at once; they are pipelined and
/// answered in order.
///
/// For commands that answer each request with one reply: not for `MONITOR` or `SUBSCRIBE`.
public final class HengeConnection: Sendable {
    /// How a connection behaves.
    public struct Options: Sendable {
        /// The longest wait for the connection, and again for its greeting. 1 ms and above.
        public var connectTimeout = Duration.seconds(2)
        /// The longest wait for a reply. Past it the connection closes, as replies come in order.
        /// It should exceed the node's own timeout, whose error says more. 1 ms and above.
        public var requestTimeout = Duration.seconds(10)
        /// The most requests without a reply; more fail with `overloaded`.
        public var requestsInFlightMax = 16_384
        /// The most bytes of such requests; more fail with `overloaded`.
        public var bytesInFlightMax = 256 << 20
        /// Whether to greet with `HELLO 3`. Without it replies come in RESP2 forms.
        public var greets = true
        /// A name for the node's `CLIENT LIST`, without blanks; sent with the greeting.
        public var clientName: String?
        /// The bucket of this connection's requests; nil for `default`.
        public var bucket: String?

        public init() {}
    }

    /// The node's address.
    public let address: HengeAddress
    private let channel: any Channel
    private let handler: NIOLoopBound<RequestHandler>

    private init(
        address: HengeAddress,
        channel: any Channel,
        handler: NIOLoopBound<RequestHandler>
    ) {
        self.address = address
        self.channel = channel
        self.handler = handler
    }

    deinit {
        channel.close(promise: nil)
    }

    /// Connects and greets.
    ///
    /// - Parameters:
    ///   - group: whose event loops carry the connection; nil for NIO's own.
    /// - Throws: ``HengeError`` with one of these codes:
    ///   - `connectionFailed`: the node can't be reached, or not in time.
    ///   - `server`: the node refused the greeting, the name or the bucket.
    ///   - `timedOut`, `protocolViolation`: the greeting got no answer, or nonsense for one.
    public static func connect(
        to address: HengeAddress,
        options: Options = Options(),
        on group: (any EventLoopGroup)? = nil
    ) async throws(HengeError) -> HengeConnection {
        let connection = try await open(
            address,
            options,
            group ?? .singletonMultiThreadedEventLoopGroup
        )
        do throws(HengeError) {
            try await connection.greet(options)
        } catch {
            await connection.close()
            throw error
        }
        return connection
    }

    /// Sends one request and waits for its reply.
    ///
    /// - Parameter arguments: the command and its arguments; one at least.
    /// - Returns: the reply; an error within an array is part of it.
    /// - Throws: ``HengeError``: the error that the node replied, or one of these codes:
    ///   - `overloaded`: too much is in flight on this connection. Nothing was sent.
    ///   - `timedOut`: no reply in time. The connection is closed. **The request may still
    ///     happen.**
    ///   - `connectionFailed`: the connection broke; `mayHaveHappened` says whether before it was
    ///     sent.
    ///   - `protocolViolation`: the reply made no sense. The connection is closed.
    ///   - `invalidArgument`: there is no command.
    public func send(_ arguments: [ByteBuffer]) async throws(HengeError) -> HengeReply {
        guard let reply = try await exchange([arguments]).first else {
            throw HengeError(.invalidArgument, "a request needs a command")
        }
        if case .error(let text) = reply { throw HengeError(reply: text) }
        return HengeReply(reply)
    }

    /// Sends one request of text. See ``send(_:)-([ByteBuffer])``.
    public func send(_ arguments: String...) async throws(HengeError) -> HengeReply {
        try await send(arguments.map { ByteBuffer(string: $0) })
    }

    /// Sends requests together, back to back, and waits for all replies.
    ///
    /// - Returns: for each request its reply or the error that the node replied, in order.
    /// - Throws: as ``send(_:)-([ByteBuffer])``, but for errors that the node replied. After a
    ///   failure with `mayHaveHappened` any of the requests may have been carried out.
    public func pipeline(
        _ requests: [[ByteBuffer]]
    ) async throws(HengeError) -> [Result<HengeReply, HengeError>] {
        try await exchange(requests).map { reply in
            if case .error(let text) = reply { return .failure(HengeError(reply: text)) }
            return .success(HengeReply(reply))
        }
    }

    /// Whether the connection was open a moment ago.
    public var isOpen: Bool { channel.isActive }

    /// Closes at once. Requests without a reply fail with `connectionFailed`.
    public func close() async {
        // An error says that it is closed already.
        try? await channel.close().get()
    }

    /// Sends requests together and returns the replies as they came, errors included.
    package func exchange(
        _ requests: [[ByteBuffer]]
    ) async throws(HengeError) -> [RESPValue] {
        guard !requests.isEmpty else { return [] }
        guard requests.allSatisfy({ !$0.isEmpty }) else {
            throw HengeError(.invalidArgument, "a request needs a command")
        }
        var bytes = ByteBuffer()
        for request in requests { RESPRequestEncoder.encode(request, into: &bytes) }
        let promise = channel.eventLoop.makePromise(of: [RESPValue].self)
        channel.eventLoop.execute { [handler, bytes, count = requests.count] in
            handler.value.submit(bytes, count: count, promise: promise)
        }
        do {
            return try await promise.futureResult.get()
        } catch {
            // The handler fails promises with this type only; the rest is an event loop shut down.
            throw error as? HengeError ?? HengeError(.connectionFailed, "\(error)")
        }
    }

    private static func open(
        _ address: HengeAddress,
        _ options: Options,
        _ group: any EventLoopGroup
    ) async throws(HengeError) -> HengeConnection {
        do {
            let bootstrap = ClientBootstrap(group: group)
                .connectTimeout(TimeAmount(options.connectTimeout))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            return try await bootstrap.connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = RequestHandler(options)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return HengeConnection(
                        address: address,
                        channel: channel,
                        handler: NIOLoopBound(handler, eventLoop: channel.eventLoop)
                    )
                }
            }
        } catch {
            throw HengeError(.connectionFailed, "can't connect to \(address): \(error)")
        }
    }

    private func greet(_ options: Options) async throws(HengeError) {
        if options.greets {
            let name = options.clientName.map { ["SETNAME", $0] } ?? []
            try await sendWords(["HELLO", "3"] + name)
        } else if let name = options.clientName {
            try await sendWords(["CLIENT", "SETNAME", name])
        }
        // Waits for the reply: a request sent along would run in another bucket if this one fails.
        if let bucket = options.bucket { try await sendWords(["HENGE.BUCKET", bucket]) }
    }

    private func sendWords(_ words: [String]) async throws(HengeError) {
        _ = try await send(words.map { ByteBuffer(string: $0) })
    }
}
