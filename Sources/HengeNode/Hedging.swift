import DequeModule
import HengeBase
import HengeMessages
import HengeReplication

/// What a shard knows of how long answers take, and which reads it would hedge when.
struct Hedging: Sendable {
    struct Waiting: Sendable {
        let due: Instant
        let id: RequestID
    }

    /// By node id, as of fetches.
    var latencies: [LatencyScore]
    /// All of them, of stores, too.
    var delays: ReplicaDelays
    /// Of reads that this node coordinated and that needed other replicas.
    var readTimes = LatencyQuantile()
    /// Of reads that other nodes coordinated for this one.
    var forwardTimes = LatencyQuantile()
    var budget = RetryBudget()
    /// Reads and forwarded reads in flight, in the order in which they begin to lag; some have
    /// ended.
    var waiting = Deque<Waiting>()

    init(peers: Int) {
        latencies = Array(repeating: LatencyScore(), count: peers)
        delays = ReplicaDelays(peers: peers)
    }

    mutating func makeRoom(forPeers count: Int) {
        guard count > latencies.count else { return }
        latencies += Array(repeating: LatencyScore(), count: count - latencies.count)
        delays.makeRoom(forPeers: count)
    }

    mutating func record(_ time: Interval, of peer: NodeID, at now: Instant) {
        guard Int(peer.rawValue) < latencies.count else { return }
        latencies[Int(peer.rawValue)].record(time, at: now)
        delays.fetched(from: peer, after: time)
    }

    /// Whatever has become of the request, its answer tells how slow the peer is.
    mutating func answered(_ id: RequestID, by peer: NodeID, at now: Instant) {
        guard Int(peer.rawValue) < latencies.count else { return }
        latencies[Int(peer.rawValue)].answered(id.rawValue, at: now)
    }

    mutating func lags(_ peer: NodeID, _ id: RequestID, since: Instant, at now: Instant) {
        latencies[Int(peer.rawValue)].lags(id.rawValue, since: since, at: now)
    }
}
