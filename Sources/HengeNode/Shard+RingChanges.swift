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
        let older = ring
        ring = newer
        makeRoom(for: newer.document.highestID)
        adopted(newer.document.epoch, by: node)
        rehome(from: older, at: time, &effects)
        settling.adopted(newer.document, after: older.document, at: time.now)
        raiseBarrier()
        if newer.document.transition != nil, older.document.transition == nil {
            budget.startSlowly(now: time.now)
        }
        planTransfers(&effects)
    }

    /// What is known of the home replicas of each partition that has others now.
    private mutating func rehome(
        from older: Ring,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        var hasChanged = false
        for partition in partitions {
            let homes = ring.homes(partition: partition)
            guard homes != older.homes(partition: partition) else { continue }
            hasChanged = true
            let ids = homes.contains(node) ? (0..<homes.count).map { homes[$0] } : []
            clocks.rehome(partition, node: node, homes: ids)
            settlements[partition] = nil
            guard let waiting = uncompared[partition] else { continue }
            // Those that have joined have nothing that the others lack.
            let rest = waiting.filter { homes.contains($0) }
            uncompared[partition] = rest.isEmpty || ids.isEmpty ? nil : rest
        }
        if hasChanged { shareAnew(at: time, &effects) }
    }

    /// Compares from now on what this node and each of the others share.
    private mutating func shareAnew(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let shared = Self.shared(by: node, in: ring, partitions)
        for id in shared.keys.sorted() where entropyPeer(id) == nil {
            // Ids of comparisons name places in this list, so nothing ever leaves it.
            let peer = Self.entropyPeer(id, of: node, in: ring, shared: [], firstGeneration)
            entropyPeers.append(peer)
        }
        for index in entropyPeers.indices {
            let id = entropyPeers[index].id
            let common = shared[id] ?? []
            guard common != entropyPeers[index].shared else { continue }
            if !entropyPeers[index].machine.isIdle {
                advance(comparison: index, .stop, at: time, &effects)
            }
            entropyPeers[index].theirPass = nil
            entropyPeers[index].share(common, at: time.now)
            entropyPeers[index].beDue(by: time.now + compareRetry)
            // It may have told of what this node did not know yet that they share.
            clocks.mayHaveMissed(id)
        }
    }

    /// Whether this node's replica of a partition can be held against another one: nothing of it
    /// was lost, and it is not still on its way here.
    func mayCompare(_ partition: Int) -> Bool {
        !upkeep.isUntrusted[partition] && !isTakingOver(partition)
    }

    /// Whether this node is to hold the partition and reads do not ask it yet.
    func isTakingOver(_ partition: Int) -> Bool {
        ring.step(of: partition) == .writeBoth && joins(partition)
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
