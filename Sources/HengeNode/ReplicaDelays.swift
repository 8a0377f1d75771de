package import HengeBase

/// How long replicas take to answer the requests that this node coordinates, by node id: for
/// metrics, and for what they say of staleness.
package struct ReplicaDelays: Sendable {
    /// From sending a write to a replica until it said that it is durable there. Own entry: until
    /// the own replica had it.
    package private(set) var stores: [LatencyHistogram]
    /// From sending a fetch to its answer. Own entry: none, since most answers come at once.
    package private(set) var fetches: [LatencyHistogram]

    package init(peers: Int) {
        stores = Array(repeating: LatencyHistogram(), count: peers)
        fetches = stores
    }

    mutating func makeRoom(forPeers count: Int) {
        guard count > stores.count else { return }
        let more = Array(repeating: LatencyHistogram(), count: count - stores.count)
        stores += more
        fetches += more
    }

    mutating func stored(by node: NodeID, after time: Interval) {
        guard Int(node.rawValue) < stores.count else { return }
        stores[Int(node.rawValue)].record(time)
    }

    mutating func fetched(from node: NodeID, after time: Interval) {
        guard Int(node.rawValue) < fetches.count else { return }
        fetches[Int(node.rawValue)].record(time)
    }
}
