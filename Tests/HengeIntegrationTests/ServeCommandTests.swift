import Foundation
import HengeCommand
import Testing

/// `henge serve` itself.
@Suite(.serialized) struct ServeCommandTests {
    @Test("SIGTERM stops cleanly with status 0, and the data is there afterwards")
    func cleanStop() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let base = try TestCluster.freeBasePort(nodes: 2)
        let data = folder.path("data")
        for round in 0..<2 {
            let node = try ServeNode("n1", data: data, base: base, list: ["n1"], folder: folder)
            defer { node.remove() }
            try await node.waitReady()
            let address = "127.0.0.1:\(base)"
            if round == 0 {
                let put = try await Henge.run(["put", "k", "v", "--node", address])
                #expect(put.status == 0, "\(put.errors)")
            } else {
                #expect(try await Henge.run(["get", "k", "--node", address]).text == "v")
            }
            node.process.terminate()
            #expect(try await node.end() == 0, "\(node.said)")
            #expect(node.said.split(separator: "\n").contains { $0.hasPrefix("ready ") })
        }
    }

    @Test("a data directory in use, or of another node or cluster, is refused with a clear line")
    func refusals() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let base = try TestCluster.freeBasePort(nodes: 3)
        let data = folder.path("data")
        let owner = try ServeNode("n1", data: data, base: base, list: ["n1", "n2"], folder: folder)
        defer { owner.remove() }
        try await owner.waitReady()

        let second = try ServeNode(
            "n2", data: data, base: base, list: ["n1", "n2"], folder: folder)
        defer { second.remove() }
        #expect(try await second.end() == 1)
        #expect(second.said.contains("henge: "), "\(second.said)")
        #expect(second.said.contains("in use"), "\(second.said)")

        owner.process.terminate()
        #expect(try await owner.end() == 0)
        let other = try ServeNode("n2", data: data, base: base, list: ["n1", "n2"], folder: folder)
        defer { other.remove() }
        #expect(try await other.end() == 1)
        #expect(other.said.contains("n1"), "\(other.said)")
        let stranger = try ServeNode("n1", data: data, base: base, list: ["n1"], folder: folder)
        defer { stranger.remove() }
        #expect(try await stranger.end() == 1)
        #expect(stranger.said.contains("cluster"), "\(stranger.said)")
    }

    @Test("what is missing or makes no sense exits 2 and says which option")
    func usage() async throws {
        let missing = try await Henge.run(["serve", "--name", "n1"])
        #expect(missing.status == 2 && missing.errors.contains("--"), "\(missing.errors)")
        let wrong = try await Henge.run([
            "serve", "--name", "n1", "--data", "/nonexistent", "--resp", "127.0.0.1:1", "--peer",
            "127.0.0.1:2", "--bootstrap", "n1=127.0.0.1:2", "--durability", "sometimes",
        ])
        #expect(wrong.status == 2 && wrong.errors.contains("sync or interval"), "\(wrong.errors)")
    }
}
