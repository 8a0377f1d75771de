import HengeRESP
import HengeRing
import NIOCore
import NIOPosix

/// The ports of a node that is in no ring yet: held, so that nobody else takes them meanwhile and
/// the operator hears at once when somebody has them already.
///
/// To clients it says what it is; peers find nobody. Confined to the event loop.
final class CandidateListeners {
    private let settings: NodeSettings
    private let eventLoop: any EventLoop
    private var listeners: [any Channel] = []
    private var clients: [ObjectIdentifier: any Channel] = [:]

    init(settings: NodeSettings, eventLoop: any EventLoop) {
        self.settings = settings
        self.eventLoop = eventLoop
    }

    func listen() -> EventLoopFuture<Void> {
        let listeners = NIOLoopBound(self, eventLoop: eventLoop)
        let name = settings.name
        let resp = settings.respAddress
        return bind(settings.peerAddress) { $0.close() }
            .flatMap {
                listeners.value.bind(resp) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let session = CandidateSession(name: name)
                        try channel.pipeline.syncOperations.addHandler(session)
                        listeners.value.track(channel)
                    }
                }
            }
    }

    private func bind(
        _ address: HostPort,
        _ accept: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<Void> {
        let listeners = NIOLoopBound(self, eventLoop: eventLoop)
        return ServerBootstrap(group: eventLoop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer(accept)
            .bind(host: address.host, port: Int(address.port))
            .map { listeners.value.listeners.append($0) }
    }

    private func track(_ channel: any Channel) {
        guard clients.count < settings.connectionsMax else { return channel.close(promise: nil) }
        let id = ObjectIdentifier(channel)
        clients[id] = channel
        let listeners = NIOLoopBound(self, eventLoop: eventLoop)
        channel.closeFuture.whenComplete { _ in listeners.value.clients[id] = nil }
    }

    /// Ends when the ports are free again.
    func stop() -> EventLoopFuture<Void> {
        for (_, channel) in clients { channel.close(promise: nil) }
        let closed = listeners.map { listener in
            listener.close().flatMapError { _ in listener.eventLoop.makeSucceededVoidFuture() }
        }
        listeners = []
        return EventLoopFuture.andAllComplete(closed, on: eventLoop)
    }
}

/// Answers PING, and all else with what the node waits for.
///
/// The code is the one with which Redis refuses while it loads its data: clients take it for what
/// passes.
final class CandidateSession: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Of any request that makes sense here.
    private static let limits = RESPLimits(argumentBytesMax: 4096)
    private static let inputBytesMax = 64 * 1024

    private let name: String
    private var input = ReceiveBuffer()
    private var parser = RESPRequestParser(limits: CandidateSession.limits)

    init(name: String) {
        self.name = name
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.append(unwrapInboundIn(data))
        var out = context.channel.allocator.buffer(capacity: 128)
        var isOver = input.bytes.readableBytes > Self.inputBytesMax
        do throws(RESPProtocolError) {
            while !isOver, let command = try parser.next(&input.bytes) {
                isOver = answer(command, into: &out)
            }
        } catch {
            RESPWriter(.v2).error(error.message, into: &out)
            isOver = true
        }
        input.settle()
        let channel = context.channel
        let written = context.writeAndFlush(wrapOutboundOut(out))
        if isOver { written.whenComplete { _ in channel.close(promise: nil) } }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// Returns whether the client is done.
    private func answer(_ command: RESPCommand, into out: inout ByteBuffer) -> Bool {
        let writer = RESPWriter(.v2)
        let word = command.count > 0 ? String(buffer: command[0]).lowercased() : ""
        switch (word, command.count) {
        case ("ping", 1): writer.pong(into: &out)
        case ("ping", 2): writer.bulk(command[1], into: &out)
        case ("quit", _):
            writer.ok(into: &out)
            return true
        default:
            writer.error(
                "LOADING node \(name) is a candidate and owns nothing yet;"
                    + " 'henge ring add \(name)' at a member takes it in",
                into: &out
            )
        }
        return false
    }
}
