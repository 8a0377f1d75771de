import HengeBase
import HengeReplication

/// Reports read beside the shard, but from the same budget as all that the background does.
extension Shard {
    package mutating func mayReadForReports(at time: ClockReading) -> Bool {
        budget.isOpen(to: .reports, now: time.now)
    }

    package mutating func hasReadForReports(bytes: Int, at time: ClockReading) {
        budget.charge(max(0, bytes), to: .reports, now: time.now)
    }
}
