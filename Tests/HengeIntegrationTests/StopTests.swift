import Foundation
import HengeClient
import HengeCommand
import NIOCore
import Synchronization
import Testing

/// How nodes stop: what was accepted is answered and kept, in bounded time.
@Suite(.serialized) struct StopTests {
    private final class Outcomes: Sendable {
        struct Seen {
            var stored: [Int] = []
            var failed: [(key: Int, error: HengeError)] = []
        }

        private let box = Mutex(Seen())

        var seen: Seen { box.withLock { $0 } }

        func stored(_ key: Int) {
            box.withLock { $0.stored.append(key) }
        }

        func failed(_ key: Int, _ error: HengeError) {
            box.withLock { $0.failed.append((key, error)) }
        }
    }

    @Test("SIGTERM under load answers what it accepted, loses none of it, and exits 0 in time")
    func underLoad() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let base = try TestCluster.freeBasePort(nodes: 1)
        let data = folder.path("data")
        let node = try ServeNode("n1", data: data, base: base, list: ["n1"], folder: folder)
        defer { node.remove() }
        try await node.waitReady()
        let address = HengeAddress(host: "127.0.0.1", port: base)
        let outcomes = Outcomes()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask { try await Self.write(from: writer, to: address, outcomes) }
            }
            do {
                try await eventually("many writes are stored", within: .seconds(120)) {
                    outcomes.seen.stored.count > 500
                }
            } catch {
                // Or the writers would go on for ever.
                node.remove()
                throw error
            }
            let start = ContinuousClock.now
            node.process.terminate()
            #expect(try await node.end() == 0, "\(node.said)")
            // Its own limit is 15 s; on a busy machine this test hears of the end late.
            #expect(ContinuousClock.now - start < .seconds(40))
            try await group.waitForAll()
        }
        #expect(node.said.contains("stopped cleanly"), "\(node.said)")
        let seen = outcomes.seen
        let codes = Set(seen.failed.map(\.error.code.description))
        #expect(codes.isSubset(of: ["connectionFailed"]), "\(codes)")

        let again = try ServeNode("n1", data: data, base: base, list: ["n1"], folder: folder)
        defer { again.remove() }
        try await again.waitReady()
        #expect(again.said.contains("last_stop=clean"), "\(again.said)")
        let client = try HengeClient(addresses: [address])
        for key in seen.stored {
            #expect(try await client.get(ByteBuffer(string: "k\(key)")) != nil, "k\(key)")
        }
        // What got no answer was not accepted, so it was not carried out.
        for (key, _) in seen.failed {
            #expect(try await client.get(ByteBuffer(string: "k\(key)")) == nil, "k\(key)")
        }
        await client.close()
    }

    /// Writes one key after another until the connection ends.
    private static func write(
        from writer: Int,
        to address: HengeAddress,
        _ outcomes: Outcomes
    ) async throws {
        let connection = try await HengeConnection.connect(to: address)
        var key = writer
        while true {
            let words = ["SET", "k\(key)", "v"].map { ByteBuffer(string: $0) }
            do throws(HengeError) {
                _ = try await connection.send(words)
                outcomes.stored(key)
            } catch {
                outcomes.failed(key, error)
                break
            }
            key += 8
        }
        await connection.close()
    }

    @Test("a second SIGTERM ends a node that is still stopping")
    func secondSignal() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let base = try TestCluster.freeBasePort(nodes: 2)
        let list = ["n1", "n2"]
        var nodes: [ServeNode] = []
        for name in list {
            nodes.append(
                try ServeNode(
                    name,
                    data: folder.path(name),
                    base: base,
                    list: list,
                    folder: folder,
                    more: ["--timeout-ms", "30000", "--replicas", "2"]
                )
            )
        }
        defer { for node in nodes { node.remove() } }
        for node in nodes { try await node.waitReady() }
        let connection = try await HengeConnection.connect(
            to: HengeAddress(host: "127.0.0.1", port: base)
        )
        // A write that waits for a frozen node keeps the other one from ending.
        kill(nodes[1].process.processIdentifier, SIGSTOP)
        let words = ["SET", "k", "v", "CONSISTENCY", "ALL"].map { ByteBuffer(string: $0) }
        let write = Task { try? await connection.send(words) }
        try await eventually("the write is on its way") {
            let status = try await Henge.run(["ring", "show", "--node", "127.0.0.1:\(base)"])
            return status.status == 0
        }
        nodes[0].process.terminate()
        try await eventually("it is stopping") { nodes[0].said.contains("stopping") }
        #expect(nodes[0].process.isRunning)
        let start = ContinuousClock.now
        nodes[0].process.terminate()
        _ = try await nodes[0].end()
        // Far from the 30 s for which the write would keep it; this test may hear of the end late.
        #expect(ContinuousClock.now - start < .seconds(15))
        #expect(nodes[0].process.terminationReason == .uncaughtSignal)
        #expect(!nodes[0].said.contains("stopped cleanly"))
        _ = await write.value
        await connection.close()
    }
}
