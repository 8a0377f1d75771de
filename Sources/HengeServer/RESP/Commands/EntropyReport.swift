package import HengeBase
package import HengeNode
import HengeRESP

/// How far this node's partition replicas agree with those of other nodes, as `HENGE.ENTROPY` shows
/// it. Totals count from the node's start.
package struct EntropyReport {
    package let tree: ReplyTree

    init(_ driver: NodeDriver) {
        self.init(
            node: driver.name(of: driver.node),
            status: driver.figures.entropy,
            counters: driver.figures.counters,
            bulk: driver.figures.bulk,
            name: driver.name(of:)
        )
    }

    package init(
        node: String,
        status: EntropyStatus,
        counters: ShardCounters,
        bulk: BulkTransport.Counters,
        name: (NodeID) -> String
    ) {
        // Of a key's only replica there is nothing to compare.
        let compared = status.ranges.filter { $0.replicas > 1 }
        let oldest = compared.compactMap(\.verifiedAge).max()
        tree = .map([
            "node": .text(node),
            "ready": .boolean(status.isReady),
            "oldest_verified_seconds": Self.seconds(oldest),
            "unverified": .integer(compared.count { $0.verifiedAge == nil }),
            "differences": .integer(counters.partitionsDiffered),
            "received": .integer(counters.entropyReceived),
            "sent": .integer(counters.entropySent),
            "purged": .integer(counters.purged),
            "tombstones": .integer(status.ranges.reduce(0) { $0 + $1.tombstones }),
            "comparisons": .integer(counters.comparisons),
            "failed": .integer(counters.comparisonsFailed),
            "running": .array(status.running.map { Self.running($0, name) }),
            "scrubbed": .double(status.scrubbed),
            "scrubbed_seconds_ago": Self.seconds(status.scrubbedAge),
            "bytes_raw": .integer(bulk.entropyBytesRawSent),
            "bytes_compressed": .integer(bulk.entropyBytesCompressedSent),
            "hand_off_bytes_raw": .integer(bulk.handOffBytesRawSent),
            "hand_off_bytes_compressed": .integer(bulk.handOffBytesCompressedSent),
            "ranges": .array(status.ranges.map(Self.range)),
        ])
    }

    private static func running(
        _ running: EntropyStatus.Running,
        _ name: (NodeID) -> String
    ) -> ReplyTree {
        .map([
            "peer": .text(name(running.peer)),
            "differing": .integer(running.differing),
            "left": .integer(running.left),
            "seconds": seconds(running.age),
        ])
    }

    private static func range(_ range: EntropyStatus.Range) -> ReplyTree {
        .array([
            .integer(range.partition), .integer(range.replicas), seconds(range.verifiedAge),
            .integer(range.tombstones),
        ])
    }

    /// To a millisecond, so that an age can be compared with when something was asked for; nil is
    /// null.
    private static func seconds(_ age: Interval?) -> ReplyTree {
        age.map { .double(Double($0.milliseconds) / 1000) } ?? .null
    }
}

extension ClientSession {
    /// `HENGE.REPAIR`: compares with every other home replica now, not when it is due.
    func repair() {
        hub.driver.stepShards(.compareNow)
        connection.writer.ok(into: &out)
    }
}
