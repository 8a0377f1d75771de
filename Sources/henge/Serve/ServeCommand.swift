import ArgumentParser
import HengeServer
import Logging
import ServiceLifecycle

/// `henge serve`: runs a node until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run a node.",
        discussion: """
            Every option can also stand in the environment (--read-repair as HENGE_READ_REPAIR)
            or in a YAML file (read-repair: blocking); flags win over the environment, and that over
            the file.
            Prints one line that begins with "ready" once clients are served. SIGTERM stops cleanly.

            Example: henge serve --name n1 --data /var/lib/henge --resp 127.0.0.1:6401 \\
              --peer 127.0.0.1:7401 \\
              --bootstrap n1=127.0.0.1:7401,n2=127.0.0.1:7402,n3=127.0.0.1:7403
            """
    )

    @OptionGroup var options: ServeOptions

    func run() async throws {
        let values = try await ServeValues(flags: options.flags, file: options.config)
        let settings = try values.settings()
        let level = try values.logLevel()
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "henge.\(settings.name)")
        let server = Server(settings: settings, logger: logger) { report in
            Output.line("ready name=\(report.name) resp=\(report.resp) peer=\(report.peer)")
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: server,
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .cancelGroup
                    )
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        do {
            try await group.run()
        } catch let error as StartError {
            throw CommandFailure(.failed, error.description)
        }
    }
}
