import HengeBase

/// What a seed is run as.
package enum SimulationCourse: Hashable, Sendable {
    /// A run that the seed draws: one round of faults, some seconds.
    case round
    /// The same for so many virtual hours, as many rounds as that takes.
    case hours(Double)
    /// The ``Drill`` that the seed names.
    case drill

    /// The options of `henge simulate` that ask for it.
    package var arguments: [String] {
        switch self {
        case .round: []
        case .hours(let hours): ["--hours", "\(hours)"]
        case .drill: ["--drills"]
        }
    }

    /// At least one round is run, however short this is.
    var time: Interval {
        guard case .hours(let hours) = self else { return .zero }
        // Nanoseconds in 64 bits end after 584 years.
        return .milliseconds(UInt64(min(max(hours, 0), 1_000_000) * 3_600_000))
    }
}
