import ArgumentParser
import HengeClient

/// `henge inspect`
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show where a key is, and which version each replica holds.",
        discussion: """
            Asks every replica and repairs nothing. Replicas with the same mark before their \
            digest hold the same versions. A version lists actors (four digits of each) with \
            their counters.

            Example: henge inspect greeting
            Example: henge inspect greeting --json
            """
    )

    @Argument(help: "The key.")
    var key: String

    @OptionGroup var options: KeyOptions

    func run() async throws {
        let reply = try await options.nodes.ask(["HENGE.INSPECT", key], bucket: options.bucket)
        do throws(ReplyFields.Fault) {
            let inspection = try KeyInspection(reply)
            if options.json {
                Output.json(JSON(reply))
            } else {
                Output.lines(inspection.lines(color: Output.usesColor))
            }
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }
}
