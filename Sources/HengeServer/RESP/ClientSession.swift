import DequeModule
import HengeBase
import HengeMessages
import HengeNode
import HengeRESP
import HengeRing
package import NIOCore

/// One client connection: reads commands, has them carried out, and answers in the order in which
/// they came.
///
/// Commands on different keys run side by side; one on a key that an earlier command still works on
/// waits if either writes, and everything behind it waits, too. All that a connection may keep in
/// memory is bounded: past a bound its commands, and then its bytes, are no longer read.
///
/// This file deals with bytes; the files `ClientSession+….swift` with commands. Confined to the
/// event loop.
package final class ClientSession: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// Bytes of replies that may wait for a client that does not read before its commands wait,
    /// too.
    static let outputBytesMax = 1 << 20
    /// After its last reply a connection is read from this long and what comes thrown away: closing
    /// with bytes unread would make the network drop that reply.
    private static let lingerMax = TimeAmount.seconds(1)
    /// How long a connection with much to do lets the loop turn to others.
    private static let pause = TimeAmount.microseconds(20)

    enum Phase {
        case open
        /// The last reply is on its way.
        case lingering
        case closed
    }

    let hub: ClientHub

    // Unchecked, as in NodeDriver, is what each command touches (decision 0033): all of it is of
    // one loop, and none is held while the driver or the channel is called, which may come back.
    @exclusivity(unchecked) var connection: ClientConnection
    /// Replies not yet written to the channel.
    @exclusivity(unchecked) var out = ByteBuffer()
    private(set) var phase = Phase.open

    @exclusivity(unchecked) var input = ReceiveBuffer()
    @exclusivity(unchecked) var parser: RESPRequestParser
    /// Whether the input holds no whole command.
    @exclusivity(unchecked) var isStarved = true
    @exclusivity(unchecked) var isPumping = false

    /// A command that was taken from the input and can't begin yet.
    @exclusivity(unchecked) var held: HeldCommand?
    @exclusivity(unchecked) var pending = Deque<PendingReply>()
    /// The number of `pending`'s first.
    @exclusivity(unchecked) var firstNumber = 0
    @exclusivity(unchecked) var keysInFlight = KeysInFlight()
    @exclusivity(unchecked) var window = RequestWindow()
    /// Bytes of requests in flight.
    @exclusivity(unchecked) var chargedBytes = 0
    /// Bytes of answers that wait for earlier ones.
    @exclusivity(unchecked) var answeredBytes = 0
    var isCovering = false
    /// Whether the hub will wake it when all connections together hold less.
    var awaitsHub = false

    /// Of a session without a connection: who is told the reply.
    var onAnswer: ((ByteBuffer) -> Void)?

    private(set) var context: ChannelHandlerContext?
    private(set) var isWritable = true
    /// Bytes that the channel has and can't send for now.
    private var unsentBytes = 0
    /// What the hub counts for this session.
    private var heldBytes = 0
    private var inputBytes = 0
    private var isDirty = false
    private var isPaused = false
    private var owesRead = false
    private var isInputClosed = false

    /// - Parameters:
    ///   - connection: what it goes on with; a new one if nil.
    ///   - onAnswer: of a session without a connection, for one command: who is told its reply.
    init(
        hub: ClientHub,
        connection: ClientConnection? = nil,
        onAnswer: ((ByteBuffer) -> Void)? = nil
    ) {
        self.hub = hub
        self.onAnswer = onAnswer
        parser = RESPRequestParser(limits: hub.limits)
        self.connection =
            connection
            ?? ClientConnection(
                id: hub.nextID(),
                levels: hub.driver.settings.levels,
                isBucketSloppy: hub.isSloppy(ClientConnection.defaultBucket),
                now: SystemClock.now()
            )
    }

    // MARK: From the driver

    /// Marks the session to be flushed at the end of this turn.
    func wake() {
        guard !isDirty else { return }
        isDirty = true
        hub.driver.flushLater(self)
    }

    /// The end of a turn: begins what could not begin before, then writes all that is there.
    func flush() {
        pump()
        isDirty = false
        if onAnswer != nil { return answerAsker() }
        writeOut()
        closeIfDone()
    }

    // MARK: From the channel

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        hub.add(self)
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        release()
        self.context = nil
    }

    package func channelInactive(context: ChannelHandlerContext) {
        release()
        context.fireChannelInactive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        hub.counters.bytesRead += bytes.readableBytes
        guard phase == .open else { return }
        connection.lastActiveAt = SystemClock.now()
        input.append(bytes)
        isStarved = false
        pump()
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        // With requests in flight the end of the turn writes for all of them.
        if !isDirty { writeOut() }
        context.fireChannelReadComplete()
    }

    package func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { owesRead = true }
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable {
            unsentBytes = 0
            accountForMemory()
            wake()
        }
        context.fireChannelWritabilityChanged()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            isInputClosed = true
            if phase == .lingering { context.close(promise: nil) } else { closeIfDone() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: Reading

    private var mayRead: Bool {
        phase == .lingering || (isStarved && held == nil && !hub.isDraining && hasRoom)
    }

    /// Reads on if a read was held back and there is room again.
    func readIfOwed() {
        guard owesRead, mayRead, let context else { return }
        owesRead = false
        context.read()
    }

    /// Goes on with what there is to do after others had their turn.
    func pauseThenPump() {
        guard !isPaused, let context else { return }
        isPaused = true
        let session = NIOLoopBound(self, eventLoop: context.eventLoop)
        // Not `execute`: the loop would run that before it looks at other connections.
        context.eventLoop.scheduleTask(in: Self.pause) {
            session.value.isPaused = false
            session.value.pump()
            session.value.writeOut()
        }
    }

    /// Tells the hub what has arrived and is no whole request yet, or waits.
    func accountForInput() {
        let bytes = input.bytes.readableBytes
        hub.count(input: bytes - inputBytes)
        inputBytes = bytes
    }

    // MARK: Writing

    /// Has a buffer at hand to write replies into.
    func prepareOut() {
        if out.capacity == 0 { out = hub.takeBuffer() }
    }

    /// Writes what there is if the channel takes it; at the end of all that has come or was
    /// answered at a time.
    func writeOut() {
        defer { accountForMemory() }
        guard out.readableBytes > 0, isWritable, let context else { return }
        let count = out.readableBytes
        hub.counters.bytesWritten += count
        context.writeAndFlush(wrapOutboundOut(out), promise: nil)
        hub.giveBack(&out)
        // Writing has told whether the channel can take more.
        if !isWritable { unsentBytes += count }
    }

    /// Tells the hub what this session holds for its client.
    func accountForMemory() {
        let bytes = phase == .closed ? 0 : out.readableBytes + answeredBytes + unsentBytes
        guard bytes != heldBytes else { return }
        let change = bytes - heldBytes
        heldBytes = bytes
        hub.count(held: change)
    }

    var holdsNothing: Bool { heldBytes == 0 }

    // MARK: Closing

    /// Writes what is there, then closes.
    func closeAfterReplies() {
        guard phase == .open, let context else { return }
        phase = .lingering
        dropWork()
        let session = NIOLoopBound(self, eventLoop: context.eventLoop)
        let written = context.eventLoop.makePromise(of: Void.self)
        hub.counters.bytesWritten += out.readableBytes
        context.writeAndFlush(wrapOutboundOut(out), promise: written)
        out = ByteBuffer()
        written.futureResult.whenComplete { _ in session.value.closeOutput() }
        context.eventLoop.scheduleTask(in: Self.lingerMax) { session.value.close() }
    }

    private func closeOutput() {
        if isInputClosed { return close() }
        context?.close(mode: .output, promise: nil)
        readIfOwed()
    }

    /// Closes at once.
    func close() {
        context?.close(promise: nil)
    }

    /// A client may close its side and still wait for the replies that it is owed.
    private func closeIfDone() {
        guard isInputClosed, phase == .open, isStarved, pending.isEmpty, held == nil else { return }
        closeAfterReplies()
    }

    private func release() {
        guard phase != .closed else { return }
        phase = .closed
        dropWork()
        out = ByteBuffer()
        accountForMemory()
        hub.remove(self)
    }

    private func dropWork() {
        held = nil
        pending.removeAll()
        answeredBytes = 0
        input = ReceiveBuffer()
        accountForInput()
    }
}
