import Foundation
import HengeCommand
import Testing

/// `henge serve --join`: processes that offer themselves to a cluster.
@Suite(.serialized) struct JoinTests {
    @Test("a candidate shows in the ring, survives members that come and go, and stops cleanly")
    func candidate() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let base = try TestCluster.freeBasePort(nodes: 4)
        let list = ["n1", "n2", "n3"]
        // First the candidate: its seeds are not there yet.
        let candidate = try joining("n4", at: 3, base: base, folder: folder)
        defer { candidate.remove() }
        try await eventually("it says that it can't reach them") {
            candidate.said.contains("can't be reached")
        }
        var nodes: [ServeNode] = []
        defer { for node in nodes { node.remove() } }
        for name in list {
            let data = folder.path(name)
            nodes.append(
                try ServeNode(name, data: data, base: base, list: list, folder: folder)
            )
        }
        for node in nodes { try await node.waitReady() }
        try await eventually("it is a candidate") {
            candidate.said.split(separator: "\n").contains { $0.hasPrefix("candidate name=n4 ") }
        }
        #expect(candidate.said.contains("henge ring add n4"))
        for index in 0..<3 {
            try await eventually("n\(index + 1) shows it") {
                try await state(of: "n4", at: base + index) == "candidate"
            }
        }
        // A member dies and comes back.
        kill(nodes[1].process.processIdentifier, SIGKILL)
        _ = try await nodes[1].end()
        nodes[1].remove()
        nodes[1] = try ServeNode(
            "n2",
            data: folder.path("n2"),
            base: base,
            list: list,
            folder: folder
        )
        try await nodes[1].waitReady()
        try await eventually("n2 shows it again") {
            try await state(of: "n4", at: base + 1) == "candidate"
        }
        candidate.process.terminate()
        #expect(try await candidate.end() == 0, "\(candidate.said)")
        for index in 0..<3 {
            try await eventually("n\(index + 1) has forgotten it") {
                try await state(of: "n4", at: base + index) == nil
            }
        }
    }

    @Test("a candidate comes back with the same directory, and another name may not have it")
    func restarts() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let base = try TestCluster.freeBasePort(nodes: 3)
        let member = try ServeNode(
            "n1",
            data: folder.path("n1"),
            base: base,
            list: ["n1"],
            folder: folder
        )
        defer { member.remove() }
        try await member.waitReady()
        for round in 0..<2 {
            let candidate = try joining("n2", at: 1, base: base, seed: 0, folder: folder)
            defer { candidate.remove() }
            try await eventually("it is a candidate in round \(round)") {
                try await state(of: "n2", at: base) == "candidate"
            }
            // The second time without a stop.
            kill(candidate.process.processIdentifier, round == 0 ? SIGTERM : SIGKILL)
            #expect(try await candidate.end() == (round == 0 ? 0 : SIGKILL))
        }
        let other = try joining("n3", data: "n2", at: 2, base: base, seed: 0, folder: folder)
        defer { other.remove() }
        #expect(try await other.end() == 1)
        #expect(other.said.contains("belongs to node n2"), "\(other.said)")
        // A port that is taken shows at once.
        let late = try joining("n5", at: 0, base: base, seed: 0, folder: folder, isPeerFree: true)
        defer { late.remove() }
        #expect(try await late.end() == 1)
        #expect(late.said.contains("can't listen"), "\(late.said)")
    }

    @Test("what makes no sense exits 2 and says why")
    func usage() async throws {
        let common = [
            "serve", "--name", "n4", "--data", "/nonexistent", "--resp", "127.0.0.1:1", "--peer",
            "127.0.0.1:2",
        ]
        let cases = [
            (["--join", "127.0.0.1:3", "--bootstrap", "n1=127.0.0.1:3"], "exclude each other"),
            ([], "--bootstrap is needed, or --join"),
            (["--join", "nowhere"], "host:port"),
            (["--join", "127.0.0.1:2"], "this node itself"),
            (["--join", "127.0.0.1:3", "--replicas", "3"], "--replicas goes with --bootstrap"),
            (["--join", "127.0.0.1:3", "--peer", "0.0.0.0:2"], "reach this one"),
            (["--join", "127.0.0.1:3", "--weight", "0"], "1 to 1000"),
        ]
        for (more, words) in cases {
            let result = try await Henge.run(common + more)
            #expect(result.status == 2 && result.errors.contains(words), "\(result.errors)")
        }
    }

    /// - Parameters:
    ///   - seed: the index of a node; nil for those of three nodes.
    ///   - isPeerFree: whether its peer port is one that nobody has, whatever `index` is.
    private func joining(
        _ name: String,
        data: String? = nil,
        at index: Int,
        base: Int,
        seed: Int? = nil,
        folder: TemporaryFolder,
        isPeerFree: Bool = false
    ) throws -> ServeNode {
        let seeds = (seed.map { [$0] } ?? [0, 1, 2]).map { "127.0.0.1:\(base + 1000 + $0)" }
        return try ServeNode(
            name,
            folder: folder,
            arguments: [
                "--data", folder.path(data ?? name), "--resp", "127.0.0.1:\(base + index)",
                "--peer", "127.0.0.1:\(base + 1000 + index + (isPeerFree ? 7 : 0))", "--join",
                seeds.joined(separator: ","),
            ]
        )
    }

    /// What `henge ring show --json` says of a node; nil when it doesn't name it.
    private func state(of name: String, at port: Int) async throws -> String? {
        let result = try await Henge.run(
            ["ring", "show", "--json", "--node", "127.0.0.1:\(port)"]
        )
        guard result.status == 0 else { return nil }
        let nodes = try result.json()["nodes"] as? [[String: Any]] ?? []
        return nodes.first { $0["name"] as? String == name }?["state"] as? String
    }
}
