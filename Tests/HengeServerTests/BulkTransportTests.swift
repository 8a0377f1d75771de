import HengeBase
import HengeMessages
import HengeRing
import HengeServer
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

/// Bulk connections over real sockets: to a real node, to a scripted one, and from liars.
@Suite(.serialized) struct BulkTransportTests {
    private static func fetch(_ number: Int, padding: Int = 0) -> PeerMessage {
        let key = StoredKey(
            bucket: ByteBuffer(string: "b"),
            key: ByteBuffer(repeating: 0x61, count: 1 + padding)
        )
        let id = RequestID(slot: UInt32(number), generation: 1)
        return .fetch(id, key, .digest, timeout: .seconds(1), epoch: 1)
    }

    // MARK: A real node

    @Test("a node takes bulk messages, counts them, and its other links stay as they are")
    func realNode() async throws {
        try await TestCluster.with(nodes: 3, shards: 1) { cluster in
            let sender = try BulkSender(to: cluster)
            for number in 0..<5 {
                try await sender.send(Self.fetch(number, padding: 200), to: NodeID(1))
            }
            // The nodes compare, too, after some seconds.
            try await eventually("all five are there") {
                try await cluster.bulkCounter("messages_received") >= 5
            }
            let counters = try await sender.counters()
            #expect(counters.bytesRawSent > 5 * 200)
            #expect(counters.bytesCompressedSent < counters.bytesRawSent / 2)
            #expect(try await cluster.bulkCounter("bytes_raw_received") >= counters.bytesRawSent)
            let packed = try await cluster.bulkCounter("bytes_compressed_received")
            #expect(packed >= counters.bytesCompressedSent)
            // One connection for all, or few when the machine is so busy that a handshake is late.
            #expect((1..<5).contains(counters.dials) && counters.messagesDropped == 0)
            // The real n2 gets the answers, on the connection for requests.
            let second = try await cluster.client(1)
            try await eventually("five answers that n2 never asked for") {
                try await second.value("HENGE.STATUS")["late_answers"]?.int == 5
            }
            try await cluster.isUntouched()
            try await sender.stop()
        }
    }

    @Test("what another process of a node says of its records is not taken for the present one's")
    func earlierLife() async throws {
        try await TestCluster.with(nodes: 3, shards: 1) { cluster in
            // From here on n2 is connected, in a life of its own.
            try await cluster.isUntouched()
            let sender = try BulkSender(to: cluster)
            let id = RequestID(slot: 1, generation: 1)
            try await sender.send(.entropy(id, .askHeld), to: NodeID(1))
            try await eventually("it is dropped") {
                try await cluster.bulkCounter("messages_stale") == 1
            }
            // Records are good from whomever they come.
            try await sender.send(.handOff(id, []), to: NodeID(1))
            let second = try await cluster.client(1)
            try await eventually("the answer to a hand-over that n2 never sent") {
                try await second.value("HENGE.STATUS")["late_answers"]?.int == 1
            }
            #expect(try await cluster.bulkCounter("messages_stale") == 1)
            try await cluster.isUntouched()
            try await sender.stop()
        }
    }

    @Test("garbage, bombs, cut frames and gossip end a bulk connection and harm nobody")
    func hostile() async throws {
        try await TestCluster.with(nodes: 3, shards: 1) { cluster in
            var random = SeededGenerator(seed: 3)
            let noise = ByteBuffer(bytes: (0..<5000).map { _ in UInt8(random.below(256)) })
            var unreadable = ByteBuffer()
            Frame.write(into: &unreadable) { $0.writeImmutableBuffer(noise) }
            var bomb = ByteBuffer()
            Frame.write(into: &bomb) {
                $0.writeInteger(UInt32(60 << 20))
                $0.writeRepeatingByte(0x78, count: 64)
            }
            let nonsense = BulkCodec.frame(noise)
            var gossip = ByteBuffer()
            PeerMessageCodec.write(.gossip(.leaving), into: &gossip)
            let damage = [noise, unreadable, bomb, nonsense, BulkCodec.frame(gossip)]
            for (index, bytes) in damage.enumerated() {
                #expect(try await cluster.closesBulk(after: bytes), "\(index)")
                #expect(try await cluster.bulkCounter("malformed") == index + 1)
            }
            try await cluster.isUntouched()
        }
    }

