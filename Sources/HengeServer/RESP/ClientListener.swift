import HengeBase
import HengeRESP
import HengeRing
import Logging
import NIOCore
import NIOPosix

/// Accepts RESP clients: the first shard's does, for all shards of its node in turn.
///
/// Confined to the driver's event loop, on which its sessions run, too.
final class ClientListener {
    private static let backlog: Int32 = 4096

    private let driver: NodeDriver
    private let connections: ConnectionCount
    private let hub: ClientHub
    private var channel: (any Channel)?

    init(driver: NodeDriver, connections: ConnectionCount) {
        self.driver = driver
        self.connections = connections
        hub = ClientHub(driver: driver)
    }

    /// Accepts connections from now on. Fails when the address can't be bound.
    ///
    /// - Parameters:
    ///   - listeners: those of all shards.
    ///   - loops: theirs, which connections go to one after the other.
    func listen(
        on address: HostPort,
        for listeners: [NIOLoopBound<ClientListener>],
        _ loops: MultiThreadedEventLoopGroup
    ) -> EventLoopFuture<Void> {
        let own = NIOLoopBound(self, eventLoop: driver.eventLoop)
        return ServerBootstrap(group: driver.eventLoop, childGroup: loops)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: Self.backlog)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: 256 << 10, high: ClientSession.outputBytesMax)
            )
            // Each connection keeps its last receive buffer: small ones, so that idle ones cost
            // little.
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 65536)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let listener = listeners.first { $0.eventLoop === channel.eventLoop }
                    try listener?.value.accept(channel)
                }
            }
            .bind(host: address.host, port: Int(address.port))
            .hop(to: driver.eventLoop)
            .map { own.value.channel = $0 }
    }

    private func accept(_ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        guard connections.add() else {
            hub.counters.connectionsRejected += 1
            return try pipeline.addHandler(RefusedClient())
        }
        channel.closeFuture.whenComplete { [connections] _ in connections.remove() }
        try pipeline.addHandler(ClientSession(hub: hub))
    }

    /// Takes no more connections, and no more commands from those that there are.
    func stopAccepting() {
        hub.isDraining = true
        channel?.close(promise: nil)
        channel = nil
    }

    /// Whether every command that has begun is answered.
    var owesNothing: Bool { hub.sessions.allSatisfy { $0.value.pending.isEmpty } }

    var isEmpty: Bool { hub.sessions.isEmpty }

    /// Has every connection close once its client has taken its replies.
    func closeGently() {
        for (_, session) in hub.sessions { session.closeAfterReplies() }
    }

    /// Closes every connection.
    func stop() {
        stopAccepting()
        for (_, session) in hub.sessions { session.close() }
    }
}

/// Tells one client too many so, and closes its connection.
private final class RefusedClient: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        var out = context.channel.allocator.buffer(capacity: 64)
        RESPWriter(.v2).error("ERR max number of clients reached", into: &out)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(out)).whenComplete { _ in channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What it wants does not matter any more.
    }
}
