package import HengeClient

package import struct NIOCore.ByteBuffer

/// What clients ask a whole cluster for most, from `HENGE.HOTKEYS` of each node.
///
/// Each request is counted by the one node that coordinated it, so counts add up. A node that does
/// not list a key may still have had as many requests for it as the least that it lists: these are
/// the errors.
package struct HotKeysView: Sendable {
    package struct Key: Equatable, Sendable {
        package var token: String
        /// Nil for a key that no node has seen twice.
        package var bucket: ByteBuffer?
        package var key: ByteBuffer?
        package var isCut: Bool
        package var reads: Int
        package var writes: Int
        package var bytes: Int
        /// By how much the requests may be more than ``reads`` and ``writes``.
        package var error: Int

        package var requests: Int { reads + writes }
    }

    package struct Partition: Equatable, Sendable {
        package var reads = 0
        package var writes = 0
        package var bytes = 0

        package var requests: Int { reads + writes }
    }

    package let window: String
    /// How many keys to show.
    package let limit: Int
    /// The longest that a node has counted.
    package private(set) var seconds = 0
    package private(set) var reads = 0
    package private(set) var writes = 0
    package private(set) var bytes = 0
    /// Most requests first.
    package private(set) var keys: [Key] = []
    /// What a key that is not listed has at most.
    package private(set) var errorMax = 0
    package private(set) var partitions: [Partition] = []
    /// Requests by minute, the current one last, and by range of tokens.
    package private(set) var minutes: [[Int]] = []
    /// Nodes that don't count.
    package private(set) var silent: [String] = []
    package private(set) var unreached: [String] = []

    package init(window: String, limit: Int) {
        self.window = window
        self.limit = limit
    }

    package var requests: Int { reads + writes }

    package mutating func lacks(_ node: String) { unreached.append(node) }

    /// Adds what one node says; all are to be added before anything is shown.
    package mutating func add(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        guard try fields.boolean("counting") else {
            return silent.append(try fields.string("node"))
        }
        seconds = max(seconds, try fields.integer("seconds"))
        reads += try fields.integer("reads")
        writes += try fields.integer("writes")
        bytes += try fields.integer("bytes")
        let least = try fields.integer("error_max")
        try addKeys(fields.maps("keys"), least: least)
        errorMax += least
        try addPartitions(fields)
        try addMinutes(fields.list("minutes"))
    }

    private mutating func addKeys(
        _ listed: [ReplyFields],
        least: Int
    ) throws(ReplyFields.Fault) {
        var places: [String: Int] = [:]
        for (index, key) in keys.enumerated() { places[key.token] = index }
        for index in keys.indices { keys[index].error += least }
        for fields in listed {
            let token = try fields.string("token")
            // What this node has may have been left out by those before it.
            var key =
                places[token].map { keys[$0] }
                ?? Key(
                    token: token,
                    isCut: false,
                    reads: 0,
                    writes: 0,
                    bytes: 0,
                    error: errorMax + least
                )
            key.reads += try fields.integer("reads")
            key.writes += try fields.integer("writes")
            key.bytes += try fields.integer("bytes")
            key.error += try fields.integer("error") - least
            if key.key == nil, case .some(.bytes) = fields.value("key") {
                key.key = try fields.bytes("key")
                key.bucket = try fields.bytes("bucket")
                key.isCut = try fields.boolean("cut")
            }
            if let place = places[token] { keys[place] = key } else { keys.append(key) }
        }
        keys.sort { ($1.requests + $1.error, $0.token) < ($0.requests + $0.error, $1.token) }
    }

    private mutating func addPartitions(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        let reads = try Self.integers(fields.list("partition_reads"), "partition_reads")
        let writes = try Self.integers(fields.list("partition_writes"), "partition_writes")
        let bytes = try Self.integers(fields.list("partition_bytes"), "partition_bytes")
        guard writes.count == reads.count, bytes.count == reads.count else {
            throw ReplyFields.Fault(field: "partition_writes", wanted: "as long as the others")
        }
        while partitions.count < reads.count { partitions.append(Partition()) }
        for index in reads.indices {
            partitions[index].reads += reads[index]
            partitions[index].writes += writes[index]
            partitions[index].bytes += bytes[index]
        }
    }

    /// The nodes' minutes begin at different seconds; the current one of each goes with those of
    /// the others.
    private mutating func addMinutes(_ replies: [HengeReply]) throws(ReplyFields.Fault) {
        for (age, reply) in replies.reversed().enumerated() {
            guard case .array(let row) = reply else {
                throw ReplyFields.Fault(field: "minutes", wanted: "lists")
            }
            let counts = try Self.integers(row, "minutes")
            if age == minutes.count {
                minutes.insert(counts, at: 0)
                continue
            }
            let place = minutes.count - 1 - age
            guard counts.count == minutes[place].count else {
                throw ReplyFields.Fault(field: "minutes", wanted: "lists of one length")
            }
            for range in counts.indices { minutes[place][range] += counts[range] }
        }
    }

    private static func integers(
        _ replies: [HengeReply],
        _ field: String
    ) throws(ReplyFields.Fault) -> [Int] {
        var numbers: [Int] = []
        numbers.reserveCapacity(replies.count)
        for reply in replies {
            guard case .integer(let number) = reply, number >= 0 else {
                throw ReplyFields.Fault(field: field, wanted: "whole numbers")
            }
            numbers.append(Int(number))
        }
        return numbers
    }
}
