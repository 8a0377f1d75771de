import HengeBase
import HengeRing

/// Moving from one ring to the next.
extension Shard {
    /// Serves by a newer ring from now on. Requests in flight end as they began; replicas refuse
    /// what has become too old of them.
    mutating func adopt(
        _ newer: Ring,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard newer.document.epoch > ring.document.epoch else { return }
        ring = newer
        makeRoom(for: newer.document.highestID)
        adopted(newer.document.epoch, by: node)
        raiseBarrier()
        planTransfers(&effects)
    }

    /// Tables that go by node ids.
    private mutating func makeRoom(for highest: NodeID) {
        let count = Int(highest.rawValue) + 1
        guard count > isUp.count else { return }
        isUp += Array(repeating: false, count: count - isUp.count)
        epochs += Array(repeating: 0, count: count - epochs.count)
        hedging.makeRoom(forPeers: count)
        hints.makeRoom(for: highest)
    }

    mutating func adopted(_ epoch: UInt64, by member: NodeID) {
        guard Int(member.rawValue) < epochs.count else { return }
        epochs[Int(member.rawValue)] = max(epochs[Int(member.rawValue)], epoch)
    }

    /// Whether a majority of these nodes is known to have adopted the ring of an epoch.
    func hasMajority(of nodes: PreferenceList, adopted epoch: UInt64) -> Bool {
        var count = 0
        nodes.forEach { if epochs[Int($0.rawValue)] >= epoch { count += 1 } }
        return count * 2 > nodes.count
    }
}
