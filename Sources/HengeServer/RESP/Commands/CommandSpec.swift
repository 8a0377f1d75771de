import HengeRESP

/// What a command is called, what it takes and where its keys are; one entry of ``CommandTable``.
package struct CommandSpec: Sendable {
    /// How a command runs beside others of its connection.
    package enum Lane: Sendable {
        /// At once, once everything before it has been answered.
        case alone
        /// One request on one key, beside those on other keys.
        case keyed
        /// The same, named behind the command's own name: how it goes is what is replied.
        case explained
        /// A request for each of its keys.
        case fanOut
        /// Over the whole cluster; everything before it is answered first, everything behind it
        /// waits.
        case coverage
    }

    package enum Group: String, Sendable {
        case connection, generic, string, server, cluster, henge
    }

    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let readOnly = Flags(rawValue: 1)
        package static let write = Flags(rawValue: 2)
        package static let fast = Flags(rawValue: 4)
        package static let admin = Flags(rawValue: 8)
        package static let noAuth = Flags(rawValue: 16)

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
    package let name: String
    package let command: Command
    package let lane: Lane
    /// The number of arguments with the name; if negative, its magnitude is the least.
    package let arity: Int
    package let flags: Flags
    package let group: Group
    package let summary: String
    /// Positions of keys as `COMMAND` tells them: the first, the last (negative from the end), and
    /// the step between them; zeros when it has none.
    package var firstKey = 0
    package var lastKey = 0
    package var keyStep = 0

    package func admits(argumentCount: Int) -> Bool {
        arity >= 0 ? argumentCount == arity : argumentCount >= -arity
    }

    /// The positions of the keys among `count` arguments, without a trailing `CONSISTENCY`.
    package func keyPositions(argumentCount count: Int) -> StrideThrough<Int> {
        guard firstKey > 0, count > firstKey else { return stride(from: 1, through: 0, by: 1) }
        let last = lastKey < 0 ? count + lastKey : min(lastKey, count - 1)
        return stride(from: firstKey, through: last, by: keyStep)
    }
}

/// Every command by name.
package enum Command: UInt8, Sendable {
    case ping, echo, hello, auth, select, client, command, info, config, time, reset, quit
    case readOnly, readWrite, cluster, consistency
    case get, strlen, type, ttl, pttl, expireTime, pexpireTime
    case set, setEx, psetEx, setNX, getSet, getDel, getEx
    case expire, pexpire, expireAt, pexpireAt, persist
    case mget, mset, del, unlink, exists, touch
    case scan, randomKey, dbSize, flushAll, flushDB
    case hengeBucket, hengeGet, hengeSet, hengeDel, hengeInspect, hengeRing, hengeStatus
    case hengeHints, hengeEntropy, hengeRepair, hengeSettled, hengeHotKeys, hengeReport
    case hengeOverview, hengeExplain

    /// Whether it is about the node as a whole, so that only its first shard can carry it out.
    var concernsNode: Bool {
        switch self {
        case .info, .cluster, .hengeRing, .hengeStatus, .hengeHints, .hengeEntropy, .hengeRepair,
            .hengeSettled, .hengeHotKeys, .hengeReport, .hengeOverview:
            true
        default: false
        }
    }
}
