import NIOCore

/// One connection of a load, on its worker's event loop.
final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the replies that arrive belong to.
    private enum Mode {
        case idle
        case preparing(replies: Int, promise: EventLoopPromise<Void>)
        case loading
    }

    private let worker: LoadWorker
    private let client: LoadClient
    private var context: ChannelHandlerContext?
    private var mode = Mode.idle
    private var scanner = ReplyScanner()
    private var inFlight: InFlightQueue
    /// Its storage is used again once the socket has taken it all.
    private var out = ByteBuffer()

    init(worker: LoadWorker, client: LoadClient, pipelineMax: Int) {
        self.worker = worker
        self.client = client
        inFlight = InFlightQueue(capacity: pipelineMax)
    }

    var operationsInFlight: Int { inFlight.count }

    /// Sends requests that must all succeed before there is load.
    ///
    /// - Parameter requests: encoded, `replies` of them.
    func prepare(_ requests: ByteBuffer, replies: Int) -> EventLoopFuture<Void> {
        guard replies > 0 else {
            mode = .loading
            return worker.eventLoop.makeSucceededVoidFuture()
        }
        let promise = worker.eventLoop.makePromise(of: Void.self)
        mode = .preparing(replies: replies, promise: promise)
        context?.writeAndFlush(wrapOutboundOut(requests), promise: nil)
        return promise.futureResult
    }

    /// Encodes an operation for the next ``flush()``. There is room in flight.
    func append(_ operation: Operation, since: UInt64, writer: RequestWriter, repliesToWrite: UInt8)
    {
        if out.readableBytes == 0 { out.clear() }
        _ = out.writeWithUnsafeMutableBytes(minimumWritableBytes: writer.bytesMax) { target in
            var end = 0
            writer.write(operation, into: target, at: &end)
            return end
        }
        let isWrite = operation.isWrite
        inFlight.append(
            InFlight(since: since, isWrite: isWrite, repliesLeft: isWrite ? repliesToWrite : 1)
        )
    }

    /// Sends what was appended, in one write.
    func flush() {
        guard out.readableBytes > 0 else { return }
        context?.writeAndFlush(wrapOutboundOut(out), promise: nil)
        out.moveReaderIndex(to: out.writerIndex)
    }

    /// Forgets what has no answer, and closes.
    func discard() {
        inFlight.removeAll()
        if case .loading = mode { mode = .idle }
        context?.close(promise: nil)
    }

    // MARK: ChannelInboundHandler

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        let now = NIODeadline.now().uptimeNanoseconds
        do throws(ReplyScanner.Fault) {
            let span = bytes.readableBytesUInt8Span
            var index = 0
            while let reply = try scanner.next(span, at: &index) { take(reply, now: now) }
        } catch {
            return lose(
                "a reply made no sense (\(error)); does a Redis-compatible server listen there?")
        }
        worker.proceed(client, now: now)
    }

    func channelInactive(context: ChannelHandlerContext) {
        lose("the server closed the connection")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        lose("\(error)")
    }

    // MARK: Replies

    private func take(_ reply: ReplyScanner.Reply, now: UInt64) {
        switch mode {
        case .idle:
            // A server may push; nothing was asked.
            break
        case .preparing(let replies, let promise):
            takePreparation(reply, replies: replies, promise: promise)
        case .loading:
            guard reply.type != UInt8(ascii: ">") else { return }
            takeAnswer(reply, now: now)
        }
    }

    private func takePreparation(
        _ reply: ReplyScanner.Reply,
        replies: Int,
        promise: EventLoopPromise<Void>
    ) {
        if reply.isError {
            mode = .idle
            promise.fail(LoadError.refused(String(decoding: scanner.errorText, as: UTF8.self)))
        } else if replies > 1 {
            mode = .preparing(replies: replies - 1, promise: promise)
        } else {
            mode = .loading
            promise.succeed()
        }
    }

    private func takeAnswer(_ reply: ReplyScanner.Reply, now: UInt64) {
        // A reply to nothing: the server is not one that a load can be counted on.
        guard !inFlight.isEmpty else { return lose("a reply came that nothing had asked for") }
        let failure = failure(of: reply)
        inFlight.withFirst { operation in
            // An operation fails once, whatever follows.
            if let failure, !operation.hasFailed { worker.record(error: failure) }
            operation.hasFailed = operation.hasFailed || failure != nil
            operation.isMiss = operation.isMiss || reply.isNull
            operation.repliesLeft -= 1
        }
        guard let operation = inFlight.first, operation.repliesLeft == 0 else { return }
        inFlight.removeFirst()
        worker.record(operation, now: now)
    }

    private func failure(of reply: ReplyScanner.Reply) -> [UInt8]? {
        if reply.isError { return scanner.errorText }
        return inFlight.first.flatMap { worker.shortfall(reply, to: $0) }
    }

    /// The connection is of no more use.
    private func lose(_ reason: String) {
        if case .preparing(_, let promise) = mode { promise.fail(LoadError.lost(reason)) }
        mode = .idle
        worker.lost(client, reason: reason)
        discard()
    }
}
