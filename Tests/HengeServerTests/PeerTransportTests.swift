import HengeBase
import HengeMessages
import HengeRing
import NIOCore
import NIOPosix
import Testing

/// What a node does with strangers and liars on its peer port.
@Suite(.serialized) struct PeerTransportTests {
    @Test("a hello of another cluster, of no member or of another version ends the connection")
    func refusedHellos() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let ring = try cluster.document()
            let good = PeerHello(
                clusterID: ring.clusterID,
                node: NodeID(2),
                name: "n2",
                epoch: 1,
                life: 1,
                respAddress: "",
                httpAddress: ""
            )
            var wrongCluster = good
            wrongCluster.clusterID ^= 1
            var stranger = good
            stranger.node = NodeID(9)
            var liar = good
            liar.name = "n3"
            var newer = good
            newer.versions = 200...300
            var itself = good
            itself.node = NodeID(1)
            for hello in [wrongCluster, stranger, liar, newer, itself] {
                var bytes = ByteBuffer()
                Frame.write(into: &bytes) { hello.write(into: &$0) }
                #expect(try await cluster.isClosed(after: bytes), "\(hello)")
            }
            try await cluster.isWhole()
        }
    }

    @Test("garbage, a huge length and a bad checksum end the connection and harm nobody")
    func garbage() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            var random = SeededGenerator(seed: 1)
            for length in [9, 100, 10_000] {
                let noise = ByteBuffer(bytes: (0..<length).map { _ in UInt8(random.below(256)) })
                #expect(try await cluster.isClosed(after: noise), "\(length) random bytes")
            }
            let huge = ByteBuffer(integer: UInt64.max)
            #expect(try await cluster.isClosed(after: huge))
            var damaged = ByteBuffer()
            Frame.write(into: &damaged) { $0.writeString("no hello") }
            damaged.setInteger(UInt8(0), at: damaged.writerIndex - 1)
            #expect(try await cluster.isClosed(after: damaged))
            try await cluster.isWhole()
        }
    }

    @Test("a connection whose peer talks nonsense is closed, and the real peer comes back")
    func nonsenseAfterHello() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            // Nodes do not prove who they are yet, so this displaces n2 for a moment.
            let hello = PeerHello(
                clusterID: try cluster.document().clusterID,
                node: NodeID(2),
                name: "n2",
                epoch: 1,
                life: 1,
                respAddress: "",
                httpAddress: ""
            )
            var bytes = ByteBuffer()
            Frame.write(into: &bytes) { hello.write(into: &$0) }
            Frame.write(into: &bytes) { $0.writeRepeatingByte(0xFF, count: 40) }
            #expect(try await cluster.isClosed(after: bytes))
            try await cluster.isWhole()
        }
    }

    @Test("a message of more than the channel takes at a time is sent once")
    func largeMessages() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let client = try await cluster.client()
            let value = String(repeating: "x", count: 1 << 20)
            for number in 0..<4 {
                let reply = try await client(["SET", "k\(number)", value, "CONSISTENCY", "ALL"])
                #expect(reply == "+OK")
            }
            let http = try await cluster.http()
            let page = try await http(.GET, "/metrics").text
            for peer in ["n2", "n3"] {
                let name = #"henge_peer_sent_bytes_total{peer="\#(peer)"} "#
                let line = try #require(page.split(separator: "\n").first { $0.hasPrefix(name) })
                let bytes = try #require(Double(line.dropFirst(name.count)))
                #expect(bytes >= 4 * Double(value.utf8.count), "\(peer)")
                #expect(bytes < 5 * Double(value.utf8.count), "\(peer)")
            }
            try await http.close()
            try await client.close()
        }
    }

    @Test("a connection that says nothing is closed in time")
    func silence() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1) { cluster in
            let isClosed = try await cluster.isClosed(after: ByteBuffer())
            #expect(isClosed)
        }
    }
}

extension TestCluster {
    func document() throws -> RingDocument {
        try RingDocument.bootstrap(bootstrap, replicas: 3, partitions: 64)
    }

    /// Whether the first node ends a connection to its peer port on which it gets these bytes.
    func isClosed(after bytes: ByteBuffer) async throws -> Bool {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: peerPorts[0])
            .get()
        if bytes.readableBytes > 0 { try? await channel.writeAndFlush(bytes) }
        try await eventually("the node closes the connection") { channel.isActive == false }
        return !channel.isActive
    }

    /// Waits until a write at ALL succeeds through each node.
    func isWhole() async throws {
        for node in respPorts.indices {
            let client = try await client(node)
            try await eventually("node \(node) reaches all replicas") {
                try await client("SET whole:\(node) 1 CONSISTENCY ALL") == "+OK"
            }
            try await client.close()
        }
    }
}
