package import HengeClient

package import struct NIOCore.ByteBuffer

/// What one node sees of its cluster, from `HENGE.OVERVIEW`.
package struct OverviewView: Equatable, Sendable {
    /// Of all nodes that answer, a second.
    package struct Totals: Equatable, Sendable {
        package var reads: Double
        package var writes: Double
        package var errors: Double
        /// In microseconds; nil where nothing was asked for.
        package var readP50: Int?
        package var readP99: Int?
        package var writeP50: Int?
        package var writeP99: Int?
    }

    package struct Hints: Equatable, Sendable {
        package var target: String
        package var count: Int
        package var bytes: Int
        package var oldestMilliseconds: Int
    }

    package struct Comparing: Equatable, Sendable {
        package var peer: String
        package var differing: Int
        package var left: Int
    }

    /// Numbers are nil where the node does not answer, and rates until it has twice.
    package struct Node: Equatable, Sendable {
        package var name: String
        package var state: String
        package var zone: String
        package var isCandidate: Bool
        package var answers: Bool
        package var resp: String
        package var reads: Double?
        package var writes: Double?
        package var errors: Double?
        package var p50: Int?
        package var p99: Int?
        package var inFlight: Int?
        package var keys: Int?
        package var bytes: Int?
        package var hints: [Hints]
        package var hintsPaused: Bool
        package var hintsDelivered: Double?
        package var readRepairs: Double?
        package var comparing: [Comparing]
        package var unverified: Int?

        package var isDown: Bool { state == "down" }
    }

    package struct HotKey: Equatable, Sendable {
        package var token: String
        package var bucket: ByteBuffer?
        package var key: ByteBuffer?
        package var isCut: Bool
        package var reads: Int
        package var writes: Int
        package var error: Int

        package var requests: Int { reads + writes }
    }

    package var node: String
    package var cluster: String
    package var epoch: Int
    package var timeMilliseconds: Int
    /// Nil until the nodes have been looked at twice.
    package var totals: Totals?
    package var nodes: [Node]
    /// Nil while the ring does not change.
    package var change: RingProgressView?
    package var hotKeys: [HotKey]
    /// How far back the hot keys go, and of how many requests they are.
    package var hotSeconds: Int
    package var hotRequests: Int

    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        node = try fields.string("node")
        cluster = try fields.string("cluster")
        epoch = try fields.integer("epoch")
        timeMilliseconds = try fields.integer("time_ms")
        totals = nil
        if let entry = fields.map("totals") { totals = try Totals(entry) }
        nodes = []
        for entry in try fields.maps("nodes") { nodes.append(try Node(entry)) }
        change = nil
        if let reply = fields.value("change"), reply != .null {
            change = try RingProgressView(reply)
        }
        hotKeys = []
        hotSeconds = 0
        hotRequests = 0
        guard let heat = fields.map("heat") else { return }
        hotSeconds = try heat.integer("seconds")
        let reads = try heat.integer("reads")
        hotRequests = reads + (try heat.integer("writes"))
        for entry in try heat.maps("keys") { hotKeys.append(try HotKey(entry)) }
    }

    package var membersUp: Int { nodes.count { !$0.isCandidate && !$0.isDown } }
    package var members: Int { nodes.count { !$0.isCandidate } }
}

extension OverviewView.Totals {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        reads = try fields.number("reads")
        writes = try fields.number("writes")
        errors = try fields.number("errors")
        readP50 = fields.optionalInteger("read_p50_us")
        readP99 = fields.optionalInteger("read_p99_us")
        writeP50 = fields.optionalInteger("write_p50_us")
        writeP99 = fields.optionalInteger("write_p99_us")
    }
}

extension OverviewView.Node {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        name = try fields.string("name")
        state = try fields.string("state")
        zone = try fields.string("zone")
        isCandidate = try fields.string("role") == "candidate"
        answers = try fields.boolean("answers")
        resp = try fields.string("resp")
        reads = try? fields.number("reads")
        writes = try? fields.number("writes")
        errors = try? fields.number("errors")
        p50 = fields.optionalInteger("p50_us")
        p99 = fields.optionalInteger("p99_us")
        inFlight = fields.optionalInteger("in_flight")
        keys = fields.optionalInteger("keys")
        bytes = fields.optionalInteger("bytes")
        hints = []
        hintsPaused = false
        hintsDelivered = try? fields.number("hints_delivered")
        readRepairs = try? fields.number("read_repairs")
        comparing = []
        unverified = fields.optionalInteger("unverified")
        // What a node that is silent holds is not known.
        guard answers else { return }
        hintsPaused = try fields.boolean("hints_paused")
        for entry in try fields.maps("hints") {
            hints.append(
                OverviewView.Hints(
                    target: try entry.string("node"),
                    count: try entry.integer("count"),
                    bytes: try entry.integer("bytes"),
                    oldestMilliseconds: try entry.integer("oldest_ms")
                )
            )
        }
        for entry in try fields.maps("comparing") {
            comparing.append(
                OverviewView.Comparing(
                    peer: try entry.string("node"),
                    differing: try entry.integer("differing"),
                    left: try entry.integer("left")
                )
            )
        }
    }
}

extension OverviewView.HotKey {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        token = try fields.string("token")
        bucket = try? fields.bytes("bucket")
        key = try? fields.bytes("key")
        isCut = try fields.boolean("cut")
        reads = try fields.integer("reads")
        writes = try fields.integer("writes")
        error = try fields.integer("error")
    }
}
