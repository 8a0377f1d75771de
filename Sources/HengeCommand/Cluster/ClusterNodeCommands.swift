import ArgumentParser
import Glibc

/// `henge cluster stop`
struct ClusterStopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop a node of a local cluster, cleanly (SIGTERM).",
        discussion: "Example: henge cluster stop n2"
    )

    @OptionGroup var argument: NodeArgument
    @OptionGroup var options: ClusterOptions

    func run() async throws {
        let directory = options.directory
        let node = try argument.find(in: try directory.require())
        try directory.lock()
        guard directory.process(of: node) != nil else {
            directory.forget(node)
            Output.line("\(node.name) does not run")
            return
        }
        let killed = try await ClusterStop.stop([node], in: directory)
        Output.line(killed.first.map(ClusterStop.killedNote) ?? "stopped \(node.name)")
    }
}

/// `henge cluster kill`
struct ClusterKillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Kill a node of a local cluster (SIGKILL), as a crash would.",
        discussion: "Example: henge cluster kill n2 && henge cluster status"
    )

    @OptionGroup var argument: NodeArgument
    @OptionGroup var options: ClusterOptions

    func run() async throws {
        let directory = options.directory
        let node = try argument.find(in: try directory.require())
        try directory.lock()
        guard directory.process(of: node) != nil else {
            throw CommandFailure(
                .failed,
                "\(node.name) does not run; start it with henge cluster start \(node.name)"
            )
        }
        guard await ClusterStop.signal([node], SIGKILL, in: directory).isEmpty else {
            throw CommandFailure(.failed, "\(node.name) does not end; see ps for its state")
        }
        directory.forget(node)
        Output.line("killed \(node.name)")
    }
}

/// `henge cluster start`
struct ClusterStartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start a node of a local cluster, and wait until the others see it.",
        discussion: "Example: henge cluster start n2"
    )

    @Option(
        name: .customLong("timeout-s"),
        help: ArgumentHelp("How long to wait until it is ready.", valueName: "seconds")
    )
    var timeoutS = 60

    @OptionGroup var argument: NodeArgument
    @OptionGroup var options: ClusterOptions

    func validate() throws {
        guard (1...3600).contains(timeoutS) else {
            throw ValidationError("--timeout-s must be from 1 to 3600.")
        }
    }

    func run() async throws {
        let directory = options.directory
        let cluster = try directory.require()
        let node = try argument.find(in: cluster)
        try directory.lock()
        if let process = directory.process(of: node) {
            Output.line("\(node.name) runs already, as process \(process.pid)")
            return
        }
        try PortCheck.requireFree(node)
        try await ClusterStart.run(
            [node],
            of: cluster,
            in: directory,
            limit: .seconds(timeoutS)
        )
        Output.line("started \(node.name)")
    }
}
