package import HengeMessages
package import HengeRESP
package import NIOCore

/// An error reply to one command, its code first and without the leading `-`.
///
/// The words are those of Redis 7 where it has the error, since clients and people match on them.
package struct CommandError: Error, Hashable, Sendable {
    package let message: String

    package init(_ message: String) {
        self.message = message
    }

    package static let syntax = CommandError("ERR syntax error")
    package static let notAnInteger = CommandError("ERR value is not an integer or out of range")
    package static let invalidContext = CommandError("ERR invalid context")
    package static let staleContext = CommandError(
        "STALECONTEXT the context belongs to another key;"
            + " read this key and use the context of that reply"
    )
    static let inputOverload = CommandError(
        "OVERLOADED too many large requests are arriving at once; nothing was done; try again later"
    )

    /// - Parameter name: in lower case; a subcommand as `client|setname`.
    package static func wrongArity(_ name: String) -> CommandError {
        CommandError("ERR wrong number of arguments for '\(name)' command")
    }

    package static func invalidExpire(_ name: String) -> CommandError {
        CommandError("ERR invalid expire time in '\(name)' command")
    }

    /// `server.c`, `commandCheckExistence`: 128 bytes of the name and of the arguments are shown.
    package static func unknownCommand(_ command: RESPCommand) -> CommandError {
        var shown = ""
        for index in 1..<max(1, command.count) where shown.utf8.count < 128 {
            shown += "'\(text(command[index], limit: 128 - shown.utf8.count))' "
        }
        let name = text(command[0], limit: 128)
        return CommandError("ERR unknown command '\(name)', with args beginning with: \(shown)")
    }

    package static func unknownSubcommand(_ command: RESPCommand, of name: String) -> CommandError {
        let shown = text(command[1], limit: 128)
        return CommandError("ERR unknown subcommand '\(shown)'. Try \(name.uppercased()) HELP.")
    }

    package static func keyTooLarge(_ size: Int) -> CommandError {
        CommandError(
            "TOOLARGE key of \(size) bytes exceeds the limit of \(StoredKey.keyLengthMax) bytes")
    }

    package static func valueTooLarge(_ size: Int, limit: Int) -> CommandError {
        CommandError("TOOLARGE value of \(size) bytes exceeds the limit of \(limit) bytes")
    }

    static func expired(required: Int) -> CommandError {
        CommandError(
            "TIMEOUT required=\(required) received=0 it waited too long behind others;"
                + " nothing was done"
        )
    }

    static func unknownNode(_ name: String) -> CommandError {
        CommandError("ERR no node is called '\(name.prefix(64))'")
    }

    package static func invalidLevel(_ text: ByteBuffer) -> CommandError {
        CommandError(
            "ERR invalid consistency level '\(Self.text(text, limit: 64))';"
                + " use ONE, QUORUM, ALL or a number from 1 to 8"
        )
    }

    private static func text(_ bytes: ByteBuffer, limit: Int) -> String {
        String(decoding: bytes.readableBytesView.prefix(limit), as: UTF8.self)
    }
}

extension RequestFailure {
    /// The error reply, its code first, then its numbers, then what the caller may conclude.
    package var message: String {
        switch self {
        case .unavailable(let required, let alive):
            "UNAVAILABLE required=\(required) alive=\(alive) too few replicas are up;"
                + " nothing was written"
        case .timedOut(let required, let received):
            "TIMEOUT required=\(required) received=\(received) too few answers in time;"
                + " a write may still take effect"
        case .storage(let failure, let required, let received):
            "STORAGE kind=\(failure.name) required=\(required) received=\(received)"
                + " too few replicas could carry it out; a write may still take effect"
        case .overloaded(let inFlight, let limit):
            "OVERLOADED inflight=\(inFlight) limit=\(limit) nothing was done; try again later"
        case .conflict(let siblings, let limit):
            "CONFLICT siblings=\(siblings) limit=\(limit) nothing was written;"
                + " read the key, merge its values and write with the context of that read"
        case .tooLarge(let bytes, let limit):
            "TOOLARGE object of \(bytes) bytes with its siblings"
                + " exceeds the limit of \(limit) bytes"
        case .clockDrift(let required, let received):
            "CLOCKDRIFT required=\(required) received=\(received)"
                + " replicas refused a timestamp too far ahead of their clocks"
        }
    }

    /// The same for a read, of which nothing can still take effect.
    package var readMessage: String {
        switch self {
        case .timedOut(let required, let received):
            "TIMEOUT required=\(required) received=\(received) too few replicas answered in time"
        case .unavailable(let required, let alive):
            "UNAVAILABLE required=\(required) alive=\(alive) too few replicas are up"
        case .storage(let failure, let required, let received):
            "STORAGE kind=\(failure.name) required=\(required) received=\(received)"
                + " too few replicas could read it"
        case .overloaded, .conflict, .tooLarge, .clockDrift: message
        }
    }
}

extension StorageFailure {
    package var name: String {
        switch self {
        case .noSpace: "nospace"
        case .io: "io"
        case .corrupt: "corrupt"
        case .readOnly: "readonly"
        }
    }
}
