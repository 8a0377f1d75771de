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

/// Nodes that offer themselves to a cluster, real ones and liars.
@Suite(.serialized) struct CandidateTests {
    @Test("a node that joins is known to all members, says what it waits for, and goes quietly")
    func candidate() async throws {
        try await TestCluster.with(nodes: 3, shards: 1) { cluster in
            let ports = try await TestCluster.freePorts(3)
            let directory = FileManager.default.temporaryDirectory
                .appending(path: "henge-tests-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: directory) }
            // Nobody is at the first seed.
            let seeds = try [ports[2], cluster.peerPorts[0]].map(Self.local)
            var settings = NodeSettings(
                name: "n4",
                dataDirectory: directory.path,
                respAddress: try Self.local(ports[0]),
                peerAddress: try Self.local(ports[1]),
                origin: .join(seeds: seeds)
            )
            settings.zone = "z"
            settings.weight = 7
            let reports = NIOLockedValueBox<[CandidateReport]>([])
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let server = Server(
                settings: settings,
                logger: logger,
                onCandidate: { report in reports.withLockedValue { $0.append(report) } },
                onReady: { _ in Issue.record("it is in no ring") }
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                for node in 0..<3 {
                    let found = try await cluster.candidate("n4", at: node)
                    #expect(found["zone"]?.text == "z" && found["weight"]?.int == 7)
                    #expect(found["peer"]?.text == "127.0.0.1:\(ports[1])")
                    #expect(found["resp"]?.text == "127.0.0.1:\(ports[0])")
                    #expect(found["vnodes"]?.int == 0 && found["role"]?.text == "candidate")
                    #expect((found["disk_total"]?.int ?? 0) >= found["disk_free"]?.int ?? 1)
                }
                try await eventually("it has told") { reports.withLockedValue { $0.count == 1 } }
                #expect(reports.withLockedValue { $0[0].name } == "n4")
                let client = try await TestClient.connect(port: ports[0])
                #expect(try await client("PING") == "+PONG")
                for command in ["GET k", "HELLO 3", "HENGE.RING"] {
                    #expect(try await client(command).hasPrefix("-LOADING node n4"), "\(command)")
                }
                #expect(try await client("QUIT") == "+OK")
                group.cancelAll()
                try await group.waitForAll()
            }
            for node in 0..<3 {
                let client = try await cluster.client(node)
                try await eventually("node \(node) knows that it is gone") {
                    try await client.candidateNames().isEmpty
                }
            }
            try await cluster.isWhole()
        }
    }

    @Test("the name or the address of a member, or of another candidate, is refused with a reason")
    func conflicts() async throws {
        try await TestCluster.with(nodes: 3, shards: 1) { cluster in
            let first = try await cluster.offer("n4", peer: "127.0.0.1:1")
            try await eventually("n4 gets the ring") { first.rings.count == 1 }
            let member = "127.0.0.1:\(cluster.peerPorts[1])"
            let cases = [
                ("n2", "127.0.0.1:2", "the member at \(member) is called n2 already"),
                ("n9", member, "the member n2 has the address \(member) already"),
                ("n4", "127.0.0.1:2", "another candidate at 127.0.0.1:1 is called n4, too"),
                ("n9", "127.0.0.1:1", "the candidate n4 has the address 127.0.0.1:1, too"),
            ]
            for (name, peer, reason) in cases {
                let refused = try await cluster.offer(name, peer: peer)
                try await eventually("\(name) at \(peer) is refused") { !refused.isOpen }
                #expect(refused.messages == [.refused(reason)])
            }
            #expect(first.isOpen)
            // It comes again, as after a cut that it noticed first.
            let again = try await cluster.offer("n4", peer: "127.0.0.1:1")
            try await eventually("the earlier connection is closed") { !first.isOpen }
            try await eventually("n4 gets the ring again") { again.rings.count == 1 }
            let client = try await cluster.client()
            #expect(try await client.candidateNames() == ["n4"])
            // One that is a member and doesn't know it gets the ring that says so.
            let lost = try await cluster.offer("n2", peer: member)
            try await eventually("n2 gets the ring") { lost.rings.count == 1 }
            #expect(try await client.candidateNames() == ["n4"])
            try await cluster.isWhole()
        }
    }

    @Test("what a candidate may not say ends its connection and harms nobody")
    func nonsense() async throws {
        try await TestCluster.with(nodes: 3, shards: 1) { cluster in
            let document = try cluster.document()
            var forged = ByteBuffer()
            Frame.write(into: &forged) { CandidateMessage.ring(document).write(into: &$0) }
            var decided = ByteBuffer()
            Frame.write(into: &decided) { CandidateMessage.refused("you").write(into: &$0) }
            var noise = ByteBuffer()
            Frame.write(into: &noise) { $0.writeRepeatingByte(0xFF, count: 30) }
            var long = ByteBuffer(integer: UInt32(10_000))
            long.writeInteger(UInt32(0))
            for (index, bytes) in [forged, decided, noise, long].enumerated() {
                let liar = try await cluster.offer("n4", peer: "127.0.0.1:1")
                try await eventually("it is taken") { liar.rings.count == 1 }
                try await liar.channel.writeAndFlush(bytes)
                try await eventually("case \(index) is closed") { !liar.isOpen }
            }
            let stranger = try await cluster.offer("n4", peer: "127.0.0.1:1", cluster: 1)
            try await eventually("a stranger is closed") { !stranger.isOpen }
            #expect(stranger.messages.isEmpty)
            for bad in ["", "n 4"] {
                let nameless = try await cluster.offer(bad, peer: "127.0.0.1:1")
                try await eventually("a bad name is closed") { !nameless.isOpen }
                #expect(nameless.messages.isEmpty)
            }
            let client = try await cluster.client()
            try await eventually("nobody is left") { try await client.candidateNames().isEmpty }
            try await cluster.isWhole()
        }
    }

    @Test("there are at most 64 at a time")
    func bound() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1, shards: 1) { cluster in
            var offers: [ScriptedCandidate] = []
            for number in 1...64 {
                offers.append(try await cluster.offer("c\(number)", peer: "127.0.0.1:\(number)"))
            }
            try await eventually("all are taken") { offers.allSatisfy { $0.rings.count == 1 } }
            let more = try await cluster.offer("more", peer: "127.0.0.1:99")
            try await eventually("one more is refused") { !more.isOpen }
            #expect(more.messages == [.refused("there are 64 candidates already")])
            try await offers[0].channel.close()
            try await eventually("a place that is left is free again") {
                let other = try await cluster.offer("other", peer: "127.0.0.1:98")
                try await eventually("an answer") { !other.messages.isEmpty }
                defer { other.channel.close(promise: nil) }
                return other.rings.count == 1
            }
        }
    }

    private static func local(_ port: Int) throws -> HostPort {
        guard let address = HostPort("127.0.0.1:\(port)") else { throw TestError.badPort }
        return address
    }
}

