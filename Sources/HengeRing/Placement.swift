import HengeBase

/// Decides which node claims which position of the ring.
///
/// Two promises, the first without exception: every node gets its weighted share of the positions,
/// rounded down or up; and every N consecutive positions, around the end too, belong to N distinct
/// nodes and as many distinct zones as N allows, wherever the members make that possible. What
/// wasn't possible is counted in the result. The same members in the same order give the same ring
/// on every machine. `docs/decisions/0001-ring-placement.md` tells why it is done this way.
package enum Placement {
    /// - Parameters:
    ///   - members: at least one.
    ///   - partitions: at least 1.
    ///   - replicas: N, 1...8.
    package static func initial(
        members: [Member],
        partitions: Int,
        replicas: Int
    ) -> PlacementResult {
        invariant(!members.isEmpty && partitions > 0)
        invariant((1...ReplicaSet.replicasMax).contains(replicas))
        let targets = PlacementTargets(members, partitions: partitions, replicas: replicas)
        let best = arrange(targets)
        return PlacementResult(members: members, arrangement: best, targets: targets)
    }

    /// The best of three searches, or the first that can't be bettered.
    private static func arrange(_ targets: PlacementTargets) -> RingArrangement {
        // The seed is part of the algorithm: another one is another ring.
        var generator = SeededGenerator(seed: 0x48_45_4E_47_45)
        var best: RingArrangement?
        for start in Start.allCases where best?.isBest != true {
            var arrangement = RingArrangement(start.owners(targets), targets)
            arrangement.repair(&generator)
            if arrangement.cost < best?.cost ?? .max { best = arrangement }
        }
        guard var best else { preconditionFailure("there is always a start") }
        best.mix(&generator)
        return best
    }

    /// Where the search for an arrangement begins.
    private enum Start: CaseIterable {
        /// Columns that keep zones apart; exact when each zone's total is at most Q/N.
        case zoneColumns
        /// Every zone and node as evenly around the ring as it goes, for shares that can't be
        /// spaced.
        case smooth
        /// Columns that keep nodes apart; exact when each node's total is at most Q/N.
        case nodeColumns

        func owners(_ targets: PlacementTargets) -> [Int] {
            switch self {
            case .zoneColumns: targets.columns(byZone: true)
            case .smooth: targets.smooth()
            case .nodeColumns: targets.columns(byZone: false)
            }
        }
    }
}
