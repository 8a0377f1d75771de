import Foundation
import Testing

/// How a command ended.
struct CommandResult {
    var status: Int32
    var output: Data
    var errors: String

    var text: String { String(decoding: output, as: UTF8.self) }

    /// The lines of standard error.
    var errorLines: [Substring] { errors.split(separator: "\n") }

    func json() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: output)
        return try #require(value as? [String: Any], "\(text)")
    }
}

/// Runs the built executable.
enum Henge {
    static let secondsMax = 180.0

    /// It is built beside the tests.
    static let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("henge").path

    /// Runs a command to its end; one that takes more than a minute is killed and fails the test.
    static func run(
        _ arguments: [String],
        input: Data = Data(),
        environment: [String: String] = [:]
    ) async throws -> CommandResult {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (inputPath, outputPath, errorsPath) = (
            folder.path("in"), folder.path("out"), folder.path("err")
        )
        try input.write(to: URL(fileURLWithPath: inputPath))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        process.environment = clean(environment)
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: inputPath))
        process.standardOutput = try Self.file(outputPath)
        process.standardError = try Self.file(errorsPath)
        try await finish(process, arguments)
        return CommandResult(
            status: process.terminationStatus,
            output: try Data(contentsOf: URL(fileURLWithPath: outputPath)),
            errors: try String(contentsOfFile: errorsPath, encoding: .utf8)
        )
    }

    /// The environment without what would change what commands do.
    static func clean(_ more: [String: String] = [:]) -> [String: String] {
        let own = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("HENGE_") }
        return own.merging(more) { $1 }
    }

    static func file(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    }

    private static func finish(_ process: Process, _ arguments: [String]) async throws {
        let (ends, end) = AsyncStream<Void>.makeStream()
        process.terminationHandler = { _ in end.finish() }
        try process.run()
        let pid = process.processIdentifier
        let guardian = Task {
            try await Task.sleep(for: .seconds(secondsMax))
            kill(pid, SIGKILL)
            Issue.record("henge \(arguments.joined(separator: " ")) took over \(secondsMax) s")
        }
        for await _ in ends {}
        guardian.cancel()
    }
}

/// A folder that goes away with its test.
struct TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("henge-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    func remove() { try? FileManager.default.removeItem(at: url) }
}

/// Waits until a condition holds; the test fails when it does not in time, nor when it has been
/// looked at fifty times: other tests may take all threads for minutes, and then time says nothing.
func eventually(
    _ what: String,
    within limit: Duration = .seconds(60),
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    var looks = 0
    while try await !condition() {
        looks += 1
        guard looks < 50 || ContinuousClock.now < end else {
            throw NeverHappened(what: what)
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}

struct NeverHappened: Error, CustomStringConvertible {
    let what: String
    var description: String { "never happened: \(what)" }
}
