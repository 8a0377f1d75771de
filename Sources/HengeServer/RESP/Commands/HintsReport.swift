package import HengeBase
package import HengeMessages
package import HengeNode
import HengeRESP

/// What this node keeps for nodes that missed it, as `HENGE.HINTS` shows it.
package struct HintsReport {
    package let tree: ReplyTree

    init(_ driver: NodeDriver) {
        let hints = driver.figures.hints
        self.init(
            node: driver.name(of: driver.node),
            backlogs: hints.backlogs,
            isPaused: hints.arePaused,
            counters: driver.figures.counters,
            wall: driver.wall,
            name: driver.name(of:)
        )
    }

    package init(
        node: String,
        backlogs: [HintBacklog],
        isPaused: Bool,
        counters: ShardCounters,
        wall: WallTime,
        name: (NodeID) -> String
    ) {
        let targets = backlogs.filter { $0.count > 0 }.map { backlog in
            ReplyTree.map([
                "node": .text(name(backlog.target)),
                "count": .integer(backlog.count),
                "bytes": .integer(backlog.bytes),
                "oldest_ms": backlog.oldest.map { Self.age(of: $0, at: wall) } ?? .null,
                "paused": .boolean(isPaused),
            ])
        }
        tree = .map([
            "node": .text(node),
            "paused": .boolean(isPaused),
            "targets": .array(targets),
            "stored": .integer(counters.hintsStored),
            "delivered": .integer(counters.hintsDelivered),
            "expired": .integer(counters.hintsExpired),
            "dropped": .integer(counters.hintsDropped),
            "bytes_delivered": .integer(counters.hintBytesDelivered),
        ])
    }

    /// 0 when the clock has been set back since.
    private static func age(of time: WallTime, at wall: WallTime) -> ReplyTree {
        let age = wall > time ? wall.milliseconds - time.milliseconds : 0
        return .integer(Int64(clamping: age))
    }
}

extension ClientSession {
    /// `HENGE.HINTS`, `HENGE.HINTS PAUSE`, `RESUME` or `DROP [node]`.
    func hints(_ command: RESPCommand) throws(CommandError) {
        guard command.count > 1 else { return write(HintsReport(hub.driver).tree) }
        switch command.keyword(1) {
        case Keyword.pause where command.count == 2: hub.driver.stepShards(.hints(.pause))
        case Keyword.resume where command.count == 2: hub.driver.stepShards(.hints(.resume))
        case Keyword.drop where command.count == 2: hub.driver.stepShards(.hints(.drop(nil)))
        case Keyword.drop where command.count == 3:
            let name = command.text(2)
            guard let member = hub.driver.ring.member(named: name) else {
                throw .unknownNode(name)
            }
            hub.driver.stepShards(.hints(.drop(member.id)))
        default: throw .syntax
        }
        connection.writer.ok(into: &out)
    }
}
