import HengeRESP
import NIOCore

/// `COMMAND`, by its subcommands, from the command table.
extension ClientSession {
    func describeCommands(_ command: RESPCommand) throws(CommandError) {
        guard command.count > 1 else { return write(.array(hub.commands.specs.map(\.entry))) }
        switch command.text(1).lowercased() {
        case "count":
            try arity(command, 2, "command|count")
            connection.writer.integer(hub.commands.specs.count, into: &out)
        case "list":
            guard command.count == 2 else { throw .syntax }
            write(.array(hub.commands.specs.map { .text($0.name) }))
        case "info":
            if command.count == 2 { return write(.array(hub.commands.specs.map(\.entry))) }
            write(.array(specs(named: command, from: 2).map { $0?.entry ?? .null }))
        case "docs":
            let all = hub.commands.specs
            let wanted =
                command.count == 2 ? all : specs(named: command, from: 2).compactMap { $0 }
            write(.map(wanted.map { ReplyTree.Field(name: $0.name, value: $0.documentation) }))
        case "getkeys":
            guard command.count > 2 else { throw .wrongArity("command|getkeys") }
            write(.array(try keys(of: command).map { .bytes($0) }))
        case "help":
            write(.array(Self.commandHelp.map { .simple($0) }))
        default:
            throw .unknownSubcommand(command, of: "command")
        }
    }

    private func specs(named command: RESPCommand, from start: Int) -> [CommandSpec?] {
        (start..<command.count).map { index in command.keyword(index).flatMap { hub.commands[$0] } }
    }

    /// The keys of the command that stands behind `COMMAND GETKEYS`.
    private func keys(of command: RESPCommand) throws(CommandError) -> [ByteBuffer] {
        guard let name = command.keyword(2), let spec = hub.commands[name] else {
            throw CommandError("ERR Invalid command specified")
        }
        var count = command.count - 2
        guard spec.firstKey > 0 else {
            throw CommandError("ERR The command has no key arguments")
        }
        if spec.lane == .fanOut {
            var consistency = scope.consistency
            count = try command.trailingConsistency(&consistency) - 2
        }
        guard spec.admits(argumentCount: count) else {
            throw CommandError("ERR Invalid number of arguments specified for command")
        }
        return spec.keyPositions(argumentCount: count).map { command[$0 + 2] }
    }

    private static let commandHelp = [
        "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "(no subcommand)", "COUNT", "DOCS [<command-name> ...]", "GETKEYS <full-command>",
        "INFO [<command-name> ...]", "LIST", "HELP",
    ]
}

extension CommandSpec {
    /// Redis 7's entry, whose last fields (tips, key specifications, subcommands) say nothing here.
    var entry: ReplyTree {
        .array([
            .text(name), .integer(arity), .set(flags.names.map { .simple($0) }),
            .integer(firstKey), .integer(lastKey), .integer(keyStep),
            .set(categories.map { .simple($0) }), .set([]), .set([]), .set([]),
        ])
    }

    private var categories: [String] {
        var names = [flags.contains(.fast) ? "@fast" : "@slow", "@\(group.rawValue)"]
        if flags.contains(.readOnly) { names.append("@read") }
        if flags.contains(.write) { names.append("@write") }
        return names
    }

    var documentation: ReplyTree {
        .map([
            "summary": .text(summary),
            "since": .text(ServerVersion.henge),
            "group": .text(group.rawValue),
        ])
    }
}