    @Test("a frame that never ends is dropped with its connection")
    func cutFrame() async throws {
        try await TestCluster.with(nodes: 3, shards: 1) { cluster in
            var message = ByteBuffer()
            PeerMessageCodec.write(Self.fetch(1), into: &message)
            let frame = BulkCodec.frame(message)
            let channel = try await cluster.bulkChannel()
            try await channel.writeAndFlush(frame.getSlice(at: 0, length: 20)!)
            try await channel.close()
            // The next connection of the same node begins anew.
            let again = try await cluster.bulkChannel()
            try await again.writeAndFlush(frame)
            try await eventually("the whole one is there") {
                try await cluster.bulkCounter("messages_received") == 1
            }
            #expect(try await cluster.bulkCounter("malformed") == 0)
            try await again.close()
            try await cluster.isUntouched()
        }
    }

    // MARK: A scripted node

    @Test("bytes of comparisons and of hand-offs are counted apart, as all of them together")
    func traffic() async throws {
        let listener = try await ScriptedPeer.listen()
        let sender = try BulkSender(to: listener.port)
        let id = RequestID(slot: 1, generation: 1)
        let sums = [PartitionRoot](repeating: PartitionRoot(partition: 1, root: 7), count: 1000)
        try await sender.send(.entropy(id, .roots(sums, clocks: ToldClocks([]))), to: NodeID(1))
        try await sender.send(.handedOff(id, .overloaded), to: NodeID(1))
        try await sender.send(Self.fetch(1), to: NodeID(1))
        try await eventually("all come") { listener.messages.count == 3 }
        let counters = try await sender.counters()
        let sizes = listener.messages.map { message in
            var bytes = ByteBuffer()
            PeerMessageCodec.write(message, into: &bytes)
            return bytes.readableBytes
        }
        #expect(counters.entropyBytesRawSent == sizes[0])
        #expect(counters.handOffBytesRawSent == sizes[1])
        #expect(counters.bytesRawSent == sizes.reduce(0, +))
        #expect(counters.entropyBytesCompressedSent < sizes[0] / 10)
        #expect(counters.handOffBytesCompressedSent > 0)
        #expect(
            counters.entropyBytesCompressedSent + counters.handOffBytesCompressedSent
                < counters.bytesCompressedSent
        )
        try await sender.stop()
        try await listener.stop()
    }

    @Test("a stopped transport may be let go of while its connections end")
    func letGo() async throws {
        let listener = try await ScriptedPeer.listen()
        for number in 1...50 {
            // Without a wait it is let go of while it dials, with one while it sends.
            let sender = try BulkSender(to: listener.port)
            try await sender.send(Self.fetch(number), to: NodeID(1))
            if number.isMultiple(of: 2) {
                try await eventually("it comes") {
                    listener.messages.contains(Self.fetch(number))
                }
                try await sender.send(Self.fetch(number, padding: 50_000), to: NodeID(1))
            }
            try await sender.stop()
        }
        try await eventually("every connection ends") { listener.closed >= 25 }
        try await listener.stop()
    }

    @Test("an idle connection closes, and the next message dials again")
    func idle() async throws {
        let listener = try await ScriptedPeer.listen()
        var limits = BulkTransport.Limits()
        limits.idleMax = .milliseconds(500)
        let sender = try BulkSender(to: listener.port, limits: limits)
        try await sender.send(Self.fetch(1), to: NodeID(1))
        try await eventually("the first comes") { listener.messages.count == 1 }
        try await eventually("the connection closes") { listener.closed == 1 }
        try await sender.send(Self.fetch(2), to: NodeID(1))
        try await eventually("the second comes") { listener.messages.count == 2 }
        #expect(try await sender.counters().dials == 2)
        #expect(listener.messages == [Self.fetch(1), Self.fetch(2)])
        try await sender.stop()
        try await listener.stop()
    }

    @Test("what goes beyond the queue is dropped, and one message larger than it still goes")
    func boundedQueue() async throws {
        let listener = try await ScriptedPeer.listen(greets: false)
        var limits = BulkTransport.Limits()
        limits.queuedBytesMax = 10_000
        let sender = try BulkSender(to: listener.port, limits: limits)
        try await sender.send(Self.fetch(0, padding: 50_000), to: NodeID(1))
        for number in 1...10 {
            try await sender.send(Self.fetch(number, padding: 3000), to: NodeID(1))
        }
        #expect(try await sender.counters().messagesDropped == 10)
        try await listener.greet()
        try await eventually("the large one comes") { listener.messages.count == 1 }
        try await eventually("the queue is empty and takes three more") {
            try await sender.send(Self.fetch(11, padding: 3000), to: NodeID(1))
            return listener.messages.count > 1
        }
        try await sender.stop()
        try await listener.stop()
    }

    @Test("while nobody listens messages are dropped, and the link comes back after its backoff")
    func backoff() async throws {
        let listener = try await ScriptedPeer.listen()
        try await listener.stop()
        var limits = BulkTransport.Limits()
        limits.backoffMin = .milliseconds(20)
        limits.backoffMax = .milliseconds(40)
        let sender = try BulkSender(to: listener.port, limits: limits)
        try await eventually("some are dropped") {
            try await sender.send(Self.fetch(1), to: NodeID(1))
            return try await sender.counters().messagesDropped > 3
        }
        let again = try await ScriptedPeer.listen(on: listener.port)
        try await eventually("one comes through") {
            try await sender.send(Self.fetch(2), to: NodeID(1))
            return !again.messages.isEmpty
        }
        try await sender.stop()
        try await again.stop()
    }

    @Test("a peer that turns out to be another is not sent anything")
    func wrongPeer() async throws {
        let listener = try await ScriptedPeer.listen(name: "n9", node: NodeID(9))
        let sender = try BulkSender(to: listener.port)
        try await sender.send(Self.fetch(1), to: NodeID(1))
        try await eventually("the message is dropped") {
            try await sender.counters().messagesDropped == 1
        }
        #expect(listener.messages.isEmpty)
        try await sender.stop()
        try await listener.stop()
    }
}

