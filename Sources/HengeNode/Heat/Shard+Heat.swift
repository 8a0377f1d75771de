import HengeBase
import HengeMessages

/// What clients ask for most.
extension Shard {
    /// Counting begins with the first call, within a second of the start: a shard does not know the
    /// time before.
    mutating func advanceHeat(to now: Instant) {
        guard configuration.hotKeys > 0 else { return }
        if heat == nil {
            heat = Heat(partitions: ring.partitions, capacity: configuration.hotKeys, now: now)
        } else {
            heat?.advance(to: now)
        }
    }

    /// A request that this node coordinated was carried out.
    mutating func countHeat(_ key: StoredKey, isWrite: Bool, bytes: Int) {
        heat?.count(
            key,
            partition: ring.partition(of: key.token),
            isWrite: isWrite,
            bytes: bytes
        )
    }
}
