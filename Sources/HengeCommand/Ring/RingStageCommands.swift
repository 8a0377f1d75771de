import ArgumentParser
import HengeClient

/// Has one node stage changes, and shows what is staged then.
struct RingStaging: ParsableArguments {
    static let hint = """
        Staged changes do nothing until henge ring commit. One node keeps them, in memory; \
        whichever member is asked later, this command finds it.
        """

    @OptionGroup var nodes: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false

    /// - Parameter orders: each the words behind `HENGE.RING STAGE`.
    func stage(_ orders: [[String]]) async throws(CommandFailure) {
        var last: HengeReply?
        let nodes = try await StageHolder.find(self.nodes)
        for (index, order) in orders.enumerated() {
            do throws(CommandFailure) {
                last = try await nodes.ask(["HENGE.RING", "STAGE"] + order)
            } catch {
                throw index == 0
                    ? error
                    : CommandFailure(
                        error.status,
                        "\(error.message); what was named before is staged (henge ring stage)"
                    )
            }
        }
        if let last { try show(last) }
    }

    /// - Throws: wrong usage.
    static func check(weight: Int) throws {
        guard !(1...1000).contains(weight) else { return }
        throw ValidationError("a weight is a number from 1 to 1000, not \(weight)")
    }

    func show(_ reply: HengeReply) throws(CommandFailure) {
        do throws(ReplyFields.Fault) {
            let view = try RingStageView(reply)
            if json { Output.json(JSON(reply)) } else { Output.lines(view.lines) }
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }
}

/// `henge ring add`
struct RingAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Stage that nodes that have asked to join become members.",
        discussion: """
            Start them with henge serve --join first; henge ring stage lists them. Several are \
            added at once, which moves less than one after another.

            \(RingStaging.hint)

            Example: henge ring add n4
            Example: henge ring add n4 n5 --weight 2 --zone rack-b
            """
    )

    @Argument(help: "The nodes to add.")
    var names: [String]

    @Option(help: "Their share relative to other nodes, 1 to 1000. (default: as they say)")
    var weight: Int?

    @Option(help: "Their failure domain, such as a rack. (default: as they say)")
    var zone: String?

    @OptionGroup var staging: RingStaging

    func validate() throws {
        if let weight { try RingStaging.check(weight: weight) }
    }

    func run() async throws {
        var options: [String] = []
        if let weight { options += ["WEIGHT", String(weight)] }
        if let zone { options += ["ZONE", zone] }
        try await staging.stage(names.map { ["ADD", $0] + options })
    }
}

/// `henge ring remove`
struct RingRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Stage that nodes give their data away and leave.",
        discussion: """
            They serve until others hold what they held. For nodes that are down and stay so there \
            are force-remove and replace.

            \(RingStaging.hint)

            Example: henge ring remove n3
            """
    )

    @Argument(help: "The members to remove.")
    var names: [String]

    @OptionGroup var staging: RingStaging

    func run() async throws {
        try await staging.stage(names.map { ["REMOVE", $0] })
    }
}

/// `henge ring replace`
struct RingReplaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replace",
        abstract: "Stage that a node takes the place of a member.",
        discussion: """
            It gets the old one's positions and weight, and nothing else moves. The data comes \
            from the old node if that is up, else from the other replicas.

            \(RingStaging.hint)

            Example: henge ring replace n2 n5
            """
    )

    @Argument(help: "The member that leaves, up or down.")
    var old: String

    @Argument(help: "The node that has asked to join.")
    var new: String

    @OptionGroup var staging: RingStaging

    func run() async throws {
        try await staging.stage([["REPLACE", old, new]])
    }
}

