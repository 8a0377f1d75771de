import ArgumentParser
import Glibc
import HengeClient

/// `henge ring plan`
struct RingPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what the staged changes would move, and what that takes.",
        discussion: """
            Bytes are those of keys and values, before compression, as if every replica held all \
            of its partitions. A node needs room for what it receives, since what it gives away \
            is deleted only afterwards.

            JSON: {"epoch","moves":[{"partition","from","to"}],"moves_lower_bound","bytes",\
            "minutes","violations":[{"kind","partitions_before","partitions","fewest",\
            "possible"}],"nodes":[{"name","vnodes_before","vnodes_after","bytes_in","bytes_out",\
            "disk_free"}]} and more.

            Example: henge ring plan
            """
    )

    @OptionGroup var nodes: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let reply = try await StageHolder.find(nodes).askRing(["PLAN"])
        let plan = try RingPlanCommand.view(reply)
        if json { return Output.json(JSON(reply)) }
        Output.lines(RingPlanDrawing.lines(plan, color: Output.usesColor))
        if plan.refusals.isEmpty { Output.line("henge ring commit does it") }
    }

    static func view(_ reply: HengeReply) throws(CommandFailure) -> RingPlanView {
        do throws(ReplyFields.Fault) {
            return try RingPlanView(reply)
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }
}

/// `henge ring commit`
struct RingCommitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit",
        abstract: "Begin the change that is staged.",
        discussion: """
            Shows the plan and asks, unless --yes; without a terminal it wants --yes. The change \
            then goes on by itself: henge ring progress shows how far it is, and henge ring abort \
            has it go back. Exits 2 without consent, 3 when too few members are up to decide.

            JSON: {"id","epoch"}.

            Example: henge ring commit
            Example: henge ring commit --yes && henge ring progress --watch
            """
    )

    @Flag(help: "Don't ask.")
    var yes = false

    @Flag(help: "Also when fewer nodes would be left than each key is to have replicas.")
    var allowFewerReplicas = false

    @OptionGroup var nodes: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let nodes = try await StageHolder.find(self.nodes)
        let plan = try RingPlanCommand.view(try await nodes.askRing(["PLAN"]))
        if !json { Output.lines(RingPlanDrawing.summary(plan, color: Output.usesColor)) }
        if let refusal = plan.refusals.first(where: { !$0.mayBeOverruled || !allowFewerReplicas }) {
            throw CommandFailure(.failed, Wording.printable(refusal.reason, limit: 500))
        }
        try Consent.ask("begin this change?", yes: yes)
        let fewer = allowFewerReplicas ? ["FEWER"] : []
        let reply = try await nodes.askRing(["COMMIT", plan.id] + fewer)
        if json { return Output.json(JSON(reply)) }
        Output.line("the change has begun; henge ring progress --watch shows how far it is")
    }
}

/// `henge ring abort`
struct RingAbortCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort",
        abstract: "Have the change that is running go back.",
        discussion: """
            What has moved moves back by the same safe steps, so this takes about as long as what \
            was done; what is still on its way stays where it was at once, and nothing waits for a \
            node that never came. Works until the last partition has moved. Nodes that were to \
            join stop in the end; one that is to join later starts on an empty directory. Asks \
            unless --yes; without a terminal it wants --yes. Exits 2 without consent, 3 when too \
            few members are up to decide.

            JSON: {"epoch"}.

            Example: henge ring abort
            """
    )

    @Flag(help: "Don't ask.")
    var yes = false

    @OptionGroup var nodes: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try Consent.ask("have the change go back?", yes: yes)
        let reply = try await nodes.askRing(["ABORT"])
        if json { return Output.json(JSON(reply)) }
        Output.line("the change goes back; henge ring progress --watch shows how far it is")
    }
}

/// Whether someone wants what can't be undone.
enum Consent {
    /// - Throws: ``CommandFailure`` without consent.
    static func ask(_ question: String, yes: Bool) throws(CommandFailure) {
        guard !yes else { return }
        guard isatty(STDIN_FILENO) == 1, Output.isTerminal else {
            let reason = "there is no terminal to ask on; add --yes to do it"
            throw CommandFailure(.usage, "\(question) \(reason)")
        }
        Output.bytes("\(question) [y/N] ".utf8)
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else {
            throw CommandFailure(.usage, "nothing was done")
        }
    }
}

extension NodeOptions {
    /// Asks about a change of the ring, which may take a while to work out and to decide.
    func askRing(_ words: [String]) async throws(CommandFailure) -> HengeReply {
        try await ask(
            ["HENGE.RING"] + words,
            patience: .seconds(120),
            failure: { CommandFailure(ringChange: $0) }
        )
    }
}
