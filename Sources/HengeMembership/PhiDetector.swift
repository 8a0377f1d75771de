package import HengeBase

/// What a node thinks of another.
package enum Liveness: UInt8, Sendable {
    case up
    /// Its heartbeats are late.
    case suspect
    /// So late that nothing is asked of it any more, or there is no connection to it.
    case down
}

/// Turns the lateness of a node's heartbeats into a number, phi: with chance 10^−phi a heartbeat
/// that is so late still comes, as far as those before it tell.
///
/// Source: Hayashibara et al., *The φ accrual failure detector*, SRDS 2004. As in Akka's and
/// Cassandra's, the deviation has a floor, since a quiet network would make a hiccup look like a
/// death, and a pause is forgiven, since heartbeats that travel by gossip now and then miss a
/// round.
package struct PhiDetector: Sendable {
    /// Higher ones are not told apart.
    package static let phiMax = 100.0
    package static let thresholdDefault = 8.0

    /// Phi at which a node is down; at half of it, it is suspect.
    package let threshold: Double
    /// How often heartbeats are due.
    package let interval: Interval
    /// How much later than the mean one may come, in seconds: three rounds.
    private let pause: Double

    /// - Parameter threshold: above 0 and below ``phiMax``.
    package init(threshold: Double, interval: Interval) {
        invariant(threshold > 0 && threshold < Self.phiMax && interval > .zero)
        self.threshold = threshold
        self.interval = interval
        pause = 3 * interval.seconds
    }

    package func phi(_ window: ArrivalWindow, at now: Instant) -> Double {
        let late = now.since(window.last).seconds - window.mean - pause
        // The ceiling bounds how long a death can stay unnoticed after a bad hour.
        let deviation = min(
            max(window.deviation, interval.seconds / 4),
            max(window.mean, interval.seconds) * 3 / 4
        )
        return min(LogisticTail.phi(deviations: late / deviation), Self.phiMax)
    }

    package func liveness(phi: Double) -> Liveness {
        phi >= threshold ? .down : phi >= threshold / 2 ? .suspect : .up
    }
}
