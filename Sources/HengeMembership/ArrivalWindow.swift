package import HengeBase

/// When the heartbeats of one node arrived: the mean and the variance of the intervals between
/// them, as of about the last hundred.
///
/// The window is exponential, so it takes the same few bytes at any width (Finch, *Incremental
/// calculation of weighted mean and variance*, 2009, section 9). Until it is full all intervals
/// weigh the same.
package struct ArrivalWindow: Sendable {
    /// How many intervals it remembers, about.
    package static let width = 100
    /// The guess that a window begins with counts as so many intervals.
    private static let guessWeight: Int32 = 5

    /// When the last heartbeat came, or the wait for the first began.
    package private(set) var last: Instant
    private var count = ArrivalWindow.guessWeight
    /// In seconds.
    package private(set) var mean: Double
    /// In seconds squared.
    private var variance: Double

    /// - Parameter interval: how often heartbeats are expected before any has come.
    package init(expecting interval: Interval, at now: Instant) {
        last = now
        mean = interval.seconds
        variance = interval.seconds * interval.seconds / 16
    }

    /// In seconds.
    package var deviation: Double { variance.squareRoot() }

    /// A heartbeat has come.
    package mutating func arrived(at now: Instant) {
        let interval = now.since(last).seconds
        last = max(last, now)
        count = min(count + 1, Int32(Self.width))
        let weight = 1 / Double(count)
        let difference = interval - mean
        mean += weight * difference
        variance = (1 - weight) * (variance + weight * difference * difference)
    }

    /// The wait begins anew; the time since the last heartbeat was no ordinary interval.
    package mutating func restart(at now: Instant) {
        last = max(last, now)
    }
}

extension Interval {
    package var seconds: Double { Double(nanoseconds) / 1e9 }
}
