package import HengeRESP
import NIOCore

/// All commands: it drives dispatch, arity checks, key extraction and `COMMAND`.
package struct CommandTable: Sendable {
    /// In the order in which `COMMAND` lists them.
    package let specs: [CommandSpec]
    /// By some bits of a name and what follows: where it is in `specs`, `empty` at the end. A
    /// dictionary hashes every request's name with a key, against names that somebody has chosen;
    /// these are ours.
    private let places: [UInt8]
    private let names: [CommandName]
    private static let empty = UInt8.max
    /// At most half full.
    private static let placesBits = 8

    package init() {
        specs =
            Self.connection + Self.server + Self.readers + Self.writers + Self.several + Self.henge
        names = specs.map { spec in
            guard let name = CommandName(.init(string: spec.name)) else {
                preconditionFailure("not a command name: \(spec.name)")
            }
            return name
        }
        precondition(2 * specs.count <= 1 << Self.placesBits)
        var places = [UInt8](repeating: Self.empty, count: 1 << Self.placesBits)
        for (index, name) in names.enumerated() {
            var place = Self.place(of: name)
            while places[place] != Self.empty { place = Self.next(place) }
            places[place] = UInt8(index)
        }
        self.places = places
    }

    package subscript(name: CommandName) -> CommandSpec? {
        var place = Self.place(of: name)
        while places[place] != Self.empty {
            let index = Int(places[place])
            if names[index] == name { return specs[index] }
            place = Self.next(place)
        }
        return nil
    }

    private static func place(of name: CommandName) -> Int {
        // The golden ratio's bits (Knuth, volume 3, section 6.4), of which the highest are mixed
        // best.
        Int(truncatingIfNeeded: (name.folded &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - placesBits))
    }

    private static func next(_ place: Int) -> Int { (place + 1) & (1 << placesBits - 1) }

    private static let connection: [CommandSpec] = [
        alone("ping", .ping, -1, .connection, [.fast], "Answers PONG, or the message."),
        alone("echo", .echo, 2, .connection, [.fast], "Returns the message."),
        alone("hello", .hello, -1, .connection, [.fast, .noAuth], "Chooses RESP2 or RESP3."),
        alone(
            "auth", .auth, -2, .connection, [.fast, .noAuth],
            "Accepts the default user."),
        alone("select", .select, 2, .connection, [.fast], "Chooses database 0, the only one."),
        alone("client", .client, -2, .connection, [], "Shows and names connections."),
        alone("reset", .reset, 1, .connection, [.fast, .noAuth], "Makes the connection as new."),
        alone("quit", .quit, -1, .connection, [.fast, .noAuth], "Closes the connection."),
        alone("readonly", .readOnly, 1, .cluster, [.fast], "Accepted: any node serves any read."),
        alone(
            "readwrite", .readWrite, 1, .cluster, [.fast], "Accepted: any node serves any write."),
        alone(
            "consistency", .consistency, -1, .henge, [.fast],
            "Shows or sets the connection's levels."),
        alone("henge.bucket", .hengeBucket, 2, .henge, [.fast], "Sets the connection's bucket."),
    ]

    private static let server: [CommandSpec] = [
        alone("command", .command, -1, .server, [], "Describes the commands."),
        alone("info", .info, -1, .server, [], "Describes this node, in text."),
        alone("config", .config, -2, .server, [.admin], "Reads settings."),
        alone("time", .time, 1, .server, [.fast], "The node's clock: seconds and microseconds."),
        alone(
            "cluster", .cluster, -2, .cluster, [], "The cluster as Redis Cluster clients see it."),
        alone(
            "henge.ring", .hengeRing, -1, .henge, [.admin],
            "The ring document; stages, plans, commits and gives up its changes."),
        alone("henge.status", .hengeStatus, 1, .henge, [], "This node's state and counters."),
        alone(
            "henge.hints", .hengeHints, -1, .henge, [.admin],
            "Writes kept for nodes that missed them: shows, pauses, resumes or drops them."),
        alone(
            "henge.entropy", .hengeEntropy, 1, .henge, [],
            "How far this node's partition replicas agree with those of others."),
        alone(
            "henge.report", .hengeReport, -2, .henge, [],
            "Reports on the whole cluster: where its keys lie."),
        alone(
            "henge.repair", .hengeRepair, 1, .henge, [.admin],
            "Compares with the other nodes now and mends what differs."),
        alone(
            "henge.overview", .hengeOverview, 1, .henge, [],
            "The whole cluster, now: nodes, rates, delays, work in the background, hot keys."),
        alone(
            "henge.settled", .hengeSettled, -1, .henge, [.admin],
            "What is left of what this node had to do for its replicas when it was first asked."),
        alone(
            "henge.hotkeys", .hengeHotKeys, -1, .henge, [],
            "The keys, partitions and stretches of the ring that clients ask this node for most."),
        coverage("scan", .scan, -2, .generic, [.readOnly], "Lists keys of the whole cluster."),
        coverage("randomkey", .randomKey, 1, .generic, [.readOnly], "A key, somewhat at random."),
        coverage("dbsize", .dbSize, 1, .server, [.readOnly, .fast], "Keys in the whole cluster."),
        coverage("flushall", .flushAll, -1, .server, [.write], "Deletes all keys of the bucket."),
        coverage("flushdb", .flushDB, -1, .server, [.write], "Deletes all keys of the bucket."),
    ]

    private static let readers: [CommandSpec] = [
        reader("get", .get, -2, .string, "The value of a key."),
        reader("strlen", .strlen, 2, .string, "The length of a value."),
        reader("type", .type, 2, .generic, "string, or none."),
        reader("ttl", .ttl, 2, .generic, "Seconds until a key expires."),
        reader("pttl", .pttl, 2, .generic, "Milliseconds until a key expires."),
        reader(
            "expiretime", .expireTime, 2, .generic, "When a key expires, in seconds since 1970."),
        reader("pexpiretime", .pexpireTime, 2, .generic, "When a key expires, in milliseconds."),
    ]

    private static let writers: [CommandSpec] = [
        writer("set", .set, -3, .string, "Sets a key."),
        writer("setex", .setEx, 4, .string, "Sets a key that expires, in seconds."),
        writer("psetex", .psetEx, 4, .string, "Sets a key that expires, in milliseconds."),
        writer("setnx", .setNX, 3, .string, "Sets a key unless it is there."),
        writer("getset", .getSet, 3, .string, "Sets a key and returns what it held."),
        writer("getdel", .getDel, 2, .string, "Deletes a key and returns what it held."),
        writer("getex", .getEx, -2, .string, "Returns a value and sets when it expires."),
        writer("expire", .expire, -3, .generic, "Sets in how many seconds a key expires."),
        writer("pexpire", .pexpire, -3, .generic, "Sets in how many milliseconds a key expires."),
        writer("expireat", .expireAt, -3, .generic, "Sets when a key expires, in seconds."),
        writer("pexpireat", .pexpireAt, -3, .generic, "Sets when a key expires, in milliseconds."),
        writer("persist", .persist, 2, .generic, "Makes a key not expire."),
    ]

    private static let several: [CommandSpec] = [
        several("mget", .mget, -2, .string, [.readOnly, .fast], "The values of keys."),
        several("mset", .mset, -3, .string, [.write], "Sets keys, each on its own.", step: 2),
        several("del", .del, -2, .generic, [.write], "Deletes keys."),
        several("unlink", .unlink, -2, .generic, [.write, .fast], "Deletes keys."),
        several(
            "exists", .exists, -2, .generic, [.readOnly, .fast], "Counts keys that are there."),
        several("touch", .touch, -2, .generic, [.readOnly, .fast], "Counts keys that are there."),
    ]

    private static let henge: [CommandSpec] = [
        reader("henge.get", .hengeGet, -2, .henge, "All siblings of a key and their context."),
        writer("henge.set", .hengeSet, -3, .henge, "Writes over what a context covers."),
        writer("henge.del", .hengeDel, -2, .henge, "Deletes what a context covers."),
        reader("henge.inspect", .hengeInspect, -2, .henge, "What each replica of a key holds."),
        CommandSpec(
            name: "henge.explain",
            command: .hengeExplain,
            lane: .explained,
            arity: -3,
            flags: [.write],
            group: .henge,
            summary: "Carries a command on one key out and tells how that went, step by step.",
            firstKey: 2,
            lastKey: 2,
            keyStep: 1
        ),
    ]

    private static func alone(
        _ name: String,
        _ command: Command,
        _ arity: Int,
        _ group: CommandSpec.Group,
        _ flags: CommandSpec.Flags,
        _ summary: String
    ) -> CommandSpec {
        CommandSpec(
            name: name,
            command: command,
            lane: .alone,
            arity: arity,
            flags: flags,
            group: group,
            summary: summary
        )
    }

    private static func coverage(
        _ name: String,
        _ command: Command,
        _ arity: Int,
        _ group: CommandSpec.Group,
        _ flags: CommandSpec.Flags,
        _ summary: String
    ) -> CommandSpec {
        CommandSpec(
            name: name,
            command: command,
            lane: .coverage,
            arity: arity,
            flags: flags,
            group: group,
            summary: summary
        )
    }

    private static func reader(
        _ name: String,
        _ command: Command,
        _ arity: Int,
        _ group: CommandSpec.Group,
        _ summary: String
    ) -> CommandSpec {
        keyed(name, command, arity, group, [.readOnly, .fast], summary)
    }

    private static func writer(
        _ name: String,
        _ command: Command,
        _ arity: Int,
        _ group: CommandSpec.Group,
        _ summary: String
    ) -> CommandSpec {
        keyed(name, command, arity, group, [.write], summary)
    }

    private static func keyed(
        _ name: String,
        _ command: Command,
        _ arity: Int,
        _ group: CommandSpec.Group,
        _ flags: CommandSpec.Flags,
        _ summary: String
    ) -> CommandSpec {
        CommandSpec(
            name: name,
            command: command,
            lane: .keyed,
            arity: arity,
            flags: flags,
            group: group,
            summary: summary,
            firstKey: 1,
            lastKey: 1,
            keyStep: 1
        )
    }

    private static func several(
        _ name: String,
        _ command: Command,
        _ arity: Int,
        _ group: CommandSpec.Group,
        _ flags: CommandSpec.Flags,
        _ summary: String,
        step: Int = 1
    ) -> CommandSpec {
        CommandSpec(
            name: name,
            command: command,
            lane: .fanOut,
            arity: arity,
            flags: flags,
            group: group,
            summary: summary,
            firstKey: 1,
            lastKey: -1,
            keyStep: step
        )
    }
}
