import HengeBase
import HengeNode
import HengeReplication

/// Works out how stale reads at ONE may be, from what a node has measured of late.
struct StalenessEstimate: Sendable {
    /// Delays count for this long at least, and for twice as long at most.
    private static let window = Interval.seconds(300)
    /// Results are good for so long: pages may be asked for more often.
    private static let lifetime = Interval.seconds(10)
    /// Enough for ten beyond the 99.9th percentile, in some milliseconds.
    private static let trials = 10_000
    static let times = [0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    static let probabilities = [0.9, 0.99, 0.999]

    /// What is known of one write level.
    struct Row: Sendable {
        let level: String
        /// For each of ``times``.
        let fresh: [Double]
        /// For each of ``probabilities``, in seconds.
        let seconds: [Double]
    }

    /// What had been measured when the window began, and when the next one did.
    private var before = DelayFigures()
    private var middle = DelayFigures()
    private var middleAt: Instant?
    private var rows: [Row] = []
    private var madeAt: Instant?

    /// The estimate as of `now`; empty while too little was measured.
    mutating func update(_ snapshot: MetricSnapshot, now: Instant) -> [Row] {
        if let madeAt, now.since(madeAt) < Self.lifetime { return rows }
        madeAt = now
        if now.since(middleAt ?? now) >= Self.window {
            before = middle
            middle = snapshot.delays
            middleAt = now
        }
        if middleAt == nil { middleAt = now }
        rows = Self.rows(snapshot, since: before, seed: now.nanoseconds)
        return rows
    }

    private static func rows(
        _ snapshot: MetricSnapshot,
        since before: DelayFigures,
        seed: UInt64
    ) -> [Row] {
        let recent = snapshot.delays.since(before)
        let own = Int(snapshot.node.rawValue)
        let peers = snapshot.peerNames.indices.filter { snapshot.peerNames[$0] != nil }.map {
            MeasuredDelays.Peer(stores: recent.stores[$0], fetches: recent.fetches[$0])
        }
        let replicas = snapshot.replicas
        guard
            let delays = MeasuredDelays(own: recent.stores[own], peers: peers, replicas: replicas)
        else { return [] }
        return [("one", 1), ("quorum", replicas / 2 + 1)].map { level, quorum in
            let result = delays.reads(
                replicas: replicas,
                writeQuorum: quorum,
                trials: trials,
                seed: seed
            )
            return Row(
                level: level,
                fresh: times.map { result.freshProbability(after: $0 * 1e6) },
                seconds: probabilities.map { result.freshTime(probability: $0) / 1e6 }
            )
        }
    }
}
