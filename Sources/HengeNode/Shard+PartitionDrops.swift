import HengeBase
import HengeMessages
import HengeRing

/// Forgetting the partitions that other nodes hold.
extension Shard {
    /// Has the storage forget what is here of partitions that this node is no home of, once the
    /// step that says so is known to enough nodes. Due now and then, and so also after a start.
    mutating func dropForeign(_ effects: inout EffectBuffer<ShardEffect>) {
        // Before the records were counted, a drop could not be counted off.
        guard tallies.isComplete, trees.isReady else { return }
        for partition in partitions where isDue(partition) {
            transfers.dropping.append(partition)
            let tokens = ring.tokenRange(partition: partition)
            let id = RequestID(.partitionDrop, (partition, firstGeneration))
            ask(
                storage: .dropPartition(partition, tokens: tokens, StorageToken(id)),
                &effects
            )
        }
    }

    private func isDue(_ partition: Int) -> Bool {
        guard !ring.homes(partition: partition).contains(node), holdsAny(of: partition),
            !transfers.dropping.contains(partition), isAdopted(partition)
        else { return false }
        return upkeep.running?.partition != partition
            && !pending.holdsAny(of: ring.tokenRange(partition: partition))
            && !isWriting(to: partition)
    }

    /// Whether a write that this node coordinates by an older ring has not ended: its client may be
    /// told how many replicas hold it, this one among them.
    private func isWriting(to partition: Int) -> Bool {
        let tokens = ring.tokenRange(partition: partition)
        return (0..<writes.indexBound).contains { index in
            writes.generation(at: index) != nil && tokens.contains(writes[index].key.token)
        }
    }

    /// What a write that failed and took effect has left is in no tally, but in the tree once that
    /// is mended.
    func holdsAny(of partition: Int) -> Bool {
        tallies.weights[partition] != .nothing || transfers.saved[partition] != nil
            || !upkeep.saved[partition].isEmpty || (root(of: partition) ?? 0) != 0
    }

    /// Whether this shard, of a node that is in the ring no more, has nothing left of what it held:
    /// its partitions are forgotten, each once its new replicas had it, and what it held for others
    /// is theirs. False also where that isn't known.
    package var hasGivenAllAway: Bool {
        ring.member(node) == nil && tallies.isComplete && transfers.dropping.isEmpty
            && !holdsForOthers && partitions.allSatisfy { !holdsAny(of: $0) }
    }

    mutating func partitionDropped(_ id: RequestID, _ failure: StorageFailure?) {
        let partition = id.index
        transfers.dropping.removeAll { $0 == partition }
        // It is tried again.
        guard failure == nil else { return }
        counters.partitionsDropped += 1
        pending.forgot(ring.tokenRange(partition: partition))
        tallies.forget(partition)
        trees.forget(partition: partition)
        upkeep.forgot(partition)
        clocks.lost(partition: partition)
        settlements[partition] = nil
        uncompared[partition] = nil
        transfers.save(nil, of: partition)
        // What its last actor wrote is not here any more, should the partition ever come back.
        actors.renew(partition: partition)
        claims.renewed(partition)
        counters.actorRenewals = actors.renewals
    }
}
