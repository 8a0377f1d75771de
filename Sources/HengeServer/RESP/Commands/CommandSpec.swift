import HengeRESP

/// What a command is called, what it takes and where its keys are; one entry of ``CommandTable``.
struct CommandSpec: Sendable {
    /// How a command runs beside others of its connection.
    enum Lane: Sendable {
        /// At once, once everything before it has been answered.
        case alone
        /// One request on one key, beside those on other keys.
        case keyed
        /// A request for each of its keys.
        case fanOut
        /// Over the whole cluster; everything before it is answered first, everything behind it waits.
        case coverage
    }

    enum Group: String, Sendable {
        case connection, generic, string, server, cluster, henge
    }

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8

        static let readOnly = Flags(rawValue: 1)
        static let write = Flags(rawValue: 2)
        static let fast = Flags(rawValue: 4)
        static let admin = Flags(rawValue: 8)
        static let noAuth = Flags(rawValue: 16)

        /// By the names that Redis gives them.
        var names: [String] {
            let all: [(Flags, String)] = [
                (.readOnly, "readonly"), (.write, "write"), (.fast, "fast"), (.admin, "admin"),
                (.noAuth, "no_auth"),
            ]
            return all.filter { contains($0.0) }.map(\.1)
        }
    }

    /// In lower case.
    let name: String
    let command: Command
    let lane: Lane
    /// The number of arguments with the name; if negative, its magnitude is the least.
    let arity: Int
    let flags: Flags
    let group: Group
    let summary: String
    /// Positions of keys as `COMMAND` tells them: the first, the last (negative from the end), and the step
    /// between them; zeros when it has none.
    var firstKey = 0
    var lastKey = 0
    var keyStep = 0

    func admits(argumentCount: Int) -> Bool {
        arity >= 0 ? argumentCount == arity : argumentCount >= -arity
    }

    /// The positions of the keys among `count` arguments, without a trailing `CONSISTENCY`.
    func keyPositions(argumentCount count: Int) -> StrideThrough<Int> {
        guard firstKey > 0, count > firstKey else { return stride(from: 1, through: 0, by: 1) }
        let last = lastKey < 0 ? count + lastKey : min(lastKey, count - 1)
        return stride(from: firstKey, through: last, by: keyStep)
    }
}

/// Every command by name.
enum Command: UInt8, Sendable {
    case ping, echo, hello, auth, select, client, command, info, config, time, reset, quit
    case readOnly, readWrite, cluster, consistency
    case get, strlen, type, ttl, pttl, expireTime, pexpireTime
    case set, setEx, psetEx, setNX, getSet, getDel, getEx
    case expire, pexpire, expireAt, pexpireAt, persist
    case mget, mset, del, unlink, exists, touch
    case scan, randomKey, dbSize, flushAll, flushDB
    case hengeBucket, hengeGet, hengeSet, hengeDel, hengeInspect, hengeRing, hengeStatus
}
