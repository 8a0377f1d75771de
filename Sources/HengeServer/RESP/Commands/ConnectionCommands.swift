import HengeBase
import HengeMessages
import HengeRESP
import HengeRing
import NIOCore

/// Commands that are answered at once.
extension ClientSession {
    func runAlone(_ spec: CommandSpec, _ command: RESPCommand) throws(CommandError) {
        let writer = connection.writer
        switch spec.command {
        case .ping: try ping(command)
        case .echo: writer.bulk(command[1], into: &out)
        case .hello: try hello(command)
        case .auth: try auth(command)
        case .select: try select(command)
        case .client: try client(command)
        case .command: try describeCommands(command)
        case .info: info(command)
        case .config: try config(command)
        case .time: time()
        case .reset: reset()
        case .quit:
            writer.ok(into: &out)
            closeAfterReplies()
        case .readOnly, .readWrite: writer.ok(into: &out)
        case .cluster: try cluster(command)
        case .consistency: try consistency(command)
        case .hengeBucket: try chooseBucket(command)
        case .hengeRing: try ring(command)
        case .hengeStatus: write(StatusReport(hub).tree)
        case .hengeHints: try hints(command)
        case .hengeEntropy: write(EntropyReport(hub.driver).tree)
        case .hengeReport: try report(command)
        case .hengeRepair: repair()
        case .hengeSettled: try settled(command)
        case .hengeHotKeys: try hotKeys(command)
        case .hengeOverview: overview(command)
        case .get, .strlen, .type, .ttl, .pttl, .expireTime, .pexpireTime, .set, .setEx, .psetEx,
            .setNX, .getSet, .getDel, .getEx, .expire, .pexpire, .expireAt, .pexpireAt, .persist,
            .mget, .mset, .del, .unlink, .exists, .touch, .scan, .randomKey, .dbSize, .flushAll,
            .flushDB, .hengeGet, .hengeSet, .hengeDel, .hengeInspect, .hengeExplain:
            preconditionFailure("\(spec.name) needs requests")
        }
    }

    func write(_ tree: ReplyTree) {
        tree.write(connection.writer, into: &out)
    }

    private func ping(_ command: RESPCommand) throws(CommandError) {
        switch command.count {
        case 1: connection.writer.pong(into: &out)
        case 2: connection.writer.bulk(command[1], into: &out)
        default: throw .wrongArity("ping")
        }
    }

    private func time() {
        let wall = hub.driver.wall.milliseconds
        write(
            .array([.text(String(wall / 1000)), .text(String(wall % 1000 * 1000))])
        )
    }

    private func select(_ command: RESPCommand) throws(CommandError) {
        guard try command.integer(1) == 0 else {
            throw CommandError("ERR DB index is out of range")
        }
        connection.writer.ok(into: &out)
    }

    private func reset() {
        connection.reset(
            levels: hub.driver.settings.levels,
            isBucketSloppy: hub.isSloppy(ClientConnection.defaultBucket)
        )
        connection.writer.simpleString("RESET", into: &out)
    }

    private func chooseBucket(_ command: RESPCommand) throws(CommandError) {
        guard (1...StoredKey.bucketLengthMax).contains(command.length(1)) else {
            throw CommandError(
                "ERR a bucket's name is 1 to \(StoredKey.bucketLengthMax) bytes long"
            )
        }
        // A copy: a slice would keep the whole receive buffer for as long as the connection lasts.
        connection.bucket = ByteBuffer(bytes: command[1].readableBytesView)
        connection.isBucketSloppy = hub.isSloppy(connection.bucket)
        connection.writer.ok(into: &out)
    }

    /// `CONSISTENCY level [SLOPPY]` or `CONSISTENCY [READ level] [WRITE level] [SLOPPY]`; what is
    /// not named stays, except that requests are strict without `SLOPPY`.
    private func consistency(_ command: RESPCommand) throws(CommandError) {
        guard command.count > 1 else {
            let scope = self.scope
            return write(
                .map([
                    "read": .text(scope.consistency.levels.read.description),
                    "write": .text(scope.consistency.levels.write.description),
                    "sloppy": .boolean(scope.consistency.isSloppy),
                ])
            )
        }
        var levels = connection.levels
        let isSloppy = command.count > 2 && command.keyword(command.count - 1) == Keyword.sloppy
        let end = isSloppy ? command.count - 1 : command.count
        if end == 2 {
            let level = try command.level(1)
            levels = ConsistencyLevels(read: level, write: level)
        } else {
            for index in stride(from: 1, to: end, by: 2) {
                guard index + 1 < end else { throw .syntax }
                switch command.keyword(index) {
                case Keyword.read: levels.read = try command.level(index + 1)
                case Keyword.write: levels.write = try command.level(index + 1)
                default: throw .syntax
                }
            }
        }
        connection.levels = levels
        connection.isSloppy = isSloppy
        connection.writer.ok(into: &out)
    }

    // MARK: Who speaks which protocol

    /// `networking.c`, `helloCommand`.
    private func hello(_ command: RESPCommand) throws(CommandError) {
        var version = connection.writer.version
        var name: String?
        if command.count > 1 {
            guard let number = RESPCommand.integer(command[1]) else {
                throw CommandError("ERR Protocol version is not an integer or out of range")
            }
            guard number == 2 || number == 3 else {
                throw CommandError("NOPROTO unsupported protocol version")
            }
            version = number == 3 ? .v3 : .v2
        }
        var index = 2
        while index < command.count {
            let left = command.count - index - 1
            switch command.keyword(index) {
            case Keyword.auth where left >= 2:
                try authenticate(user: command[index + 1])
                index += 3
            case Keyword.setName where left >= 1:
                name = try Self.name(command[index + 1], "Client names")
                index += 2
            default:
                throw CommandError("ERR Syntax error in HELLO option '\(command.text(index))'")
            }
        }
        if let name { connection.name = name }
        connection.writer.version = version
        write(
            .map([
                "server": .text("henge"),
                "version": .text(ServerVersion.redis),
                "proto": .integer(version.rawValue),
                "id": .integer(connection.id),
                "mode": .text("cluster"),
                "role": .text("master"),
                "modules": .array([]),
            ])
        )
    }

    private func auth(_ command: RESPCommand) throws(CommandError) {
        switch command.count {
        case 2:
            throw CommandError(
                "ERR AUTH <password> called without any password configured for the default user."
                    + " Are you sure your configuration is correct?"
            )
        case 3:
            try authenticate(user: command[1])
            connection.writer.ok(into: &out)
        default:
            throw .syntax
        }
    }

    /// There are no users but `default`, which needs no password; as in Redis, any will do for it
    /// then.
    private func authenticate(user: ByteBuffer) throws(CommandError) {
        guard user.readableBytesView.elementsEqual("default".utf8) else {
            throw CommandError("WRONGPASS invalid username-password pair or user is disabled.")
        }
    }

    /// A name of visible characters without blanks, as Redis wants it (`validateClientAttr`).
    static func name(_ bytes: ByteBuffer, _ what: String) throws(CommandError) -> String {
        guard bytes.readableBytesView.allSatisfy({ $0 >= 0x21 && $0 <= 0x7E }) else {
            throw CommandError(
                "ERR \(what) cannot contain spaces, newlines or special characters."
            )
        }
        return String(buffer: bytes)
    }
}

/// The version of Redis whose commands and errors this follows, which clients look at.
enum ServerVersion {
    static let redis = "7.2.0"
    static let henge = "0.1.0"
}
