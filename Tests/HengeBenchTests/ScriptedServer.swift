import HengeClient
import HengeRESP
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A server that answers each request as a script says and remembers what it was asked.
final class ScriptedServer: Sendable {
    enum Answer {
        case bytes(String)
        case close
    }

    let address: HengeAddress
    private let channel: any Channel
    private let log: NIOLockedValueBox<[[String]]>

    static func start(
        _ script: @escaping @Sendable ([String]) -> Answer
    ) async throws -> ScriptedServer {
        let log = NIOLockedValueBox<[[String]]>([])
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = Handler(script: script, log: log)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        return ScriptedServer(
            address: HengeAddress(host: "127.0.0.1", port: port),
            channel: channel,
            log: log
        )
    }

    private init(
        address: HengeAddress,
        channel: any Channel,
        log: NIOLockedValueBox<[[String]]>
    ) {
        self.address = address
        self.channel = channel
        self.log = log
    }

    var requests: [[String]] { log.withLockedValue { $0 } }

    func stop() async throws {
        try await channel.close().get()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let script: @Sendable ([String]) -> Answer
        private let log: NIOLockedValueBox<[[String]]>
        private var parser = RESPRequestParser()
        private var inbox = ReceiveBuffer()

        init(
            script: @escaping @Sendable ([String]) -> Answer,
            log: NIOLockedValueBox<[[String]]>
        ) {
            self.script = script
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            inbox.append(unwrapInboundIn(data))
            var out = ByteBuffer()
            while let command = try? parser.next(&inbox.bytes) {
                let words = command.arguments.map { String(buffer: $0) }
                log.withLockedValue { $0.append(words) }
                switch script(words) {
                case .bytes(let text): out.writeString(text)
                case .close:
                    context.writeAndFlush(wrapOutboundOut(out), promise: nil)
                    return context.close(promise: nil)
                }
            }
            inbox.settle()
            context.writeAndFlush(wrapOutboundOut(out), promise: nil)
        }
    }
}
