/// How far a phase is, for those who wait for it.
package struct LoadProgress: Sendable {
    package var phase: LoadPhase
    package var operations = 0
    package var errors = 0
    package var seconds = 0.0
    /// Operations a second since the last report.
    package var rate = 0.0

    package init(phase: LoadPhase) {
        self.phase = phase
    }

    package var answered: Int { operations + errors }

    /// Of the phase, 0 to 1.
    package var fraction: Double {
        switch phase.limit {
        case .operations(let count): min(1, Double(answered) / Double(max(1, count)))
        case .seconds(let limit): limit > 0 ? min(1, seconds / limit) : 1
        }
    }
}
