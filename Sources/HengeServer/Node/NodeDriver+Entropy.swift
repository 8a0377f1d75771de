package import HengeNode

extension NodeDriver {
    /// How far this node's partition replicas agree with those of other nodes, as of this turn.
    package var entropyStatus: EntropyStatus {
        shard.entropyStatus(at: ClockReading(now: now, wall: wall))
    }
}
