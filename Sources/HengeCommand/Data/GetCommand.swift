import ArgumentParser
import HengeClient
import NIOCore

/// `henge get`
struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Print the value of a key.",
        discussion: """
            Prints the value as it is; on a terminal, with a line end. Where concurrent writes \
            left several values it prints the newest and says so on standard error. Exits 5 when \
            the key is not there.

            Example: henge get greeting --consistency all
            Example: henge get cart --all-siblings
            """
    )

    @Argument(help: "The key.")
    var key: String

    @Flag(help: "List every concurrent value, and the context that covers them all.")
    var allSiblings = false

    @OptionGroup var level: LevelOptions
    @OptionGroup var options: KeyOptions

    func run() async throws {
        let key = ByteBuffer(string: key)
        let level = level.level
        let found = try await options.withClient { client throws(HengeError) -> Found? in
            guard var object = try await client.getAll(key, consistency: level) else { return nil }
            object.siblings.sort { $0.writtenAtMilliseconds > $1.writtenAtMilliseconds }
            guard var newest = object.siblings.first else { return nil }
            if object.siblings.count > 1, !allSiblings {
                // The node compares finer timestamps than those it shows.
                guard let value = try await client.get(key, consistency: level) else { return nil }
                newest = object.siblings.first { $0.value == value } ?? newest
            }
            return Found(object: object, newest: newest)
        }
        guard let found else { throw options.notFound(self.key) }
        if options.json {
            Output.json(
                SiblingListing.json(
                    key: key,
                    bucket: options.bucket,
                    object: found.object,
                    newest: allSiblings ? nil : found.newest
                )
            )
        } else if allSiblings {
            Output.lines(SiblingListing.lines(found.object, color: Output.usesColor))
        } else {
            printValue(found)
        }
    }

    private struct Found: Sendable {
        var object: HengeObject
        var newest: HengeSibling
    }

    private func printValue(_ found: Found) {
        var value = found.newest.value
        if Output.isTerminal { value.writeString("\n") }
        Output.bytes(value.readableBytesView)
        let count = found.object.siblings.count
        guard count > 1 else { return }
        Output.error(
            "henge: note: \(Wording.printable(key)) has \(count) concurrent values and this is the "
                + "newest; henge get --all-siblings lists them, henge put --context replaces them"
        )
    }
}
