import Foundation
import Testing
import henge

/// `henge serve` itself.
@Suite(.serialized) struct ServeCommandTests {
    /// A node of a cluster of one or more, started without `henge cluster`.
    private final class Node {
        let process = Process()
        private let output: String
        private let watchdog: Watchdog

        init(
            _ name: String,
            data: String,
            base: Int,
            list: [String],
            folder: TemporaryFolder
        ) throws {
            let index = list.firstIndex(of: name) ?? list.count
            output = folder.path("\(name)-\(UUID().uuidString)")
            process.executableURL = URL(fileURLWithPath: Henge.binary)
            let peers = list.enumerated().map { "\($1)=127.0.0.1:\(base + 1000 + $0)" }
            process.arguments = [
                "serve", "--name", name, "--data", data, "--resp", "127.0.0.1:\(base + index)",
                "--peer", "127.0.0.1:\(base + 1000 + index)", "--bootstrap",
                peers.joined(separator: ","), "--partitions", "64",
            ]
            process.environment = Henge.clean()
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try Henge.file(output)
            process.standardError = process.standardOutput
            try process.run()
            watchdog = try Watchdog("kill -9 \"$1\"", ["\(process.processIdentifier)"])
        }

        var said: String { (try? String(contentsOfFile: output, encoding: .utf8)) ?? "" }

        func waitReady() async throws {
            try await eventually("ready") { said.contains("ready ") || !process.isRunning }
            try #require(process.isRunning, "\(said)")
        }

        /// Waits for its end and returns how it ended.
        func end() async throws -> Int32 {
            try await eventually("the node ends") { !process.isRunning }
            return process.terminationStatus
        }

        func remove() {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
            watchdog.bark()
        }
    }

    @Test("SIGTERM stops cleanly with status 0, and the data is there afterwards")
    func cleanStop() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let base = try TestCluster.freeBasePort(nodes: 2)
        let data = folder.path("data")
        for round in 0..<2 {
            let node = try Node("n1", data: data, base: base, list: ["n1"], folder: folder)
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
        let owner = try Node("n1", data: data, base: base, list: ["n1", "n2"], folder: folder)
        defer { owner.remove() }
        try await owner.waitReady()

        let second = try Node("n2", data: data, base: base, list: ["n1", "n2"], folder: folder)
        defer { second.remove() }
        #expect(try await second.end() == 1)
        #expect(second.said.contains("henge: "), "\(second.said)")
        #expect(second.said.contains("in use"), "\(second.said)")

        owner.process.terminate()
        #expect(try await owner.end() == 0)
        let other = try Node("n2", data: data, base: base, list: ["n1", "n2"], folder: folder)
        defer { other.remove() }
        #expect(try await other.end() == 1)
        #expect(other.said.contains("n1"), "\(other.said)")
        let stranger = try Node("n1", data: data, base: base, list: ["n1"], folder: folder)
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
