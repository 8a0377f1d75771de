import HengeBase
import HengeMessages
import HengeNode
import HengeRing

/// What `HENGE.STATUS` says of this node, and the Henge section of `INFO`.
package struct StatusReport {
    private(set) var fields: [ReplyTree.Field]

    var tree: ReplyTree { .map(fields) }

    init(_ hub: ClientHub) {
        let driver = hub.driver
        let document = driver.ring.document
        let figures = driver.figures
        let counters = figures.counters
        let clients = figures.clients
        let requests = figures.requests
        let budget = figures.budget
        let tallies = figures.tallies
        let total = tallies.total
        let own: KeyValuePairs<String, ReplyTree> = [
            "node": .text(driver.ring.member(driver.node)?.name ?? ""),
            "id": .integer(Int(driver.node.rawValue)),
            "cluster": .text(hexadecimal(document.clusterID)),
            "version": .text(ServerVersion.henge),
            "shards": .integer(driver.slice.count),
            "epoch": .integer(Int64(clamping: document.epoch)),
            "ring_changes": .boolean(document.transition != nil),
            "state": .text(driver.phase.rawValue),
            "uptime_ms": .integer(Int64(driver.now.since(driver.startedAt).milliseconds)),
            "peers": .map(Self.peers(driver)),
            "keys": .integer(max(0, total.keys)),
            "records": .integer(max(0, total.records)),
            "bytes": .integer(max(0, total.bytes)),
            "counting": .boolean(!tallies.isComplete),
            "clients": .integer(clients.connections),
            "sloppy_buckets": .array(driver.settings.sloppyBuckets.map { .text($0) }),
            "requests_in_flight": .integer(requests.inFlight),
            "rss_bytes": .integer(ProcessMemory.residentBytes),
            "commands": .integer(clients.counters.commands),
            "conflicts_seen": .integer(clients.counters.conflictsSeen),
            "protocol_errors": .integer(clients.counters.protocolErrors),
            "requests_expired": .integer(clients.counters.requestsExpired),
            "requests_refused": .integer(requests.metrics.refused),
            "reads_max": .integer(requests.readsMax),
            "writes_max": .integer(requests.writesMax),
            "background_share": .double(budget.share),
            "background_bytes": .integer(budget.bytes),
            "foreground_p99_us": .integer(Int(clamping: budget.p99?.microseconds ?? 0)),
            "connections_received": .integer(clients.counters.connectionsReceived),
            "connections_rejected": .integer(clients.counters.connectionsRejected),
        ]
        fields =
            own.map(ReplyTree.Field.init(name:value:)) + Self.numbers(in: counters)
            + Self.numbers(in: figures.storage.metrics, prefix: "storage_")
        // Zeros while the ring is still.
        let transfer = driver.nodeRingReport?.progress ?? TransferProgress()
        fields += Self.numbers(in: transfer, prefix: "transfer_")
        let wait = transfer.wait.map { ReplyTree.text($0.name) } ?? .null
        fields.append(ReplyTree.Field(name: "transfer_wait", value: wait))
        fields += Self.numbers(in: figures.bulk, prefix: "bulk_")
    }

    private static func peers(_ driver: NodeDriver) -> [ReplyTree.Field] {
        driver.ring.allMembers.filter { $0.id != driver.node }.map { member in
            let status = driver.peerStatus(member.id)
            let tree = ReplyTree.map([
                "state": .text(status.stateName),
                "phi": status.phi,
                "last_contact_ms": status.lastContact,
                "connected": .boolean(status.member.isConnected),
            ])
            return ReplyTree.Field(name: member.name, value: tree)
        }
    }

    /// Every whole number of a struct under its name in snake case, so that a counter that is added
    /// shows up by itself.
    static func numbers(in counters: Any, prefix: String = "") -> [ReplyTree.Field] {
        Mirror(reflecting: counters).children.compactMap { child in
            guard let label = child.label, let value = child.value as? Int else { return nil }
            return ReplyTree.Field(name: prefix + snakeCase(label), value: .integer(value))
        }
    }

    /// By bytes, since it is done for some hundred names at each report: of ASCII alone.
    package static func snakeCase(_ name: String) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(2 * name.utf8.count)
        var wasUpper = false
        for byte in name.utf8 {
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            if isUpper, !wasUpper, !text.isEmpty { text.append(UInt8(ascii: "_")) }
            wasUpper = isUpper
            text.append(isUpper ? byte | 0x20 : byte)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
