import ArgumentParser

/// `henge cluster down`
struct ClusterDownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Stop every node of a local cluster; its data stays.",
        discussion: """
            Each node finishes the requests in flight. One that does not end in 15 seconds is \
            killed, and this command says so. Harmless when nothing runs.

            Example: henge cluster down
            """
    )

    @OptionGroup var options: ClusterOptions

    func run() async throws {
        let directory = options.directory
        guard let cluster = try directory.load() else {
            Output.line("there is no cluster in \(directory.path)")
            return
        }
        try directory.lock()
        let running = cluster.nodes.filter { directory.process(of: $0) != nil }
        let killed = try await ClusterStop.stop(cluster.nodes, in: directory)
        for node in killed { Output.line(ClusterStop.killedNote(node)) }
        let stopped = running.filter { !killed.contains($0) }.map(\.name)
        if !stopped.isEmpty { Output.line("stopped \(stopped.joined(separator: ", "))") }
        if running.isEmpty { Output.line("no node of \(directory.path) runs") }
    }
}
