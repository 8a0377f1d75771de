import ArgumentParser
import HengeClient

/// `henge ring`
struct RingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ring",
        abstract: "Show the ring, and change it.",
        discussion: """
            Changes are staged, planned and committed: stage any number of them, look at the plan \
            for all together, and commit it. From then on the ring changes by itself, without an \
            error for clients, and can be had back by abort.

            Example: henge ring show
            Example: henge ring add n4 && henge ring plan && henge ring commit --yes
            """,
        subcommands: [
            RingShowCommand.self, RingAddCommand.self, RingRemoveCommand.self,
            RingReplaceCommand.self, RingForceRemoveCommand.self, RingWeightCommand.self,
            RingZoneCommand.self, RingStageCommand.self, RingPlanCommand.self,
            RingCommitCommand.self, RingAbortCommand.self, RingProgressCommand.self,
        ]
    )
}

/// `henge ring show`
struct RingShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Draw the ring and each node's share, as one node sees them.",
        discussion: """
            A letter stands for a node. Position 0 is at the top of the circle, and each place \
            on it shows who claims the position there; --positions lists all of them.

            Example: henge ring show
            Example: henge ring show --node 127.0.0.1:6402 --json
            """
    )

    @Flag(help: "List the owner of every position, too.")
    var positions = false

    @OptionGroup var nodes: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let reply = try await nodes.ask(["HENGE.RING"])
        do throws(ReplyFields.Fault) {
            let ring = try RingView(reply)
            if json {
                Output.json(JSON(reply))
            } else {
                Output.lines(
                    RingDrawing.lines(ring, positions: positions, color: Output.usesColor)
                )
            }
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }
}
