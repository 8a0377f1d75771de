import ArgumentParser
import HengeClient

/// What commands about one key have in common.
struct KeyOptions: ParsableArguments {
    @Option(help: "The bucket of the key. (default: default)")
    var bucket: String?

    @OptionGroup var nodes: NodeOptions

    @Flag(help: "Print JSON.")
    var json = false
}

/// How many replicas must answer.
struct LevelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Replicas that must answer. (default: the node's level, quorum unless it was changed)",
            valueName: "one|quorum|all|N"
        ),
        transform: LevelOptions.level
    )
    var consistency: HengeConsistency?

    @Flag(
        help: "Let other nodes stand in for replicas that are down; QUORUM unless --consistency."
    )
    var sloppy = false

    /// What to ask for; nil for the node's level.
    var level: HengeConsistency? {
        sloppy ? (consistency ?? .quorum).sloppy : consistency
    }

    private static func level(_ text: String) throws -> HengeConsistency {
        if let level = HengeConsistency(parsing: text) { return level }
        throw ValidationError("It must be one, quorum, all or a number from 1 to 8.")
    }
}

extension KeyOptions {
    /// Runs `body` with a client of the bucket, and closes it.
    func withClient<Result>(
        _ body: (HengeClient) async throws(HengeError) -> Result
    ) async throws(CommandFailure) -> Result {
        let client = try nodes.client(bucket: bucket)
        do throws(HengeError) {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw CommandFailure(error)
        }
    }

    func notFound(_ key: String) -> CommandFailure {
        let place = bucket.map { " in bucket \(Wording.printable($0))" } ?? ""
        return CommandFailure(
            .notFound,
            "\(Wording.printable(key)) is not there\(place); store it with henge put"
        )
    }
}
