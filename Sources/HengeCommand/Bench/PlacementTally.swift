package import HengeRing

/// What many changes of rings came to, of one kind or all.
package struct PlacementTally: Sendable {
    package private(set) var changes = 0
    package private(set) var moves = 0
    package private(set) var movesLeast = 0
    package private(set) var replicaMoves = 0
    package private(set) var replicaMovesLeast = 0
    /// The largest deviation of a node from its fair share, in vnodes.
    package private(set) var shareDeviation = 0.0
    /// Rings whose shares let every window have distinct nodes, those where some hasn't, and how
    /// many windows.
    package private(set) var spacing = Spread()
    /// The same for zones.
    package private(set) var zones = Spread()
    package private(set) var replicaSets = 0
    package private(set) var milliseconds = 0.0
    package private(set) var millisecondsMax = 0.0
    /// Moves / lower bound, of changes where that is not 0.
    private var ratios: [Double] = []

    package struct Spread: Sendable {
        package var possible = 0
        package var missed = 0
        package var windows = 0

        mutating func add(isPossible: Bool, violations: Int) {
            guard isPossible else { return }
            possible += 1
            missed += violations > 0 ? 1 : 0
            windows += violations
        }
    }

    package init() {}

    package mutating func add(_ change: PlacementChange, milliseconds time: Double) {
        changes += 1
        moves += change.vnodeMoves.count
        movesLeast += change.vnodeMovesLeast
        replicaMoves += change.replicaMoves.count
        replicaMovesLeast += change.replicaMovesLeast
        if change.vnodeMovesLeast > 0 {
            ratios.append(Double(change.vnodeMoves.count) / Double(change.vnodeMovesLeast))
        }
        let after = change.after
        shareDeviation = max(shareDeviation, after.shareDeviation)
        spacing.add(isPossible: after.isSpaceable, violations: after.spacingViolations)
        zones.add(isPossible: after.isZoneSpaceable, violations: after.zoneViolations)
        replicaSets += after.replicaSets
        milliseconds += time
        millisecondsMax = max(millisecondsMax, time)
    }

    package var ratioMean: Double? {
        ratios.isEmpty ? nil : ratios.reduce(0, +) / Double(ratios.count)
    }

    /// - Parameter part: of the changes, 0...1, that have a lower ratio or the same.
    package func ratio(_ part: Double) -> Double? {
        guard !ratios.isEmpty else { return nil }
        let rank = Int((part * Double(ratios.count)).rounded(.up))
        return ratios.sorted()[max(0, min(ratios.count, rank) - 1)]
    }

    package var replicaMovesPerMove: Double { Double(replicaMoves) / Double(max(1, moves)) }
    package var replicaSetsMean: Double { Double(replicaSets) / Double(max(1, changes)) }
    package var millisecondsMean: Double { milliseconds / Double(max(1, changes)) }
}