/// `henge ring force-remove`
struct RingForceRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "force-remove",
        abstract: "Stage that nodes that are down leave; others hold copies of their data.",
        discussion: """
            What they held comes from the other replicas. Refused for a node that is up: remove \
            lets it give its data away itself.

            \(RingStaging.hint)

            With a majority of the members gone for good nobody could decide on that. Then \
            --unsafe-recover says what is lost, wants the cluster's name, and has those that are \
            left go on without the named ones at once; after that it plans and commits their \
            removal, unless --no-commit. All others must be up. Exits 1 when something stands \
            against it, 2 without the name. JSON: {"recovery":{"cluster","epoch","next_epoch",\
            "lost","survivors","partitions","partitions_gone","partitions_in_doubt",\
            "partitions_thinned","refusals"},"change":{"id","epoch"}}.

            Example: henge ring force-remove n3
            Example: henge ring force-remove n3 n4 n5 --unsafe-recover
            """
    )

    @Argument(help: "The members to remove.")
    var names: [String]

    @Flag(help: "They are gone for good, and a majority with them: lose what only they held.")
    var unsafeRecover = false

    @Option(
        name: .customLong("yes-i-mean"),
        help: ArgumentHelp(
            "With --unsafe-recover: don't ask; the cluster's name, as ring show has it.",
            valueName: "cluster"
        )
    )
    var cluster: String?

    @Flag(help: "With --unsafe-recover: also when fewer nodes are left than a key has replicas.")
    var allowFewerReplicas = false

    @Flag(
        name: .customLong("no-commit"),
        help: "With --unsafe-recover: go on without them, and leave their removal to be staged."
    )
    var leavesRemoval = false

    @OptionGroup var staging: RingStaging

    func validate() throws {
        if !unsafeRecover, cluster != nil || allowFewerReplicas || leavesRemoval {
            throw ValidationError(
                "--yes-i-mean, --allow-fewer-replicas and --no-commit go with --unsafe-recover."
            )
        }
    }

    func run() async throws {
        guard unsafeRecover else {
            return try await staging.stage(names.map { ["FORCE-REMOVE", $0] })
        }
        let recovery = UnsafeRecovery(
            names: names,
            nodes: staging.nodes,
            consent: cluster,
            allowsFewerReplicas: allowFewerReplicas,
            commits: !leavesRemoval,
            json: staging.json
        )
        try await recovery.run()
    }
}

/// `henge ring weight`
struct RingWeightCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weight",
        abstract: "Stage another share for a node, relative to the others.",
        discussion: """
            \(RingStaging.hint)

            Example: henge ring weight n1 2
            """
    )

    @Argument(help: "A member, or a node that is staged to become one.")
    var name: String

    @Argument(help: "1 to 1000.")
    var weight: Int

    @OptionGroup var staging: RingStaging

    func validate() throws { try RingStaging.check(weight: weight) }

    func run() async throws {
        try await staging.stage([["WEIGHT", name, String(weight)]])
    }
}

/// `henge ring zone`
struct RingZoneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zone",
        abstract: "Stage another failure domain for a node, such as its rack.",
        discussion: """
            Replicas of a key are kept in different zones as far as there are some.

            \(RingStaging.hint)

            Example: henge ring zone n1 rack-a
            """
    )

    @Argument(help: "A member, or a node that is staged to become one.")
    var name: String

    @Argument(help: "The zone; '' for none.")
    var zone: String

    @OptionGroup var staging: RingStaging

    func run() async throws {
        try await staging.stage([["ZONE", name, zone]])
    }
}

/// `henge ring stage`
struct RingStageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage",
        abstract: "Show or forget what is staged, and show which nodes have asked to join.",
        discussion: """
            JSON: {"node","epoch","operations":["add n4"],"fault","candidates":["n4"]}; fault says \
            what is wrong with what is staged, or is null. With --node it is that node's own.

            Example: henge ring stage
            Example: henge ring stage --clear
            """
    )

    @Flag(help: "Forget what is staged.")
    var clear = false

    @OptionGroup var staging: RingStaging

    func run() async throws {
        // Where several nodes have something staged, this is how to get out of that.
        let isNamed = !staging.nodes.nodes.isEmpty
        let nodes = isNamed ? staging.nodes : try await StageHolder.find(staging.nodes)
        let words = clear ? ["STAGE", "CLEAR"] : ["STAGED"]
        try staging.show(try await nodes.ask(["HENGE.RING"] + words))
    }
}
