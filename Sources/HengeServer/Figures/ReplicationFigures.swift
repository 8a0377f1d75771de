import HengeBase
package import HengeMessages
package import HengeNode

/// What is kept for other nodes.
package struct HintFigures: ShardFigure {
    /// By target, rising.
    package var backlogs: [HintBacklog]
    /// In any shard.
    package var arePaused: Bool

    package init(backlogs: [HintBacklog], arePaused: Bool) {
        self.backlogs = backlogs
        self.arePaused = arePaused
    }

    init(_ driver: NodeDriver) {
        self.init(backlogs: driver.shard.hintBacklogs, arePaused: driver.shard.areHintsPaused)
    }

    package mutating func merge(_ other: HintFigures) {
        for backlog in other.backlogs {
            guard let place = backlogs.firstIndex(where: { $0.target == backlog.target }) else {
                backlogs.append(backlog)
                continue
            }
            backlogs[place].count += backlog.count
            backlogs[place].bytes += backlog.bytes
            // Each shard has a count of its own: the sum names no hint.
            backlogs[place].lastSequence = max(backlogs[place].lastSequence, backlog.lastSequence)
            backlogs[place].oldest = [backlogs[place].oldest, backlog.oldest].compactMap(\.self)
                .min()
        }
        backlogs.sort { $0.target < $1.target }
        arePaused = arePaused || other.arePaused
    }
}

extension PartitionTallies: ShardFigure {}

/// ``ReplicaDelays`` of all shards; by node id.
struct DelayFigures: ShardFigure {
    var stores: [LatencyHistogram] = []
    var fetches: [LatencyHistogram] = []

    init() {}

    init(_ delays: ReplicaDelays) {
        stores = delays.stores
        fetches = delays.fetches
    }

    mutating func merge(_ other: DelayFigures) {
        Self.merge(&stores, other.stores)
        Self.merge(&fetches, other.fetches)
    }

    private static func merge(_ sums: inout [LatencyHistogram], _ others: [LatencyHistogram]) {
        while sums.count < others.count { sums.append(LatencyHistogram()) }
        for (peer, times) in others.enumerated() { sums[peer].add(times) }
    }

    /// What was measured after `earlier` was copied from this.
    func since(_ earlier: DelayFigures) -> DelayFigures {
        var recent = self
        for peer in earlier.stores.indices where peer < stores.count {
            recent.stores[peer] = stores[peer].since(earlier.stores[peer])
            recent.fetches[peer] = fetches[peer].since(earlier.fetches[peer])
        }
        return recent
    }
}

extension EntropyStatus {
    /// Of a node whose shards are at this.
    ///
    /// - Parameter shards: at least one.
    package static func joined(_ shards: [EntropyStatus]) -> EntropyStatus {
        invariant(!shards.isEmpty)
        guard shards.count > 1 else { return shards[0] }
        let ages = shards.compactMap(\.scrubbedAge)
        return EntropyStatus(
            isReady: shards.allSatisfy(\.isReady),
            ranges: shards.flatMap(\.ranges).sorted { $0.partition < $1.partition },
            running: shards.flatMap(\.running),
            // All have equally many partitions.
            scrubbed: shards.reduce(0) { $0 + $1.scrubbed } / Double(shards.count),
            // Before all have ended one, some records have not been read yet.
            scrubbedAge: ages.count == shards.count ? ages.max() : nil
        )
    }
}
