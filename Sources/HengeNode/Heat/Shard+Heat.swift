import HengeBase
import HengeMessages

/// What clients ask for most.
extension Shard {
    /// Due with the first request, since a shard does not know the time before, and then about once
    /// a second.
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