extension TestCluster {
    fileprivate func bulkCounter(_ name: String) async throws -> Int {
        let client = try await client()
        let status = try await client.value("HENGE.STATUS")
        try await client.close()
        return try #require(status["bulk_" + name]?.int)
    }

    /// A connection to the first node that has shaken hands as n2, for bulk.
    fileprivate func bulkChannel() async throws -> any Channel {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: peerPorts[0])
            .get()
        var bytes = ByteBuffer()
        let hello = try bulkHello(node: NodeID(2), name: "n2")
        Frame.write(into: &bytes) { hello.write(into: &$0) }
        try await channel.writeAndFlush(bytes)
        return channel
    }

    fileprivate func closesBulk(after bytes: ByteBuffer) async throws -> Bool {
        let channel = try await bulkChannel()
        try? await channel.writeAndFlush(bytes)
        try await eventually("the node closes the connection") { !channel.isActive }
        return !channel.isActive
    }

    fileprivate func bulkHello(node: NodeID, name: String) throws -> PeerHello {
        let ring = try RingDocument.bootstrap(bootstrap, replicas: 3, partitions: 64)
        return PeerHello(
            clusterID: ring.clusterID,
            node: node,
            name: name,
            epoch: 1,
            life: 1,
            respAddress: "",
            httpAddress: "",
            purpose: .bulk
        )
    }

    /// All three nodes still count for each other: nothing of the above was a reason to believe
    /// otherwise.
    fileprivate func isUntouched() async throws {
        let client = try await client()
        #expect(try await client("SET untouched 1 CONSISTENCY ALL") == "+OK")
        try await client.close()
    }
}

/// A bulk transport on a loop of its own, as n2, with n1 as its only peer.
private struct BulkSender: Sendable {
    private let transport: NIOLoopBound<BulkTransport>
    private let loop: any EventLoop

    init(to cluster: TestCluster) throws {
        let hello = try cluster.bulkHello(node: NodeID(2), name: "n2")
        try self.init(hello, port: cluster.peerPorts[0], BulkTransport.Limits())
    }

    init(to port: Int, limits: BulkTransport.Limits = BulkTransport.Limits()) throws {
        try self.init(ScriptedPeer.hello(NodeID(2), "n2"), port: port, limits)
    }

