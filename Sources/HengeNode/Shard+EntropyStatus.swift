import HengeBase
import HengeRing

extension Shard {
    /// How far this node's partition replicas agree with those of other nodes.
    package func entropyStatus(at time: ClockReading) -> EntropyStatus {
        var ranges: [EntropyStatus.Range] = []
        for partition in 0..<ring.partitions {
            let homes = ring.preferenceList(partition: partition)
            guard homes.contains(node) else { continue }
            ranges.append(
                EntropyStatus.Range(
                    partition: partition,
                    replicas: homes.count,
                    verifiedAge: nil,
                    tombstones: 0
                )
            )
        }
        return EntropyStatus(
            isReady: false,
            ranges: ranges,
            running: [],
            scrubbed: 0,
            scrubbedAge: nil
        )
    }
}
