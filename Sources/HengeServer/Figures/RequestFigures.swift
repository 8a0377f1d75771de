import HengeBase
import HengeNode
import HengeReplication

/// What became of clients' requests, and how many may be in flight.
struct RequestFigures: ShardFigure {
    var metrics: RequestMetrics
    var inFlight: Int
    var readsMax: Int
    var writesMax: Int

    init(_ driver: NodeDriver) {
        metrics = driver.requestMetrics
        inFlight = driver.requestsInFlight
        readsMax = driver.admission.readsMax
        writesMax = driver.admission.writesMax
    }

    mutating func merge(_ other: RequestFigures) {
        metrics.merge(other.metrics)
        inFlight += other.inFlight
        readsMax += other.readsMax
        writesMax += other.writesMax
    }
}

/// What the RESP front end has seen and holds.
struct ClientFigures: ShardFigure {
    var counters = ClientCounters()
    /// Open ones.
    var connections = 0
    var heldBytes = 0
    var inputBytes = 0

    init(_ driver: NodeDriver) {
        guard let hub = driver.hub else { return }
        counters = hub.counters
        connections = hub.sessions.count
        heldBytes = hub.heldBytes
        inputBytes = hub.inputBytes
    }

    mutating func merge(_ other: ClientFigures) {
        counters.merge(other.counters)
        connections += other.connections
        heldBytes += other.heldBytes
        inputBytes += other.inputBytes
    }
}

/// What the background may take, and has taken.
struct BudgetFigures: ShardFigure {
    /// The part of its rate, over 0 and up to 1; of shards the least.
    var share: Double
    var bytes: Int
    /// By ``BackgroundBudget/Kind``.
    var taken: [Int]
    /// Of requests; of shards the largest.
    var p99: Interval?

    init(_ driver: NodeDriver) {
        let budget = driver.budget
        share = driver.backgroundShare
        bytes = budget.bytes
        taken = budget.taken
        p99 = budget.p99
    }

    mutating func merge(_ other: BudgetFigures) {
        share = min(share, other.share)
        bytes += other.bytes
        for kind in taken.indices { taken[kind] += other.taken[kind] }
        p99 = [p99, other.p99].compactMap(\.self).max()
    }
}
