import HengeBase

/// Owners around the ring during the search for a good placement. Swaps keep everyone's total.
struct RingArrangement {
    /// By position: the index of the member.
    private(set) var owners: [Int]
    /// By position: the zone of its owner.
    private var zoneAt: [Int]
    let window: Int
    /// How many distinct zones each window is to have; 0 when nodes say it all.
    private let zonesWanted: Int
    /// The sum of all windows' costs; 0 when every window is spread.
    var cost = 0
    /// No arrangement costs less; where shares are even, one costs just this.
    private let costLeast: Int

    /// What a node missing from a window costs, in missing zones. More than two positions' windows
    /// together can lose in zones, so no swap trades nodes for zones.
    private static let nodeCost = 1 << 12

    init(_ owners: [Int], _ targets: PlacementTargets) {
        invariant(owners.count == targets.partitions)
        self.owners = owners
        zoneAt = owners.map { targets.zones[$0] }
        window = targets.window
        zonesWanted = targets.zonesAreNodes ? 0 : targets.zonesWanted
        costLeast =
            targets.nodesMissingLeast * Self.nodeCost
            + (zonesWanted > 0 ? targets.zonesMissingLeast : 0)
        for start in owners.indices { cost += costOfWindow(start) }
    }

    /// Whether nothing can be better.
    var isBest: Bool { cost == costLeast }

    /// Windows without as many distinct nodes as they have positions.
    func spacingViolations() -> Int {
        owners.indices.count { Self.distinct(owners, from: $0, count: window) < window }
    }

    /// Windows with fewer than `wanted` distinct zones.
    func zoneViolations(wanted: Int) -> Int {
        owners.indices.count { Self.distinct(zoneAt, from: $0, count: window) < wanted }
    }

    /// Swaps positions of bad windows with others until nothing gets better for some rounds. Takes
    /// swaps that change nothing too, which lead out of dead ends.
    mutating func repair(_ generator: inout SeededGenerator) {
        let (roundsMax, idleRoundsMax) = (32, 8)
        var idleRounds = 0
        for _ in 0..<roundsMax where !isBest && idleRounds < idleRoundsMax {
            let before = cost
            let bad = owners.indices.filter { costOfWindow($0) > 0 }
            // The fewer are left, the harder it is to find a partner for them.
            let tries = max(8, 3 * owners.count / bad.count)
            for start in bad where costOfWindow(start) > 0 {
                swapBest(wrapped(start + generator.below(window)), tries: tries, &generator)
            }
            // A last percent isn't worth many rounds.
            idleRounds = before - cost <= before / 100 ? idleRounds + 1 : 0
        }
    }

    /// Swaps a position's owner with the best of some others, unless each makes it worse.
    private mutating func swapBest(_ a: Int, tries: Int, _ generator: inout SeededGenerator) {
        var best: (added: Int, position: Int)?
        for _ in 0..<tries {
            let b = generator.below(owners.count)
            guard owners[a] != owners[b] else { continue }
            let added = exchange(a, b)
            restore(a, b)
            if added < best?.added ?? 1 { best = (added, b) }
        }
        if let best { cost += exchange(a, best.position) }
    }

    /// Shuffles the ring as far as no window gets worse, so that the partitions of one node have
    /// many different neighbours, which share its work when it fails.
    mutating func mix(_ generator: inout SeededGenerator) {
        for _ in 0..<4 {
            for position in owners.indices {
                let other = generator.below(owners.count)
                guard owners[position] != owners[other] else { continue }
                let added = exchange(position, other)
                if added > 0 { restore(position, other) } else { cost += added }
            }
        }
    }

    /// Swaps the owners of two positions and returns what that adds to the cost.
    mutating func exchange(_ a: Int, _ b: Int) -> Int {
        let before = costAround(a, b)
        restore(a, b)
        return costAround(a, b) - before
    }

    /// Undoes an exchange.
    mutating func restore(_ a: Int, _ b: Int) {
        owners.swapAt(a, b)
        zoneAt.swapAt(a, b)
    }

    /// The cost of the windows that hold `a` or `b`.
    private func costAround(_ a: Int, _ b: Int) -> Int {
        var sum = 0
        for offset in 0..<window {
            sum += costOfWindow(wrapped(a - offset))
            let start = wrapped(b - offset)
            let holdsBoth = wrapped(a - start) < window
            if !holdsBoth { sum += costOfWindow(start) }
        }
        return sum
    }

    /// Squared, so that the missing spread themselves over windows.
    func costOfWindow(_ start: Int) -> Int {
        let nodesMissing = window - Self.distinct(owners, from: start, count: window)
        guard zonesWanted > 0 else { return nodesMissing * nodesMissing * Self.nodeCost }
        let zones = Self.distinct(zoneAt, from: start, count: window)
        let zonesMissing = max(0, zonesWanted - zones)
        return nodesMissing * nodesMissing * Self.nodeCost + zonesMissing * zonesMissing
    }

    /// A position that may be less than a turn outside the ring.
    func wrapped(_ position: Int) -> Int {
        if position < 0 { return position + owners.count }
        return position >= owners.count ? position - owners.count : position
    }

    /// How many different values the `count` positions from `start` on have, around the end.
    private static func distinct(_ values: [Int], from start: Int, count: Int) -> Int {
        values.withUnsafeBufferPointer { values in
            var distinct = 0
            for i in 0..<count {
                let value = values[wrap(start &+ i, values.count)]
                var isNew = true
                for j in 0..<i where values[wrap(start &+ j, values.count)] == value {
                    isNew = false
                }
                if isNew { distinct &+= 1 }
            }
            return distinct
        }
    }

    @inline(__always)
    private static func wrap(_ position: Int, _ count: Int) -> Int {
        position >= count ? position &- count : position
    }
}
