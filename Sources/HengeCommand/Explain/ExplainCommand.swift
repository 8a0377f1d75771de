import ArgumentParser
import HengeClient

/// `henge explain`
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Carry out one command on a key, and show how it went.",
        discussion: """
            Shows where the key lies, whom the nodes asked, who answered when and with which \
            version, what was merged, repaired and hinted, and how many replicas were reached when \
            the answer was given. The command is really carried out: henge explain SET writes. Any \
            command of Redis on one key goes, and HENGE.GET, HENGE.SET and HENGE.DEL.

            A line for each step: when it began and how long it took in milliseconds, who did it, \
            what it was, and the same as a picture. Versions with the same mark are the same. \
            Times of the node that was asked are exact; those of a node that it has forwarded the \
            request to are laid into the middle of the time that it waited. A node reads its \
            clock once for all that comes to it together, so what it does at once takes 0.

            Exits 3, 4 or 1 when the command itself fails, after showing how.

            JSON: {"command","bucket","key","token","slot","partition","epoch","node",\
            "coordinator","level","sloppy","required":{"read","write"},"reached":{"read","write"},\
            "preference_list":[{"node","zone","state","role","for"}],"ok","outcome","answer",\
            "after_us","steps":[{"node","after_us","event","peer",…}],"cut"}. docs/explain.md \
            describes them.

            Example: henge explain GET greeting
            Example: henge explain SET greeting hello --consistency all
            Example: henge explain DEL greeting --node 127.0.0.1:6402 --json
            """
    )

    @Argument(help: "The command: GET, SET, DEL or another on one key.")
    var command: String

    @Argument(help: "Its key, and what else it takes.")
    var arguments: [String]

    @OptionGroup var level: LevelOptions
    @OptionGroup var options: KeyOptions

    func run() async throws {
        var words = ["HENGE.EXPLAIN", command] + arguments
        if let level = level.level {
            words += ["CONSISTENCY"] + "\(level)".split(separator: " ").map(String.init)
        }
        let reply = try await options.nodes.ask(words, bucket: options.bucket)
        let view: ExplanationView
        do throws(ReplyFields.Fault) {
            view = try ExplanationView(reply)
        } catch {
            throw CommandFailure(.failed, error.description)
        }
        if options.json {
            Output.json(JSON(reply))
        } else {
            Output.lines(view.lines(color: Output.usesColor))
        }
        if !view.isSuccess { throw CommandFailure(HengeError(reply: view.outcome)) }
    }
}