    private init(_ hello: PeerHello, port: Int, _ limits: BulkTransport.Limits) throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        let peer = Member(
            id: NodeID(1),
            name: "n1",
            peerAddress: "127.0.0.1:\(port)"
        )
        transport = try loop.submit {
            let transport = BulkTransport(
                eventLoop: loop,
                hello: hello,
                peers: [peer],
                limits: limits,
                seed: 1,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                deliver: { _, _ in }
            )
            return NIOLoopBound(transport, eventLoop: loop)
        }.wait()
    }

    func send(_ message: PeerMessage, to target: NodeID) async throws {
        try await loop.submit { transport.value.send(message, to: target) }.get()
    }

    func counters() async throws -> BulkTransport.Counters {
        try await loop.submit { transport.value.counters }.get()
    }

    func stop() async throws {
        try await loop.submit { transport.value.stop() }.get()
    }
}

/// A peer port that shakes hands and notes what comes.
private final class ScriptedPeer: Sendable {
    private struct Seen {
        var messages: [PeerMessage] = []
        var closed = 0
        var waiting: [any Channel] = []
    }

    let port: Int
    private let channel: any Channel
    private let seen: NIOLockedValueBox<Seen>
    private let hello: PeerHello

    var messages: [PeerMessage] { seen.withLockedValue { $0.messages } }
    var closed: Int { seen.withLockedValue { $0.closed } }

    static func hello(_ node: NodeID, _ name: String) -> PeerHello {
        PeerHello(
            clusterID: 5,
            node: node,
            name: name,
            epoch: 1,
            life: 1,
            respAddress: "",
            httpAddress: ""
        )
    }

    static func listen(
        on port: Int = 0,
        name: String = "n1",
        node: NodeID = NodeID(1),
        greets: Bool = true
    ) async throws -> ScriptedPeer {
        let seen = NIOLockedValueBox(Seen())
        let hello = Self.hello(node, name)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                if greets {
                    Self.say(hello, on: channel)
                } else {
                    seen.withLockedValue { $0.waiting.append(channel) }
                }
                return channel.eventLoop.makeCompletedFuture {
                    let reader = Reader { message in
                        seen.withLockedValue { $0.messages.append(message) }
                    } onClose: {
                        seen.withLockedValue { $0.closed += 1 }
                    }
                    try channel.pipeline.syncOperations.addHandler(reader)
                }
            }
            .bind(host: "127.0.0.1", port: port)
            .get()
        return ScriptedPeer(channel, seen, hello)
    }

    private init(_ channel: any Channel, _ seen: NIOLockedValueBox<Seen>, _ hello: PeerHello) {
        self.channel = channel
        self.seen = seen
        self.hello = hello
        port = channel.localAddress?.port ?? 0
    }

    private static func say(_ hello: PeerHello, on channel: any Channel) {
        // A turn later, when the channel is active.
        channel.eventLoop.execute {
            var bytes = ByteBuffer()
            Frame.write(into: &bytes) { hello.write(into: &$0) }
            channel.writeAndFlush(bytes, promise: nil)
        }
    }

    /// Says hello to those who wait for it.
    func greet() async throws {
        try await eventually("somebody dials") { !self.seen.withLockedValue { $0.waiting.isEmpty } }
        for channel in seen.withLockedValue({ $0.waiting }) { Self.say(hello, on: channel) }
    }

    func stop() async throws {
        try await channel.close()
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private var buffer = ByteBuffer()
        private var hasHello = false
        private let onMessage: (PeerMessage) -> Void
        private let onClose: () -> Void

        init(onMessage: @escaping (PeerMessage) -> Void, onClose: @escaping () -> Void) {
            self.onMessage = onMessage
            self.onClose = onClose
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            buffer.writeBuffer(&bytes)
            do {
                while let payload = try Frame.read(from: &buffer) {
                    guard hasHello else {
                        let hello = try PeerHello.read(payload)
                        #expect(hello.purpose == .bulk)
                        hasHello = true
                        continue
                    }
                    onMessage(try PeerMessageCodec.read(try BulkCodec.message(in: payload)))
                }
            } catch {
                Issue.record("unreadable: \(error)")
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            onClose()
        }
    }
}
