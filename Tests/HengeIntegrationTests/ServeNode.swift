import Foundation
import HengeCommand
import Testing

/// A node of a cluster of one or more, started without `henge cluster`.
final class ServeNode {
    let process = Process()
    private let output: String
    private let watchdog: Watchdog

    /// One of the first members.
    convenience init(
        _ name: String,
        data: String,
        base: Int,
        list: [String],
        folder: TemporaryFolder,
        shards: Int = 1,
        more: [String] = []
    ) throws {
        let index = list.firstIndex(of: name) ?? list.count
        let peers = list.enumerated().map { "\($1)=127.0.0.1:\(base + 1000 + $0 * shards)" }
        try self.init(
            name,
            folder: folder,
            arguments: [
                "--data", data, "--resp", "127.0.0.1:\(base + index)", "--peer",
                "127.0.0.1:\(base + 1000 + index * shards)",
                "--bootstrap", peers.joined(separator: ","),
                "--partitions", "64", "--shards", "\(shards)",
            ] + more
        )
    }

    init(_ name: String, folder: TemporaryFolder, arguments: [String]) throws {
        output = folder.path("\(name)-\(UUID().uuidString)")
        process.executableURL = URL(fileURLWithPath: Henge.binary)
        process.arguments = ["serve", "--name", name] + arguments
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
