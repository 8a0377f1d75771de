import HengeBase
import HengeRing

extension Shard {
    /// How far this node's partition replicas agree with the others. O(partitions).
    package func entropyStatus(at time: ClockReading) -> EntropyStatus {
        EntropyStatus(
            isReady: trees.isReady,
            ranges: partitions.compactMap { entropyRange($0, at: time) },
            running: entropyPeers.filter { !$0.machine.isIdle }.map {
                EntropyStatus.Running(
                    peer: $0.id,
                    differing: $0.differing,
                    left: $0.left,
                    age: time.now.since($0.began)
                )
            },
            scrubbed: Double(upkeep.scrubPartition - partitions.lowerBound)
                / Double(partitions.count),
            scrubbedAge: upkeep.scrubEnded.map { time.now.since($0) }
        )
    }

    /// The root of a partition's hash tree; nil before the trees are ready.
    package func root(of partition: Int) -> UInt64? {
        trees.isReady ? trees.root(of: partition) : nil
    }

    private func entropyRange(_ partition: Int, at time: ClockReading) -> EntropyStatus.Range? {
        let homes = ring.homes(partition: partition)
        guard homes.contains(node) else { return nil }
        var oldest: Instant? = time.now
        for peer in entropyPeers {
            guard let place = peer.place(of: partition) else { continue }
            oldest = oldest.flatMap { oldest in peer.verified[place].map { min($0, oldest) } }
        }
        return EntropyStatus.Range(
            partition: partition,
            replicas: homes.count,
            verifiedAge: oldest.map { time.now.since($0) },
            tombstones: upkeep.dead[partition]?.waiting ?? 0
        )
    }
}
