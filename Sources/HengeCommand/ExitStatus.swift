import ArgumentParser
import Glibc

/// The exit codes that scripts rely on (INTERFACES).
package enum ExitStatus: Int32, Sendable {
    case done = 0
    case failed = 1
    case usage = 2
    case unavailable = 3
    case timedOut = 4
    case notFound = 5

    /// Runs the command on the command line. Errors become one line on standard error and the code.
    static func run<Command: AsyncParsableCommand>(_ type: Command.Type) async {
        do {
            var command = try Command.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            Output.error("henge: \(failure.message)")
            exit(failure.status.rawValue)
        } catch {
            exitAsParser(Command.self, error)
        }
    }

    /// Help and version are no errors; wrong usage has a code of its own.
    private static func exitAsParser<Command: ParsableCommand>(
        _ type: Command.Type,
        _ error: any Error
    ) -> Never {
        let code = Command.exitCode(for: error)
        if code == .success {
            Output.line(Command.message(for: error))
            exit(done.rawValue)
        }
        if code == .validationFailure {
            Output.error("henge: \(UsageMessage(Command.fullMessage(for: error)).text)")
            exit(usage.rawValue)
        }
        if let explicit = error as? ExitCode { exit(explicit.rawValue) }
        Output.error("henge: \(error)")
        exit(failed.rawValue)
    }
}

/// A command's failure in one line that says what to do next.
package struct CommandFailure: Error, Equatable, Sendable {
    package let status: ExitStatus
    package let message: String

    package init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}
