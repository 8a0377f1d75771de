import ArgumentParser
import Dispatch
import Glibc
import HengeBase
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
            Prints one line that begins with "ready" once clients are served. After the first start
            the ring on the disk counts, and --bootstrap only has to be the same as ever.
            SIGTERM stops cleanly: the node takes no more commands, answers those in flight, hands
            over its hints and marks its data; a second one ends it at once.

            Example: henge serve --name n1 --data /var/lib/henge --resp 127.0.0.1:6401 \\
              --peer 127.0.0.1:7401 \\
              --bootstrap n1=127.0.0.1:7401,n2=127.0.0.1:7402,n3=127.0.0.1:7403
            Example, to add a node: henge serve --name n4 --data /var/lib/henge \\
              --resp 127.0.0.1:6404 --peer 127.0.0.1:7404 --join 127.0.0.1:7401
            """
    )

    @OptionGroup var options: ServeOptions

    func run() async throws {
        let values = try await ServeValues(flags: options.flags, file: options.config)
        let settings = try values.settings()
        let level = try values.logLevel()
        let format = try values.logFormat()
        LoggingSystem.bootstrap { format.handler(label: $0, level: level) }
        let logger = Logger(label: "henge.\(settings.name)")
        let stopTimeout = settings.stopTimeout
        let server = Server(
            settings: settings,
            logger: logger,
            onStopping: { Self.boundStop(stopTimeout) },
            onCandidate: { report in
                Output.line(
                    "candidate name=\(report.name) cluster=\(report.cluster) resp=\(report.resp)"
                        + " peer=\(report.peer) next: henge ring add \(report.name)"
                )
            }
        ) { report in
            let http = report.http.map { " http=\($0)" } ?? ""
            Output.line("ready name=\(report.name) resp=\(report.resp)\(http) peer=\(report.peer)")
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

    /// From here on a second signal ends the process at once, and so does the end of its time: to
    /// the data that is as kill -9, of which the next start recovers.
    private static func boundStop(_ timeout: Interval) {
        for number in [SIGTERM, SIGINT] { endAtOnce(on: number) }
        let milliseconds = Int(timeout.milliseconds)
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds)) {
            Output.error(
                "henge: the stop took longer than \(milliseconds) ms and was cut short; the next "
                    + "start recovers"
            )
            _exit(ExitStatus.failed.rawValue)
        }
    }

    /// The default action alone would not do: Dispatch keeps its threads, and those made by them,
    /// from taking signals, so that maybe no thread is left that can.
    private static func endAtOnce(on number: CInt) {
        let source = DispatchSource.makeSignalSource(signal: number)
        source.setEventHandler {
            // Held by its own handler: it lasts as long as the process.
            _ = source
            signal(number, SIG_DFL)
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, number)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            kill(getpid(), number)
        }
        source.resume()
    }
}
