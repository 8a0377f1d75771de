import Foundation
import HengeClient
import HengeCommand
import NIOCore
import Testing

/// A ring that changes for real: processes, disks and a commit.
@Suite(.serialized) struct AddNodeTests {
    private static let keys = 400

    @Test(
        "a node that joins is taken in, serves, comes back, and another one leaves for good",
        arguments: [1, 2]
    )
    func addThenRemove(shards: Int) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let base = try TestCluster.freeBasePort(nodes: 4)
        let list = ["n1", "n2", "n3"]
        var nodes: [ServeNode] = []
        defer { for node in nodes { node.remove() } }
        for name in list {
            nodes.append(try first(name, base, list, folder, shards))
        }
        for node in nodes { try await node.waitReady() }
        let client = try HengeClient(addresses: [HengeAddress(host: "127.0.0.1", port: base)])
        for key in 0..<Self.keys {
            try await client.put(ByteBuffer(string: "v\(key)"), for: ByteBuffer(string: "k\(key)"))
        }

        nodes.append(try joiner(base, folder, shards))
        try await eventually("n4 is a candidate at n1") {
            try await ring(at: base).states["n4"] == "candidate"
        }
        try await change(["ADD", "n4"], at: base)
        try await nodes[3].waitReady()
        for index in 0..<4 {
            try await eventually("n\(index + 1) has the new ring", within: .seconds(120)) {
                let ring = try await ring(at: base + index)
                return ring.isStill && ring.states.count == 4
                    && ring.states.values.allSatisfy { $0 == "up" } && ring.vnodes["n4"] == 16
            }
        }
        try await expectAll(at: base + 3)

        // It needs nobody to tell it where it belongs any more.
        nodes[3].process.terminate()
        #expect(try await nodes[3].end() == 0, "\(nodes[3].said)")
        nodes[3].remove()
        nodes[3] = try joiner(base, folder, shards)
        try await nodes[3].waitReady()
        #expect(!nodes[3].said.contains("candidate"), "\(nodes[3].said)")
        try await expectAll(at: base + 3)

        try await change(["REMOVE", "n2"], at: base + 3)
        #expect(try await end(of: nodes[1]) == 0, "\(nodes[1].said)")
        for index in [0, 2, 3] {
            try await eventually("n\(index + 1) has the ring without n2", within: .seconds(120)) {
                let ring = try await ring(at: base + index)
                return ring.isStill && ring.states.keys.sorted() == ["n1", "n3", "n4"]
            }
        }
        try await expectAll(at: base)
        nodes[1].remove()
        nodes[1] = try first("n2", base, list, folder, shards)
        #expect(try await end(of: nodes[1]) == 1)
        #expect(nodes[1].said.contains("was removed from the ring"), "\(nodes[1].said)")
        await client.close()
    }

    private func first(
        _ name: String,
        _ base: Int,
        _ list: [String],
        _ folder: TemporaryFolder,
        _ shards: Int
    ) throws -> ServeNode {
        try ServeNode(
            name,
            data: folder.path(name),
            base: base,
            list: list,
            folder: folder,
            shards: shards
        )
    }

    private func joiner(
        _ base: Int,
        _ folder: TemporaryFolder,
        _ shards: Int
    ) throws -> ServeNode {
        try ServeNode(
            "n4",
            folder: folder,
            arguments: [
                "--data", folder.path("n4"), "--resp", "127.0.0.1:\(base + 3)", "--peer",
                "127.0.0.1:\(base + 1000 + 3 * shards)", "--join", "127.0.0.1:\(base + 1000)",
                "--shards", "\(shards)",
            ]
        )
    }

    private func end(of node: ServeNode) async throws -> Int32 {
        try await eventually("it ends", within: .seconds(120)) { !node.process.isRunning }
        return node.process.terminationStatus
    }

    /// Stages, plans and commits one operation at a node.
    private func change(_ operation: [String], at port: Int) async throws {
        let connection = try await HengeConnection.connect(
            to: HengeAddress(host: "127.0.0.1", port: port)
        )
        func ask(_ words: [String]) async throws -> HengeReply {
            try await connection.send((["HENGE.RING"] + words).map { ByteBuffer(string: $0) })
        }
        _ = try await ask(["STAGE"] + operation)
        let plan = try ReplyFields(await ask(["PLAN"]))
        let committed = try ReplyFields(await ask(["COMMIT", plan.string("id")]))
        let progress = try ReplyFields(await ask(["PROGRESS"]))
        #expect(try progress.integer("epoch") >= committed.integer("epoch"))
        await connection.close()
    }

    /// Every key has its value on all of its replicas, once the node sees them all.
    private func expectAll(at port: Int) async throws {
        try await eventually("all are up", within: .seconds(120)) {
            try await ring(at: port).states.values.allSatisfy { $0 == "up" }
        }
        let connection = try await HengeConnection.connect(
            to: HengeAddress(host: "127.0.0.1", port: port)
        )
        for key in 0..<Self.keys {
            let words = ["GET", "k\(key)", "CONSISTENCY", "ALL"].map { ByteBuffer(string: $0) }
            // A busy machine may be too late for ALL; then there is an error, never another value.
            var reply = HengeReply.null
            try await eventually("k\(key) is answered", within: .seconds(120)) {
                reply = try await connection.send(words)
                guard case .error(let error) = reply else { return true }
                return ![.timedOut, .unavailable].contains(error.code)
            }
            #expect(reply == .bytes(ByteBuffer(string: "v\(key)")), "k\(key)")
        }
        await connection.close()
    }

    private struct Shown {
        var isStill = false
        var states: [String: String] = [:]
        var vnodes: [String: Int] = [:]
    }

    /// What `henge ring show --json` says; nothing when the node doesn't answer.
    private func ring(at port: Int) async throws -> Shown {
        let result = try await Henge.run(
            ["ring", "show", "--json", "--node", "127.0.0.1:\(port)"]
        )
        var shown = Shown()
        guard result.status == 0 else { return shown }
        let ring = try result.json()
        shown.isStill = ring["transition"] is NSNull
        for node in ring["nodes"] as? [[String: Any]] ?? [] {
            guard let name = node["name"] as? String else { continue }
            shown.states[name] = node["state"] as? String
            shown.vnodes[name] = node["vnodes"] as? Int
        }
        return shown
    }
}
