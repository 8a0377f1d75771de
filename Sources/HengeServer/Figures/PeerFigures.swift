import HengeBase
import HengeMessages
import HengeNode
import HengeRing
import HengeStorage

/// The connections to other members.
struct PeerFigures: ShardFigure {
    struct Link: ShardFigure {
        var counters = PeerLink.Counters()
        var queuedBytes = 0
        /// Of bulk messages.
        var bulkQueuedBytes = 0

        mutating func merge(_ other: Link) {
            counters.merge(other.counters)
            queuedBytes += other.queuedBytes
            bulkQueuedBytes += other.bulkQueuedBytes
        }
    }

    /// By node id; nil for this node and for ids that are no members.
    var links: [Link?]
    var transport: PeerTransport.Counters

    init(_ driver: NodeDriver) {
        links = driver.links.map { link in
            link.map { link in
                Link(
                    counters: link.counters,
                    queuedBytes: link.queuedBytes,
                    bulkQueuedBytes: driver.bulk?.queuedBytes(for: link.peer.id) ?? 0
                )
            }
        }
        transport = driver.transport?.counters ?? PeerTransport.Counters()
    }

    subscript(id: NodeID) -> Link? {
        Int(id.rawValue) < links.count ? links[Int(id.rawValue)] : nil
    }

    mutating func merge(_ other: PeerFigures) {
        while links.count < other.links.count { links.append(nil) }
        for (id, link) in other.links.enumerated() {
            guard let link else { continue }
            if links[id] == nil { links[id] = link } else { links[id]?.merge(link) }
        }
        transport.merge(other.transport)
    }
}

/// What the engines have done and how much they may have under way.
struct StorageFigures: ShardFigure {
    var metrics: StorageMetrics
    var pendingMax: Int
    /// What the shards hold for work in flight.
    var shardWork: Int
    var engines: [RocksDBEngine]

    init(_ driver: NodeDriver) {
        metrics = driver.storageMetrics
        pendingMax = driver.storage.pendingOperationsMax
        shardWork = driver.shard.workInFlight
        engines = [driver.storage]
    }

    mutating func merge(_ other: StorageFigures) {
        metrics.merge(other.metrics)
        pendingMax += other.pendingMax
        shardWork += other.shardWork
        engines += other.engines
    }
}
