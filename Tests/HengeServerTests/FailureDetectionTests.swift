import Foundation
import HengeBase
import HengeMessages
import HengeRESP
import HengeRing
import HengeServer
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

/// A real node, n1, and what it thinks of an n2 that this test plays.
@Suite(.serialized) struct FailureDetectionTests {
    @Test("a peer that freezes is suspected, then down; when it goes on it is up within seconds")
    func freeze() async throws {
        try await withNode { node, peer in
            try await eventually("n2 is up") {
                let status = try await node.peer()
                return status["state"]?.text == "up" && status["connected"] == .boolean(true)
                    && (status["last_contact_ms"]?.int ?? .max) < 1000
            }
            // Some rounds, so that it is judged by its own heartbeats.
            try await eventually("n2 has answered") { peer.answers >= 5 }
            let begin = ContinuousClock.now
            peer.freeze(true)
            var states: [String] = []
            try await eventually("n2 is down") {
                let status = try await node.peer()
                let state = status["state"]?.text ?? ""
                if states.last != state { states.append(state) }
                return state == "down"
            }
            // Suspicion lasts a few rounds of 300 ms, which a busy machine may not get to see.
            let order = ["up", "suspect", "down"]
            #expect(states == order.filter(states.contains))
            // Some ten rounds; without a detector nothing would end the silence.
            #expect(ContinuousClock.now - begin < .seconds(30))
            #expect(try await node.peer()["connected"] == .boolean(false))
            let goesOn = ContinuousClock.now
            peer.freeze(false)
            try await eventually("n2 is up again") {
                try await node.peer()["state"]?.text == "up"
            }
            #expect(ContinuousClock.now - goesOn < .seconds(30))
        }
    }

    @Test("a peer that says it stops is down while its connection is still there")
    func leaving() async throws {
        try await withNode { node, peer in
            try await eventually("n2 has answered") { peer.answers >= 1 }
            peer.leave()
            try await eventually("n2 is down") {
                try await node.peer()["state"]?.text == "down"
            }
            #expect(try await node.peer()["connected"] == .boolean(true))
        }
    }

    private func withNode(
        _ body: @Sendable (TestClient, PlayedPeer) async throws -> Void
    ) async throws {
        let ports = try await TestCluster.freePorts(3)
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "henge-tests-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let list = "n1=127.0.0.1:\(ports[1]),n2=127.0.0.1:\(ports[2])"
        let bootstrap = try BootstrapList.parse(list)
        guard let resp = HostPort("127.0.0.1:\(ports[0])"),
            let peerAddress = HostPort("127.0.0.1:\(ports[1])")
        else { throw TestError.badPort }
        var settings = NodeSettings(
            name: "n1",
            dataDirectory: directory.path,
            respAddress: resp,
            peerAddress: peerAddress,
            bootstrap: bootstrap
        )
        settings.partitions = 64
        settings.control.interval = .milliseconds(300)
        let document = try RingDocument.bootstrap(bootstrap, replicas: 3, partitions: 64)
        let peer = PlayedPeer(document)
        let listener = try await peer.listen(port: ports[2])
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = Server(settings: settings, logger: logger) { _ in }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let client = try await connect(port: ports[0])
            try await body(client, peer)
            group.cancelAll()
            try await group.waitForAll()
        }
        try await listener.close()
    }

    private func connect(port: Int) async throws -> TestClient {
        var client: TestClient?
        try await eventually("n1 serves") {
            client = try? await TestClient.connect(port: port)
            return client != nil
        }
        guard let client else { throw TestError.notReached("n1 serves") }
        _ = try await client("HELLO 3")
        return client
    }
}

extension TestClient {
    /// What the node says of n2.
    fileprivate func peer() async throws -> RESPValue {
        try await value("HENGE.STATUS")["peers"]?["n2"] ?? .null
    }
}

/// Speaks as n2: greets, and answers digests with a heartbeat, unless it is frozen.
private final class PlayedPeer: Sendable {
    struct State {
        var isFrozen = false
        var beat: UInt64 = 0
        var channels: [any Channel] = []
    }

    let hello: PeerHello
    let state = NIOLockedValueBox(State())

    init(_ document: RingDocument) {
        hello = PeerHello(
            clusterID: document.clusterID,
            node: document.members[1].id,
            name: "n2",
            epoch: document.epoch,
            life: 1 << 24,
            respAddress: "",
            httpAddress: ""
        )
    }

    /// How many digests were answered.
    var answers: UInt64 { state.withLockedValue { $0.beat } }

    func freeze(_ isFrozen: Bool) {
        state.withLockedValue { $0.isFrozen = isFrozen }
    }

    func leave() {
        let channels = state.withLockedValue { $0.channels }
        for channel in channels { channel.write(.gossip(.leaving)) }
    }

    func listen(port: Int) async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                self.state.withLockedValue { $0.channels.append(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(PlayedHandler(self))
                }
            }
            .bind(host: "127.0.0.1", port: port)
            .get()
    }
}

/// What comes while the peer is frozen waits, as it would in the buffers of a stopped process.
private final class PlayedHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let peer: PlayedPeer
    private var received = ByteBuffer()
    private var isGreeted = false
    private var hasGreeted = false

    init(_ peer: PlayedPeer) {
        self.peer = peer
    }

    func channelActive(context: ChannelHandlerContext) {
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let channel = context.channel
        let task = context.eventLoop.scheduleRepeatedTask(
            initialDelay: .zero,
            delay: .milliseconds(5)
        ) { _ in handler.value.work(channel) }
        channel.closeFuture.whenComplete { _ in task.cancel() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
    }

    private func work(_ channel: any Channel) {
        guard !peer.state.withLockedValue({ $0.isFrozen }) else { return }
        if !hasGreeted {
            hasGreeted = true
            channel.writeFrame { peer.hello.write(into: &$0) }
        }
        while let payload = try? Frame.read(from: &received) {
            // The first is the node's own greeting.
            guard isGreeted else {
                isGreeted = true
                continue
            }
            guard case .gossip(.digest)? = try? PeerMessageCodec.read(payload) else { continue }
            let beat = peer.state.withLockedValue { state in
                state.beat += 1
                return state.beat
            }
            let own = Heartbeat(node: peer.hello.node, life: peer.hello.life, beat: beat)
            channel.write(.gossip(.news([own])))
        }
    }
}

extension Channel {
    fileprivate func write(_ message: PeerMessage) {
        writeFrame { PeerMessageCodec.write(message, into: &$0) }
    }

    fileprivate func writeFrame(_ body: (inout ByteBuffer) -> Void) {
        var bytes = ByteBuffer()
        Frame.write(into: &bytes, body)
        writeAndFlush(bytes, promise: nil)
    }
}
