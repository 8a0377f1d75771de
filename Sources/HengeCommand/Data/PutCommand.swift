import ArgumentParser
import Glibc
import HengeClient
import NIOCore

/// `henge put`
struct PutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Store a value.",
        discussion: """
            Without --context it reads the key first, at the same level, and replaces what it \
            finds; with one it replaces exactly what that context has seen. A value that someone \
            else writes meanwhile stays beside it. Prints nothing, or with --json the context of \
            the write.

            Example: henge put greeting hello
            Example: henge put logo - < logo.png
            Example: henge put session 1 --ttl-ms 60000 --consistency all
            """
    )

    /// The largest value that any node can be set to take.
    private static let valueBytesMax = 16 << 20

    @Argument(help: "The key.")
    var key: String

    @Argument(help: "The value, or - to read it from standard input.")
    var value: String

    @Option(
        help: "The context of the get or write that this one answers; henge get --json shows it."
    )
    var context: String?

    @Option(
        name: .customLong("ttl-ms"),
        help: ArgumentHelp("Let the value expire after this many milliseconds.", valueName: "ms")
    )
    var ttlMs: Int64?

    @OptionGroup var level: LevelOptions
    @OptionGroup var options: KeyOptions

    func validate() throws {
        if let ttlMs, ttlMs < 1 { throw ValidationError("--ttl-ms must be 1 or more.") }
    }

    func run() async throws {
        let key = ByteBuffer(string: key)
        let value = try value == "-" ? Self.readInput() : ByteBuffer(string: value)
        let given = context.map { HengeContext($0) }
        let level = level.level
        let expiry = ttlMs.map { Duration.milliseconds($0) }
        let context = try await options.withClient { client throws(HengeError) -> HengeContext in
            var seen = given
            if seen == nil { seen = try await client.getAll(key, consistency: level)?.context }
            return try await client.put(
                value,
                for: key,
                context: seen,
                expiry: expiry,
                consistency: level
            )
        }
        if options.json { Output.json(.object(("context", .string(context.description)))) }
    }

    private static func readInput() throws(CommandFailure) -> ByteBuffer {
        var value = ByteBuffer()
        while value.readableBytes <= valueBytesMax {
            var result = 0
            value.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 << 10) { space in
                result = read(STDIN_FILENO, space.baseAddress, space.count)
                return max(0, result)
            }
            if result == 0 { return value }
            guard result > 0 || errno == EINTR else {
                throw CommandFailure(
                    .failed,
                    "standard input can't be read: \(String(cString: strerror(errno)))"
                )
            }
        }
        throw CommandFailure(
            .failed,
            "standard input holds more than \(valueBytesMax) bytes, the most that a node can take; "
                + "store less"
        )
    }
}
