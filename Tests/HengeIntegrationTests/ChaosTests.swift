import Foundation
import Testing

/// Real nodes killed, frozen and cut off under load: `cluster/chaos`, which also judges.
@Suite(.serialized) struct ChaosTests {
    /// For starting, healing and the final check on a busy machine, beyond the load itself.
    private static let extraSeconds = 240.0

    @Test("no acknowledged write is lost while real nodes are killed, stopped and frozen")
    func processes() async throws {
        try await run(seconds: 60)
    }

    @Test("nor while links are cut, in network namespaces where they can be made")
    func networks() async throws {
        try await run(seconds: 20, "--netns")
    }

    private func run(seconds: Int, _ more: String...) async throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = environment["HENGE_CHAOS_SECONDS"].flatMap { Int($0) } ?? seconds
        let seed = UInt32.random(in: 1 ... .max)
        // Other tests take the cores meanwhile, so how soon something is noticed is not judged.
        let arguments = [
            "--seconds", "\(seconds)", "--seed", "\(seed)", "--binary", Henge.binary,
            "--no-check-detection",
        ]
        let script = Self.repository.appendingPathComponent("cluster/chaos").path
        print("cluster/chaos \((arguments + more).joined(separator: " "))")
        let result = try await ProcessGroup.run(
            script,
            arguments + more,
            secondsMax: Double(seconds) + Self.extraSeconds
        )
        #expect(result.status == 0, "\(result.text)\(result.errors)")
        if result.text.hasPrefix("skipped: ") {
            print(result.text)
        } else {
            // A run that checked nothing is not a pass.
            #expect(result.text.contains("checked at the end"), "\(result.text)")
            #expect(result.text.contains("chaos: passed"), "\(result.text)")
        }
    }

    private static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}

/// A command with all that it starts, which ends with the test, however that ends.
///
/// `Process` makes its child the leader of a process group of its own.
private enum ProcessGroup {
    static func run(
        _ command: String,
        _ arguments: [String],
        secondsMax: Double
    ) async throws -> CommandResult {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (outputPath, errorsPath) = (folder.path("out"), folder.path("err"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command)
        process.arguments = arguments
        process.environment = Henge.clean()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Henge.file(outputPath)
        process.standardError = try Henge.file(errorsPath)
        let (ends, end) = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in end.finish() }
        try process.run()
        let pid = process.processIdentifier
        // Told to end, the script ends its nodes and removes their data. Nodes that the kill finds
        // would have died with it anyway.
        let watchdog = try Watchdog(
            """
            kill -TERM -- "$1" || exit 0; \
            for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -0 -- "$1" || exit 0; done; \
            kill -KILL -- "-$1"
            """,
            ["\(pid)"]
        )
        defer { watchdog.bark() }
        let guardian = Task {
            try await Task.sleep(for: .seconds(secondsMax))
            Issue.record("\(command) took over \(secondsMax) s")
            kill(pid, SIGTERM)
            try await Task.sleep(for: .seconds(20))
            kill(-pid, SIGKILL)
        }
        for await _ in ends {}
        guardian.cancel()
        return CommandResult(
            status: process.terminationStatus,
            output: try Data(contentsOf: URL(fileURLWithPath: outputPath)),
            errors: try String(contentsOfFile: errorsPath, encoding: .utf8)
        )
    }
}
