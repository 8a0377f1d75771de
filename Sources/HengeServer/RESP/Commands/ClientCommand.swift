import HengeBase
import HengeRESP
import NIOCore

/// `CLIENT`, by its subcommands.
extension ClientSession {
    func client(_ command: RESPCommand) throws(CommandError) {
        let name = command.text(1).lowercased()
        let writer = connection.writer
        switch name {
        case "id":
            try arity(command, 2, "client|id")
            writer.integer(connection.id, into: &out)
        case "getname":
            try arity(command, 2, "client|getname")
            if connection.name.isEmpty {
                writer.null(into: &out)
            } else {
                writer.bulk(connection.name, into: &out)
            }
        case "setname":
            try arity(command, 3, "client|setname")
            connection.name = try Self.name(command[2], "Client names")
            writer.ok(into: &out)
        case "setinfo":
            try arity(command, 4, "client|setinfo")
            try setLibrary(command)
        case "info":
            try arity(command, 2, "client|info")
            writer.verbatim(description(now: SystemClock.now()) + "\n", into: &out)
        case "list":
            try list(command)
        case "no-evict":
            connection.isNoEvict = try onOrOff(command, "client|no-evict")
            writer.ok(into: &out)
        case "no-touch":
            connection.isNoTouch = try onOrOff(command, "client|no-touch")
            writer.ok(into: &out)
        case "help":
            write(.array(Self.clientHelp.map { .simple($0) }))
        default:
            throw .unknownSubcommand(command, of: "client")
        }
    }

    /// - Parameter count: of all arguments, both names included.
    func arity(_ command: RESPCommand, _ count: Int, _ name: String) throws(CommandError) {
        guard command.count == count else { throw .wrongArity(name) }
    }

    private func onOrOff(_ command: RESPCommand, _ name: String) throws(CommandError) -> Bool {
        try arity(command, 3, name)
        switch command.keyword(2) {
        case Keyword.on: return true
        case Keyword.off: return false
        default: throw .syntax
        }
    }

    private func setLibrary(_ command: RESPCommand) throws(CommandError) {
        let attribute = command.text(2).lowercased()
        switch attribute {
        case "lib-name": connection.libraryName = try Self.name(command[3], attribute)
        case "lib-ver": connection.libraryVersion = try Self.name(command[3], attribute)
        default: throw CommandError("ERR Unrecognized option '\(command.text(2))'")
        }
        connection.writer.ok(into: &out)
    }

    /// Of all shards.
    private func list(_ command: RESPCommand) throws(CommandError) {
        var wanted: Set<Int>?
        if command.count > 2 {
            guard command.count > 3 else { throw .syntax }
            switch command.keyword(2) {
            case Keyword.type:
                guard command.count == 4 else { throw .syntax }
                if command.text(3).lowercased() != "normal" { wanted = [] }
            case Keyword.id:
                var ids: Set<Int> = []
                for index in 3..<command.count {
                    guard let id = RESPCommand.integer(command[index]), id > 0 else {
                        throw CommandError("ERR Invalid client ID")
                    }
                    ids.insert(Int(id))
                }
                wanted = ids
            default: throw .syntax
            }
        }
        guard hub.driver.group.count > 1 else {
            return writeList([hub.descriptions(of: wanted)])
        }
        beginAdministration()
        let driver = hub.driver
        let session = NIOLoopBound(self, eventLoop: driver.eventLoop)
        driver.group.gather(on: driver.eventLoop) { [wanted] in
            $0.hub?.descriptions(of: wanted) ?? [:]
        }.whenSuccess { lists in
            session.value.endAdministration { session.value.writeList(lists) }
        }
    }

    private func writeList(_ lists: [[Int: String]]) {
        let all = lists.joined().sorted { $0.key < $1.key }
        connection.writer.verbatim(all.map { $0.value + "\n" }.joined(), into: &out)
    }

    /// The connection in Redis's form (`networking.c`, `catClientInfoString`), with the fields that
    /// mean something here and those that clients look for.
    func description(now: Instant) -> String {
        let age = now.since(connection.createdAt).milliseconds / 1000
        let idle = now.since(connection.lastActiveAt).milliseconds / 1000
        let channel = context?.channel
        let flags = connection.isNoEvict || connection.isNoTouch
        let letters = (connection.isNoEvict ? "e" : "") + (connection.isNoTouch ? "T" : "")
        let fields: KeyValuePairs<String, String> = [
            "id": String(connection.id),
            "addr": Self.text(channel?.remoteAddress),
            "laddr": Self.text(channel?.localAddress),
            "fd": "0",
            "name": connection.name,
            "age": String(age),
            "idle": String(idle),
            "flags": flags ? letters : "N",
            "db": "0",
            "sub": "0",
            "psub": "0",
            "ssub": "0",
            "multi": "-1",
            "qbuf": String(input.bytes.readableBytes),
            "obl": String(out.readableBytes),
            "pending": String(pending.count),
            "bucket": String(buffer: connection.bucket).debugDescription,
            "cmd": connection.lastCommand,
            "user": "default",
            "redir": "-1",
            "resp": String(connection.writer.version.rawValue),
            "lib-name": connection.libraryName,
            "lib-ver": connection.libraryVersion,
        ]
        return fields.map { "\($0)=\($1)" }.joined(separator: " ")
    }

    private static func text(_ address: SocketAddress?) -> String {
        guard let address, let host = address.ipAddress, let port = address.port else { return "" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static let clientHelp = [
        "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GETNAME", "ID", "INFO", "LIST [TYPE NORMAL | ID <id> ...]", "NO-EVICT (ON|OFF)",
        "NO-TOUCH (ON|OFF)", "SETINFO (LIB-NAME <name> | LIB-VER <version>)", "SETNAME <name>",
        "HELP",
    ]
}
