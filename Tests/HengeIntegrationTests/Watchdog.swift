import Foundation

/// Runs a shell command when it is told to, or when this process is gone, however it ends.
final class Watchdog {
    private let shell = Process()
    private let pipe = Pipe()

    /// - Parameter command: what `sh` is to do; `$1`, `$2`, … are the arguments.
    init(_ command: String, _ arguments: [String]) throws {
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        // Reading ends when the last write end of the pipe is closed, which is the one here.
        shell.arguments = ["-c", "read -r line; \(command)", "watchdog"] + arguments
        shell.standardInput = pipe
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        try shell.run()
    }

    /// Has the command run now, and waits for its end.
    func bark() {
        try? pipe.fileHandleForWriting.close()
        shell.waitUntilExit()
    }
}
