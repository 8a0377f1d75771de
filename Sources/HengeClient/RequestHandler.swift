import HengeRESP
import NIOCore

/// The end of a connection's pipeline: matches replies to requests in the order in which they were
/// sent, bounds what is in flight, and fails it all when the connection ends. Confined to its event
/// loop.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Requests written together, whose replies complete together.
    private struct Batch {
        let promise: EventLoopPromise<[RESPValue]>
        let count: Int
        let size: Int
        let deadline: NIODeadline
        var replies: [RESPValue] = []
    }

    private let requestTimeout: TimeAmount
    private let requestsInFlightMax: Int
    private let bytesInFlightMax: Int

    private var context: ChannelHandlerContext?
    private var inbox = ReceiveBuffer()
    private var parser = RESPValueParser()
    private var pending = CircularBuffer<Batch>()
    private var requestsInFlight = 0
    private var bytesInFlight = 0
    private var isFlushScheduled = false
    private var timer: Scheduled<Void>?
    /// Why the connection ends, once something has gone wrong.
    private var failure: HengeError?

    init(_ options: HengeConnection.Options) {
        requestTimeout = TimeAmount(options.requestTimeout)
        requestsInFlightMax = options.requestsInFlightMax
        bytesInFlightMax = options.bytesInFlightMax
    }

    /// Sends `count` encoded requests; the promise hears their replies or a ``HengeError``.
    func submit(_ bytes: ByteBuffer, count: Int, promise: EventLoopPromise<[RESPValue]>) {
        guard let context, failure == nil else {
            promise.fail(failure?.notSent ?? HengeError(.connectionFailed, "connection is closed"))
            return
        }
        let size = bytes.readableBytes
        guard requestsInFlight + count <= requestsInFlightMax,
            bytesInFlight + size <= bytesInFlightMax
        else {
            let message =
                "\(requestsInFlight) requests, \(bytesInFlight) bytes, are in flight here"
            promise.fail(HengeError(.overloaded, message))
            return
        }
        requestsInFlight += count
        bytesInFlight += size
        let deadline = NIODeadline.now() + requestTimeout
        pending.append(Batch(promise: promise, count: count, size: size, deadline: deadline))
        context.write(wrapOutboundOut(bytes), promise: nil)
        scheduleFlush(context)
        if timer == nil { armTimer(context) }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard failure == nil else { return }
        inbox.append(unwrapInboundIn(data))
        do throws(RESPReplyError) {
            while let value = try parser.next(&inbox.bytes) { receive(value, context) }
            inbox.settle()
        } catch {
            fail(.protocolViolation, "the reply makes no sense: \(error)", context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(.connectionFailed, "connection failed: \(error)", context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(.connectionFailed, "connection closed before the reply came", context)
        context.fireChannelInactive()
    }

    private func receive(_ value: RESPValue, _ context: ChannelHandlerContext) {
        // A push answers nothing; this client subscribes to none, so it is of no interest.
        if case .push = value { return }
        guard let last = pending.first.map({ $0.replies.count + 1 == $0.count }) else {
            fail(.protocolViolation, "a reply came without a request", context)
            return
        }
        pending[pending.startIndex].replies.append(value)
        requestsInFlight -= 1
        guard last else { return }
        let batch = pending.removeFirst()
        bytesInFlight -= batch.size
        batch.promise.succeed(batch.replies)
    }

    /// One flush for all that is submitted in a turn of the loop.
    private func scheduleFlush(_ context: ChannelHandlerContext) {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute { [self] in
            isFlushScheduled = false
            self.context?.flush()
        }
    }

    /// The timer watches the oldest request: all have the same timeout, so none is due before it.
    private func armTimer(_ context: ChannelHandlerContext) {
        guard let oldest = pending.first, failure == nil else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: oldest.deadline) {
            [self] in
            timer = nil
            guard let context = self.context, let oldest = pending.first else { return }
            if oldest.deadline <= .now() {
                // Replies come in order, so whatever waits behind it waits for it, too.
                fail(.timedOut, "no reply within the request timeout", context)
            } else {
                armTimer(context)
            }
        }
    }

    /// Ends the connection. The oldest request hears `code`, the ones behind it that the connection
    /// failed; all of them may have been carried out.
    private func fail(
        _ code: HengeError.Code,
        _ message: String,
        _ context: ChannelHandlerContext
    ) {
        guard failure == nil else { return }
        failure = HengeError(.connectionFailed, message, mayHaveHappened: true)
        timer?.cancel()
        timer = nil
        inbox = ReceiveBuffer()
        let failed = pending
        pending.removeAll()
        context.close(promise: nil)
        for (index, batch) in failed.enumerated() {
            batch.promise.fail(
                HengeError(
                    index == 0 ? code : .connectionFailed,
                    message,
                    mayHaveHappened: true
                )
            )
        }
    }
}

extension HengeError {
    /// The same failure, for a request that came too late to be sent.
    fileprivate var notSent: HengeError { HengeError(code, message) }
}
