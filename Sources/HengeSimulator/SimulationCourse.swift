import HengeBase

/// What a seed is run as.
package struct SimulationCourse: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A run that the seed draws: one round of faults, some seconds.
        case round
        /// The same for so many virtual hours, as many rounds as that takes.
        case hours(Double)
        /// The ``Drill`` that the seed names.
        case drill
    }

    package let kind: Kind
    /// Of each node.
    package var shards = 1

    package static let round = SimulationCourse(kind: .round)
    package static let drill = SimulationCourse(kind: .drill)

    package static func hours(_ hours: Double) -> SimulationCourse {
        SimulationCourse(kind: .hours(hours))
    }

    private init(kind: Kind) {
        self.kind = kind
    }

    /// The options of `henge simulate` that ask for it.
    package var arguments: [String] {
        let arguments: [String]
        switch kind {
        case .round: arguments = []
        case .hours(let hours): arguments = ["--hours", "\(hours)"]
        case .drill: arguments = ["--drills"]
        }
        return shards > 1 ? arguments + ["--shards", "\(shards)"] : arguments
    }

    /// At least one round is run, however short this is.
    var time: Interval {
        guard case .hours(let hours) = kind else { return .zero }
        // Nanoseconds in 64 bits end after 584 years.
        return .milliseconds(UInt64(min(max(hours, 0), 1_000_000) * 3_600_000))
    }
}
