import HengeBase
import HengeMessages
import HengeRing
import Logging
import NIOCore

/// The member's side of a candidate's connection, after the handshake.
///
/// A candidate is anybody who can reach the port, so it may send nothing but short messages, and
/// is dropped when it is silent.
final class CandidateReceiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How often a candidate says that it is there.
    static let interval = TimeAmount.seconds(2)
    /// Without a word for so long either side closes.
    static let silenceMax = Interval.seconds(10)
    /// Bytes of answers that may wait for one that doesn't read: a few rings of the largest kind.
    private static let unsentBytesMax = 8 << 20

    private let transport: PeerTransport
    private let candidate: Candidate
    private var context: ChannelHandlerContext?
    private var buffer = ByteBuffer()
    private var lastRead = SystemClock.now()
    private var unsentBytes = 0

    init(transport: PeerTransport, candidate: Candidate) {
        self.transport = transport
        self.candidate = candidate
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let ring = transport.driver.ring
        if let reason = transport.candidates.admit(candidate, self, ring: ring) {
            return refuse(reason)
        }
        send(.ring(ring.document))
        closeWhenSilent(context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        transport.candidates.closed(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard self.context != nil else { return }
        var incoming = unwrapInboundIn(data)
        lastRead = SystemClock.now()
        buffer.writeBuffer(&incoming)
        do throws(WireDecodeError) {
            while self.context != nil, let payload = try nextFrame() { try take(payload) }
        } catch {
            buffer = ByteBuffer()
            let address = context.channel.remoteAddress?.description
            transport.malformed(error, from: address ?? candidate.peerAddress)
            close()
        }
        buffer.discardReadBytes()
    }

    private func nextFrame() throws(WireDecodeError) -> ByteBuffer? {
        try Frame.read(from: &buffer, payloadMax: CandidateMessage.candidateBytesMax)
    }

    private func take(_ payload: ByteBuffer) throws(WireDecodeError) {
        guard case .disk(let free, let total) = try CandidateMessage.read(payload) else {
            throw .invalidField("a candidate may not say this")
        }
        transport.candidates.heard(self, diskFree: free, diskTotal: total)
        send(.epoch(transport.driver.ring.document.epoch))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func send(_ message: CandidateMessage) {
        guard let context else { return }
        guard unsentBytes < Self.unsentBytesMax else { return close() }
        var out = ByteBuffer()
        Frame.write(into: &out) { message.write(into: &$0) }
        let size = out.readableBytes
        unsentBytes += size
        let receiver = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(out)).whenComplete { _ in
            receiver.value.unsentBytes -= size
        }
    }

    /// Says why, in both nodes' logs, and closes.
    func refuse(_ reason: String) {
        guard let context else { return }
        transport.refusedCandidate(candidate, reason)
        var out = ByteBuffer()
        Frame.write(into: &out) { CandidateMessage.refused(reason).write(into: &$0) }
        self.context = nil
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(out)).whenComplete { _ in channel.close(promise: nil)
        }
    }

    func close() {
        context?.close(promise: nil)
        context = nil
    }

    private func closeWhenSilent(_ channel: any Channel) {
        let receiver = NIOLoopBound(self, eventLoop: channel.eventLoop)
        let wait = TimeAmount.nanoseconds(Int64(Self.silenceMax.nanoseconds))
        channel.eventLoop.scheduleTask(in: wait) {
            guard channel.isActive else { return }
            if SystemClock.now().since(receiver.value.lastRead) >= Self.silenceMax {
                channel.close(promise: nil)
            } else {
                receiver.value.closeWhenSilent(channel)
            }
        }
    }
}
