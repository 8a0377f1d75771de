package import HengeMessages
import HengeRESP
import HengeRing
import NIOCore

/// What clients ask a whole cluster for most, from what each node has counted. Each request is
/// counted by the one node that coordinated it, so counts add up; where a node does not list a key,
/// it may have had as many requests for it as the least that it lists.
package struct HeatMerge: Sendable {
    private struct Tally {
        var key: PulseHeat.Key
        /// Errors of nodes that list it, less the least of each.
        var excess: Int
    }

    private static let keysShown = 24

    package let tree: ReplyTree

    /// - Parameter heats: of at least one node, in any order.
    package init(_ heats: [PulseHeat]) {
        var tallies: [UInt64: Tally] = [:]
        for heat in heats {
            for key in heat.keys {
                let excess = Self.integer(key.error) - Self.integer(heat.least)
                guard var tally = tallies[key.token] else {
                    tallies[key.token] = Tally(key: key, excess: excess)
                    continue
                }
                tally.key.reads &+= key.reads
                tally.key.writes &+= key.writes
                tally.key.bytes &+= key.bytes
                tally.excess += excess
                if tally.key.stored.readableBytes == 0 {
                    tally.key.stored = key.stored
                    tally.key.storedLength = key.storedLength
                }
                tallies[key.token] = tally
            }
        }
        let least = heats.reduce(0) { $0 + Self.integer($1.least) }
        let sorted = tallies.values.sorted {
            (Self.requests($1), $0.key.token) < (Self.requests($0), $1.key.token)
        }
        tree = .map([
            "seconds": .integer(heats.map { Int($0.seconds) }.max() ?? 0),
            "reads": .integer(heats.reduce(0) { $0 + Self.integer($1.reads) }),
            "writes": .integer(heats.reduce(0) { $0 + Self.integer($1.writes) }),
            "bytes": .integer(heats.reduce(0) { $0 + Self.integer($1.bytes) }),
            "error_max": .integer(least),
            "keys": .array(sorted.prefix(Self.keysShown).map { Self.tree($0, least) }),
            "minutes": .array(Self.minutes(heats).map { .array($0.map { .integer($0) }) }),
        ])
    }

    /// Numbers of other nodes may be anything; sums of a thousand of these stay in range.
    private static func integer(_ number: UInt64) -> Int { Int(min(number, 1 << 50)) }

    private static func requests(_ tally: Tally) -> Int {
        integer(tally.key.reads) + integer(tally.key.writes) + tally.excess
    }

    private static func tree(_ tally: Tally, _ least: Int) -> ReplyTree {
        let key = tally.key
        let name = Self.name(key.stored)
        return .map([
            "token": .text(hexadecimal(key.token)),
            "bucket": name.map { .bytes($0.bucket) } ?? .null,
            "key": name.map { .bytes($0.key) } ?? .null,
            "cut": .boolean(Int(key.storedLength) > key.stored.readableBytes),
            "reads": .integer(integer(key.reads)),
            "writes": .integer(integer(key.writes)),
            "bytes": .integer(integer(key.bytes)),
            "error": .integer(max(0, tally.excess + least)),
        ])
    }

    /// The bucket, and the key as far as it is told.
    private static func name(_ stored: ByteBuffer) -> (bucket: ByteBuffer, key: ByteBuffer)? {
        var rest = stored
        guard rest.readInteger(as: UInt64.self) != nil,
            let bucket = rest.readLengthPrefixedSlice(as: UInt8.self)
        else { return nil }
        return (bucket, rest)
    }

    /// The nodes' minutes begin at different seconds; the current one of each goes with those of
    /// the others.
    private static func minutes(_ heats: [PulseHeat]) -> [[Int]] {
        let count = heats.map(\.minutes.count).max() ?? 0
        let ranges = heats.flatMap { $0.minutes.map(\.count) }.max() ?? 0
        var sums = [[Int]](repeating: [Int](repeating: 0, count: ranges), count: count)
        for heat in heats {
            for (age, minute) in heat.minutes.reversed().enumerated() {
                for (range, requests) in minute.enumerated() {
                    sums[count - 1 - age][range] += Int(requests)
                }
            }
        }
        return sums
    }
}
