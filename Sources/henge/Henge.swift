import ArgumentParser

/// The one executable: runs nodes, talks to them, measures and simulates them.
@main
struct Henge: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "henge",
        abstract: "A partitioned, leaderless, Dynamo-style key-value database.",
        discussion: """
            Any node takes any request; each request says how many replicas must answer.
            Example: henge cluster up && henge put greeting hello && henge get greeting
            """,
        version: version,
        subcommands: [ServeCommand.self]
    )

    static func main() async {
        await ExitStatus.run(Henge.self)
    }
}
