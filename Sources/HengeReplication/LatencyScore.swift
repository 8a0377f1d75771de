package import HengeBase

/// How long a peer takes to answer fetches, as this node has seen it: an exponentially weighted
/// mean that fades.
///
/// A mean that is not refreshed says less and less, so an estimate drifts back to the best peer's:
/// a slow node is tried again after a while, and left again after a few answers. One fetch that
/// lags is watched until its answer comes, so that a peer that has frozen looks slow before
/// anything times out. As Cassandra's dynamic snitch, with the fading in place of its resets.
package struct LatencyScore: Sendable {
    /// An observation moves the mean by one part in eight.
    private static let weightShift: UInt64 = 3
    /// Half of what is known fades in 2³³ ns = 8.6 s; a power of two, for the sake of the division.
    private static let halfLifeShift: UInt64 = 33
    /// A watched fetch that has lagged longer was lost: its age counts as this much, and fades.
    package static let lagMax = Interval.seconds(1)

    /// Nanoseconds; 0 while nothing is known, so that a peer that was never asked is tried first.
    private var mean: UInt64 = 0
    private var refreshed = Instant(nanoseconds: 0)
    /// The raw id of the fetch that is watched.
    private var watched: UInt64?
    private var watchedSince = Instant(nanoseconds: 0)

    package init() {}

    package mutating func record(_ time: Interval, at now: Instant) {
        let sample = max(1, time.nanoseconds)
        defer { refreshed = now }
        guard mean != 0 else {
            mean = sample
            return
        }
        // What has faded counts as if it had been like this observation.
        let base = Self.fade(mean, toward: sample, for: now.since(refreshed))
        if sample >= base {
            mean = base + (sample - base) >> Self.weightShift
        } else {
            mean = base - (base - sample) >> Self.weightShift
        }
    }

    /// A fetch has not been answered for longer than usual.
    package mutating func lags(_ id: UInt64, since: Instant, at now: Instant) {
        let age = now.since(since)
        // The answer will take longer yet, so an age says nothing while the mean is higher.
        if age.nanoseconds > mean { record(age, at: now) }
        guard watched == nil || now.since(watchedSince) > Self.lagMax else { return }
        watched = id
        watchedSince = since
    }

    /// An answer has come, maybe to the fetch that is watched, and maybe after its read has ended.
    package mutating func answered(_ id: UInt64, at now: Instant) {
        guard watched == id else { return }
        watched = nil
        record(min(now.since(watchedSince), Self.lagMax), at: now)
    }

    /// Nanoseconds that an answer took lately, or at least the age of the fetch that is watched.
    package func latest(at now: Instant) -> UInt64 {
        max(mean, min(lag(at: now), Self.lagMax.nanoseconds))
    }

    /// Nanoseconds that an answer may be expected to take.
    ///
    /// - Parameter best: the lowest ``latest(at:)`` of the peers to choose from.
    package func estimate(at now: Instant, best: UInt64) -> UInt64 {
        let faded = Self.fade(mean, toward: best, for: now.since(refreshed))
        let lag = lag(at: now)
        guard lag > Self.lagMax.nanoseconds else { return max(faded, lag) }
        let lost = Interval(nanoseconds: lag - Self.lagMax.nanoseconds)
        return max(faded, Self.fade(Self.lagMax.nanoseconds, toward: best, for: lost))
    }

    private func lag(at now: Instant) -> UInt64 {
        watched == nil ? 0 : now.since(watchedSince).nanoseconds
    }

    /// `value` after its distance from `goal` has been halved once a half-life, in between along a
    /// straight line.
    private static func fade(
        _ value: UInt64,
        toward goal: UInt64,
        for time: Interval
    ) -> UInt64 {
        guard value > goal else { return value }
        let halvings = min(time.nanoseconds >> halfLifeShift, 63)
        // In 1/256 of a half-life.
        let part = time.nanoseconds >> (halfLifeShift - 8) & 0xFF
        let distance = (value - goal) >> halvings
        return goal + distance - ((distance >> 1) * part) >> 8
    }
}
