import HengeBase
import HengeRESP
import HengeRing
import NIOCore

/// `CLUSTER`, by its subcommands, so that clients of Redis Cluster find the right node by
/// themselves.
extension ClientSession {
    func cluster(_ command: RESPCommand) throws(CommandError) {
        let name = command.text(1).lowercased()
        switch name {
        case "slots":
            try arity(command, 2, "cluster|slots")
            write(clusterMap.slotsTree)
        case "shards":
            try arity(command, 2, "cluster|shards")
            write(clusterMap.shardsTree)
        case "nodes":
            try arity(command, 2, "cluster|nodes")
            connection.writer.verbatim(clusterMap.nodesText, into: &out)
        case "info":
            try arity(command, 2, "cluster|info")
            connection.writer.verbatim(clusterMap.infoText, into: &out)
        case "myid":
            try arity(command, 2, "cluster|myid")
            let id = ClusterMap.publicID(
                of: hub.driver.node,
                clusterID: hub.driver.ring.document.clusterID
            )
            connection.writer.bulk(id, into: &out)
        case "keyslot":
            try arity(command, 3, "cluster|keyslot")
            let slot = command[2].withUnsafeReadableBytes { HashSlot.of($0) }
            connection.writer.integer(Int(slot), into: &out)
        case "countkeysinslot":
            try arity(command, 3, "cluster|countkeysinslot")
            try countKeys(slot: command.integer(2))
        case "help":
            write(.array(Self.clusterHelp.map { .simple($0) }))
        default:
            throw .unknownSubcommand(command, of: "cluster")
        }
    }

    private var clusterMap: ClusterMap {
        let driver = hub.driver
        return ClusterMap(ring: driver.ring, own: driver.node, status: driver.peerStatus)
    }

    /// Keys of all buckets in a slot, in the whole cluster.
    private func countKeys(slot: Int64) throws(CommandError) {
        guard (0..<Int64(HashSlot.count)).contains(slot) else {
            throw CommandError("ERR Invalid slot")
        }
        let first = UInt64(slot) << 50
        begin(
            CoverageJob(
                .countRange,
                bucket: nil,
                from: Token(rawValue: first),
                through: Token(rawValue: first | ((1 << 50) - 1)),
                wall: hub.driver.wall
            )
        )
    }

    private static let clusterHelp = [
        "CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "COUNTKEYSINSLOT <slot>", "INFO", "KEYSLOT <key>", "MYID", "NODES", "SHARDS", "SLOTS",
        "HELP",
    ]
}

extension ClusterMap {
    /// `[[first, last, [host, port, id, []], …], …]`, the master first.
    var slotsTree: ReplyTree {
        .array(
            ranges.map { range in
                let serving = range.nodes.map { position in
                    ReplyTree.array([
                        .text(nodes[position].host), .integer(nodes[position].port),
                        .text(nodes[position].publicID), .array([]),
                    ])
                }
                return .array(
                    [.integer(range.slots.lowerBound), .integer(range.slots.upperBound)] + serving
                )
            }
        )
    }

    var shardsTree: ReplyTree {
        .array(
            shards.map { shard in
                let slots = shard.slots.flatMap {
                    [ReplyTree.integer($0.lowerBound), .integer($0.upperBound)]
                }
                let serving = shard.nodes.enumerated().map { index, position in
                    ReplyTree.map([
                        "id": .text(nodes[position].publicID),
                        "port": .integer(nodes[position].port),
                        "ip": .text(nodes[position].host),
                        "endpoint": .text(nodes[position].host),
                        "role": .text(index == 0 ? "master" : "replica"),
                        "replication-offset": .integer(0),
                        "health": .text("online"),
                    ])
                }
                return .map(["slots": .array(slots), "nodes": .array(serving)])
            }
        )
    }

    /// One line a node: id, address, flags, master, ping, pong, epoch, link, slots.
    package var nodesText: String {
        nodes.indices.map { position in
            let node = nodes[position]
            let flags = (node.isOwn ? "myself,master" : "master") + (node.isUp ? "" : ",fail")
            let slots = slots(masteredBy: position).map { range in
                range.count == 1
                    ? " \(range.lowerBound)" : " \(range.lowerBound)-\(range.upperBound)"
            }
            return "\(node.publicID) \(node.host):\(node.port)@\(node.peerPort) \(flags) - 0 0 "
                + "\(epoch) \(node.isUp ? "connected" : "disconnected")\(slots.joined())\n"
        }.joined()
    }

    package var infoText: String {
        let served = slotsServed
        let up = nodes.count { $0.isUp }
        let lines: KeyValuePairs<String, String> = [
            "cluster_enabled": "1",
            "cluster_state": served == HashSlot.count ? "ok" : "fail",
            "cluster_slots_assigned": String(HashSlot.count),
            "cluster_slots_ok": String(served),
            "cluster_slots_pfail": "0",
            "cluster_slots_fail": String(HashSlot.count - served),
            "cluster_known_nodes": String(memberCount),
            "cluster_size": String(up),
            "cluster_current_epoch": String(epoch),
            "cluster_my_epoch": String(epoch),
        ]
        return lines.map { "\($0):\($1)\r\n" }.joined()
    }
}
