import HengeBase
import HengeNode

/// The two clocks of one simulated machine, each wrong in its own way.
struct NodeClock {
    /// 2023-11-14, so that wall times look like wall times.
    private static let epochMilliseconds: UInt64 = 1_700_000_000_000

    /// Added to the simulator's time; another in each process.
    var origin: UInt64 = 0
    /// How much faster than the simulator's time both clocks run, in parts per million.
    var driftPerMillion: Int64 = 0
    /// How far the wall clock is ahead.
    var skewMilliseconds: Int64 = 0
    /// Hours that a fault has set the wall clock ahead.
    var hoursAhead: Int64 = 0
    /// Wall time that has passed at once, without the simulator's time.
    var skippedMilliseconds: Int64 = 0

    func reading(at now: Instant) -> ClockReading {
        let elapsed = Int64(now.nanoseconds)
        let local = elapsed + elapsed / 1_000_000 * driftPerMillion
        let ahead = skewMilliseconds + hoursAhead * 3_600_000 + skippedMilliseconds
        let wall = Int64(Self.epochMilliseconds) + local / 1_000_000 + ahead
        return ClockReading(
            now: Instant(nanoseconds: origin + UInt64(local)),
            wall: WallTime(milliseconds: UInt64(wall))
        )
    }
}
