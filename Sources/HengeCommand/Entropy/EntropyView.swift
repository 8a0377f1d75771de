package import HengeClient

/// How far the replicas of a cluster agree, from `HENGE.ENTROPY` of each node.
package struct EntropyView: Equatable, Sendable {
    /// What one node says.
    package struct Node: Equatable, Sendable {
        package var name: String
        package var isReady: Bool
        /// Age in milliseconds of the range that it verified longest ago; nil before the first.
        package var oldestMs: Int?
        /// How many of its ranges were never verified in its run.
        package var unverified: Int
        package var totals: EntropyTotals
        package var tombstones: Int
        package var running: [Running]
        /// How much of its records the scrub pass under way has read, 0 to 1.
        package var scrubbed: Double
        package var scrubbedMsAgo: Int?
        package var ranges: [Range]
    }

    /// A comparison under way.
    package struct Running: Equatable, Sendable {
        package var peer: String
        package var differing: Int
        package var left: Int
        package var milliseconds: Int
    }

    package struct Range: Equatable, Sendable {
        package var partition: Int
        package var replicas: Int
        /// How long ago it was last found or made equal on the replicas where that is longest ago;
        /// nil when somewhere it never was, or no home replica told.
        package var verifiedMs: Int?
        /// How many home replicas told.
        package var reports: Int

        /// A key's only replica has nothing to agree with.
        package var isCompared: Bool { replicas > 1 }
    }

    package var nodes: [Node]
    /// Nodes without an answer.
    package var unreached: [String]
    /// Every partition, in order; each age is the oldest over its home replicas.
    package let ranges: [Range]

    /// - Parameters:
    ///   - partitions: of the ring.
    ///   - replicas: of ranges of which no node tells.
    package init(nodes: [Node], unreached: [String], partitions: Int, replicas: Int) {
        self.nodes = nodes
        self.unreached = unreached
        var ranges = (0..<max(0, partitions)).map { partition in
            Range(partition: partition, replicas: replicas, verifiedMs: nil, reports: 0)
        }
        for told in nodes.flatMap(\.ranges) where ranges.indices.contains(told.partition) {
            var range = ranges[told.partition]
            let isFirst = range.reports == 0
            range.reports += 1
            range.replicas = isFirst ? told.replicas : max(range.replicas, told.replicas)
            if isFirst {
                range.verifiedMs = told.verifiedMs
            } else if let before = range.verifiedMs, let now = told.verifiedMs {
                range.verifiedMs = max(before, now)
            } else {
                range.verifiedMs = nil
            }
            ranges[told.partition] = range
        }
        self.ranges = ranges
    }

    /// The oldest age of any range, in milliseconds; nil when one was never verified.
    package var oldestMs: Int? {
        let compared = ranges.filter(\.isCompared)
        let ages = compared.compactMap(\.verifiedMs)
        return ages.count == compared.count ? ages.max() : nil
    }

    package var unverified: Int { ranges.count { $0.isCompared && $0.verifiedMs == nil } }

    package var totals: EntropyTotals {
        nodes.reduce(into: EntropyTotals()) { $0.add($1.totals) }
    }

    /// How many ranges all their home replicas have verified in the last so many milliseconds.
    package func verified(within milliseconds: Int) -> Int {
        ranges.count { range in
            guard range.isCompared else { return true }
            guard range.reports >= range.replicas, let age = range.verifiedMs else { return false }
            return age <= milliseconds
        }
    }
}

extension EntropyView.Node {
    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        name = try fields.string("node")
        isReady = try fields.boolean("ready")
        oldestMs = try fields.optionalMilliseconds("oldest_verified_seconds")
        unverified = try fields.integer("unverified")
        totals = try EntropyTotals(fields)
        tombstones = try fields.integer("tombstones")
        running = []
        for entry in try fields.maps("running") {
            running.append(
                EntropyView.Running(
                    peer: try entry.string("peer"),
                    differing: try entry.integer("differing"),
                    left: try entry.integer("left"),
                    milliseconds: try entry.optionalMilliseconds("seconds") ?? 0
                )
            )
        }
        scrubbed = try fields.number("scrubbed")
        scrubbedMsAgo = try fields.optionalMilliseconds("scrubbed_seconds_ago")
        ranges = []
        for reply in try fields.list("ranges") {
            ranges.append(try Self.range(reply))
        }
    }

    /// `[partition, replicas, verified seconds or nil, tombstones]`.
    private static func range(
        _ reply: HengeReply
    ) throws(ReplyFields.Fault) -> EntropyView.Range {
        guard case .array(let parts) = reply, parts.count >= 3,
            case .integer(let partition) = parts[0], case .integer(let replicas) = parts[1]
        else { throw ReplyFields.Fault(field: "ranges", wanted: "a list of ranges") }
        return EntropyView.Range(
            partition: Int(partition),
            replicas: Int(replicas),
            verifiedMs: try ReplyFields.milliseconds(parts[2], of: "ranges"),
            reports: 1
        )
    }
}
