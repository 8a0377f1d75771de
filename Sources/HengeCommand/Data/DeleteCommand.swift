import ArgumentParser
import HengeClient
import NIOCore

/// `henge delete`
struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a key.",
        discussion: """
            Without --context it reads the key first, at the same level, and deletes what it \
            finds; with one it deletes exactly what that context has seen. A value that someone \
            else writes meanwhile stays. Exits 5 when the key was not there.

            Example: henge delete greeting
            """
    )

    @Argument(help: "The key.")
    var key: String

    @Option(
        help: "The context of the get or write that this one answers; henge get --json shows it."
    )
    var context: String?

    @OptionGroup var level: LevelOptions
    @OptionGroup var options: KeyOptions

    func run() async throws {
        let key = ByteBuffer(string: key)
        let given = context.map { HengeContext($0) }
        let level = level.level
        let context = try await options.withClient { client throws(HengeError) -> HengeContext? in
            var seen = given
            if seen == nil {
                guard let object = try await client.getAll(key, consistency: level),
                    !object.siblings.isEmpty
                else { return nil }
                seen = object.context
            }
            return try await client.delete(key, context: seen, consistency: level)
        }
        guard let context else { throw options.notFound(self.key) }
        if options.json { Output.json(.object(("context", .string(context.description)))) }
    }
}