extension TestCluster {
    fileprivate func candidate(_ name: String, at node: Int) async throws -> RESPValue {
        let client = try await client(node)
        var found: RESPValue?
        try await eventually("node \(node) knows \(name)") {
            let nodes = try await client.value("HENGE.RING")["nodes"]?.elements ?? []
            found = nodes.first { $0["name"]?.text == name && $0["state"]?.text == "candidate" }
            return found != nil
        }
        try await client.close()
        guard let found else { throw TestError.notReached(name) }
        return found
    }

    /// Offers a node to the first one, and waits for nothing.
    fileprivate func offer(
        _ name: String,
        peer: String,
        cluster: UInt64 = 0
    ) async throws -> ScriptedCandidate {
        let hello = PeerHello(
            clusterID: cluster,
            node: NodeID(0),
            name: name,
            epoch: 0,
            life: 0,
            respAddress: "",
            httpAddress: "",
            purpose: .candidate,
            candidacy: Candidacy(peerAddress: peer, diskFree: 1, diskTotal: 2)
        )
        return try await ScriptedCandidate.connect(port: peerPorts[0], hello)
    }
}

extension TestClient {
    fileprivate func candidateNames() async throws -> [String] {
        let nodes = try await value("HENGE.RING")["nodes"]?.elements ?? []
        return nodes.filter { $0["state"]?.text == "candidate" }.compactMap { $0["name"]?.text }
    }
}

/// The candidate's side of a connection, spoken by hand.
private final class ScriptedCandidate: Sendable {
    let channel: any Channel
    private let heard: NIOLockedValueBox<[CandidateMessage]>

    private init(_ channel: any Channel, _ heard: NIOLockedValueBox<[CandidateMessage]>) {
        self.channel = channel
        self.heard = heard
    }

    static func connect(port: Int, _ hello: PeerHello) async throws -> ScriptedCandidate {
        let heard = NIOLockedValueBox<[CandidateMessage]>([])
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Listener(heard))
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .get()
        var bytes = ByteBuffer()
        Frame.write(into: &bytes) { hello.write(into: &$0) }
        try await channel.writeAndFlush(bytes)
        return ScriptedCandidate(channel, heard)
    }

    var isOpen: Bool { channel.isActive }
    /// What came after the member's hello.
    var messages: [CandidateMessage] { heard.withLockedValue { $0 } }
    var rings: [RingDocument] {
        messages.compactMap { if case .ring(let document) = $0 { document } else { nil } }
    }

    private final class Listener: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let heard: NIOLockedValueBox<[CandidateMessage]>
        private var buffer = ByteBuffer()
        private var isGreeted = false

        init(_ heard: NIOLockedValueBox<[CandidateMessage]>) {
            self.heard = heard
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var incoming = unwrapInboundIn(data)
            buffer.writeBuffer(&incoming)
            while let payload = try? Frame.read(from: &buffer) {
                guard isGreeted else {
                    isGreeted = true
                    continue
                }
                if let message = try? CandidateMessage.read(payload) {
                    heard.withLockedValue { $0.append(message) }
                } else {
                    Issue.record("a member says what is no message")
                }
            }
        }
    }
}
