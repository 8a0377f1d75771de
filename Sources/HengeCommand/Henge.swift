import ArgumentParser

/// Does what the command line says; what fails ends the process with its status.
package func runCommandLine() async {
    await ExitStatus.run(Henge.self)
}

/// What the one executable does: runs nodes, talks to them, measures and simulates them.
struct Henge: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "henge",
        abstract: "A partitioned, leaderless, Dynamo-style key-value database.",
        discussion: """
            Any node takes any request; each request says how many replicas must answer. \
            Commands turn to the node that --node or HENGE_NODES names, else to 127.0.0.1:6401.

            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not enough replicas, 4 timed out, 5 not \
            found.

            Example: henge cluster up && henge put greeting hello && henge get greeting
            """,
        version: version,
        groupedSubcommands: [
            CommandGroup(
                name: "Data",
                subcommands: [
                    GetCommand.self, PutCommand.self, DeleteCommand.self, InspectCommand.self,
                    ExplainCommand.self,
                ]),
            CommandGroup(
                name: "Nodes",
                subcommands: [
                    ServeCommand.self, ClusterCommand.self, RingCommand.self, ReportCommand.self,
                    HintsCommand.self, RepairCommand.self, WaitSettledCommand.self,
                    TopCommand.self,
                ]),
            CommandGroup(
                name: "Measuring and testing",
                subcommands: [BenchCommand.self, SimulateCommand.self, MetricsCommand.self]),
        ]
    )
}
