import HengeClient
import HengeRESP
import NIOCore
import NIOPosix

/// A node on loopback whose answers a test writes down.
final class ScriptedNode: Sendable {
    /// What it does about a request.
    enum Answer: Sendable {
        /// Each piece is flushed on its own, in a turn of the loop of its own.
        case pieces([String])
        case piecesThenClose([String])
        case silence

        static func reply(_ text: String) -> Answer { .pieces([text]) }

        /// The reply cut after every byte.
        static func trickle(_ text: String) -> Answer {
            .pieces(text.utf8.map { String(decoding: [$0], as: UTF8.self) })
        }
    }

    typealias Script = @Sendable ([String]) -> Answer

    let address: HengeAddress
    private let channel: any Channel
    private let log: NIOLoopBoundBox<[[String]]>

    private init(_ channel: any Channel, _ log: NIOLoopBoundBox<[[String]]>) {
        self.channel = channel
        self.log = log
        address = HengeAddress(host: "127.0.0.1", port: channel.localAddress?.port ?? 0)
    }

    /// Starts a node that answers HELLO and HENGE.BUCKET by itself, and the rest by `script`.
    static func start(_ script: @escaping Script) async throws -> ScriptedNode {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let log = try await loop.submit { NIOLoopBoundBox([[String]](), eventLoop: loop) }.get()
        // All on one loop, so that the log needs no lock.
        let channel = try await ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(ScriptHandler(script, log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return ScriptedNode(channel, log)
    }

    /// A loopback port that nobody listens on.
    static func unusedAddress() async throws -> HengeAddress {
        let node = try await start { _ in .silence }
        await node.stop()
        return node.address
    }

    /// The requests so far, greetings included.
    func requests() async throws -> [[String]] {
        try await channel.eventLoop.submit { [log] in log.value }.get()
    }

    /// Stops listening; connections stay.
    func stop() async {
        try? await channel.close().get()
    }
}

private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let script: ScriptedNode.Script
    private let log: NIOLoopBoundBox<[[String]]>
    private var inbox = ReceiveBuffer()
    private var parser = RESPRequestParser()

    init(_ script: @escaping ScriptedNode.Script, _ log: NIOLoopBoundBox<[[String]]>) {
        self.script = script
        self.log = log
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inbox.append(unwrapInboundIn(data))
        while let command = try? parser.next(&inbox.bytes) {
            let words = command.arguments.map { String(buffer: $0) }
            log.value.append(words)
            switch words[0] {
            case "HELLO": answer(.reply("%1\r\n+proto\r\n:3\r\n"), context)
            case "HENGE.BUCKET" where words[1] != "forbidden": answer(.reply("+OK\r\n"), context)
            default: answer(script(words), context)
            }
        }
        inbox.settle()
    }

    private func answer(_ answer: ScriptedNode.Answer, _ context: ChannelHandlerContext) {
        switch answer {
        case .silence:
            break
        case .pieces(let pieces):
            for piece in pieces { write(piece, context) }
        case .piecesThenClose(let pieces):
            for piece in pieces { write(piece, context) }
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.eventLoop.execute { bound.value.close(promise: nil) }
        }
    }

    private func write(_ piece: String, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let context = bound.value
            context.writeAndFlush(NIOAny(ByteBuffer(string: piece)), promise: nil)
        }
    }
}
