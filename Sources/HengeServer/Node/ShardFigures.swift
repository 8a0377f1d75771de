import HengeBase
import HengeNode

/// All that reports, metrics and pages read of one shard, at one moment.
struct ShardFigures: Sendable {
    let requests: RequestFigures
    let clients: ClientFigures
    let counters: ShardCounters
    let tallies: PartitionTallies
    let delays: DelayFigures
    let hints: HintFigures
    let entropy: EntropyStatus
    let heat: HeatFigures
    let budget: BudgetFigures
    let storage: StorageFigures
    let peers: PeerFigures
    let bulk: BulkTransport.Counters
    /// Of the event loop.
    let lag: LatencyHistogram
    /// How far the timestamps that it gives are ahead of the wall clock.
    let clockAhead: Interval

    /// O(partitions + members).
    init(_ driver: NodeDriver) {
        requests = RequestFigures(driver)
        clients = ClientFigures(driver)
        counters = driver.counters
        tallies = driver.tallies
        delays = DelayFigures(driver.shard.delays)
        hints = HintFigures(driver)
        entropy = driver.entropyStatus
        heat = HeatFigures(driver.shard.heat)
        budget = BudgetFigures(driver)
        storage = StorageFigures(driver)
        peers = PeerFigures(driver)
        bulk = driver.bulkCounters
        lag = driver.watch.lag
        clockAhead = driver.shard.clockAhead(of: driver.wall)
    }
}

/// The same of a whole node, as of this turn; of the shards other than the first as of when they
/// were last asked (``NodeDriver/refreshFigures()``). Each figure is put together when it is read,
/// so that nobody pays for others.
///
/// Confined to the driver's event loop.
struct NodeFigures {
    fileprivate let driver: NodeDriver

    var requests: RequestFigures { sum(RequestFigures(driver), \.requests) }
    var clients: ClientFigures { sum(ClientFigures(driver), \.clients) }
    var counters: ShardCounters { sum(driver.counters, \.counters) }
    var tallies: PartitionTallies { sum(driver.tallies, \.tallies) }
    var delays: DelayFigures { sum(DelayFigures(driver.shard.delays), \.delays) }
    var hints: HintFigures { sum(HintFigures(driver), \.hints) }
    var heat: HeatFigures { sum(HeatFigures(driver.shard.heat), \.heat) }
    var budget: BudgetFigures { sum(BudgetFigures(driver), \.budget) }
    var storage: StorageFigures { sum(StorageFigures(driver), \.storage) }
    var peers: PeerFigures { sum(PeerFigures(driver), \.peers) }
    var bulk: BulkTransport.Counters { sum(driver.bulkCounters, \.bulk) }
    var lag: LatencyHistogram { sum(driver.watch.lag, \.lag) }

    var entropy: EntropyStatus {
        .joined([driver.entropyStatus] + driver.siblingFigures.map(\.entropy))
    }

    var clockAhead: Interval {
        let own = driver.shard.clockAhead(of: driver.wall)
        return driver.siblingFigures.reduce(own) { max($0, $1.clockAhead) }
    }

    private func sum<Figure: ShardFigure>(
        _ own: Figure,
        _ figure: (ShardFigures) -> Figure
    ) -> Figure {
        driver.siblingFigures.reduce(into: own) { $0.merge(figure($1)) }
    }
}

extension NodeDriver {
    /// What the node has counted.
    var figures: NodeFigures { NodeFigures(driver: self) }
}
