import HengeBase

/// Gives the positions of members that have too many, and those of nobody, to members that have too
/// few, each once: the least moves that there can be.
struct PlacementFilling {
    /// By position, -1 for nobody.
    private(set) var owners: [Int]
    private let targets: PlacementTargets
    /// By member: the positions that it is to gain, or to lose when negative.
    private var wanted: [Int]
    private var takers: [Int]
    /// By member and by zone: the last position that was found to have them nearby.
    private var nodeNear: [Int]
    private var zoneNear: [Int]

    init(origins: [Int], targets: PlacementTargets) {
        owners = origins
        self.targets = targets
        var wanted = targets.ofMember
        for origin in origins where origin >= 0 { wanted[origin] -= 1 }
        self.wanted = wanted
        takers = wanted.indices.filter { wanted[$0] > 0 }
        nodeNear = [Int](repeating: -1, count: targets.ofMember.count)
        zoneNear = [Int](repeating: -1, count: targets.ofZone.count)
    }

    /// How much a taker has to differ from those around a position.
    private enum Care: CaseIterable {
        case newNodeAndZone
        case newNode
        case none
    }

    /// Positions come in random order, so that who takes them gets many different neighbours.
    mutating func fill(_ generator: inout SeededGenerator) {
        var order = Array(owners.indices)
        order.shuffle(using: &generator)
        // A node can mend windows that are not spread while it takes a position of theirs.
        let isBad = owners.indices.map { isCrowded($0) }
        order = order.filter { isBad[$0] } + order.filter { !isBad[$0] }
        for care in Care.allCases where !takers.isEmpty {
            for position in order { take(position, care) }
        }
        invariant(takers.isEmpty)
    }

    private mutating func take(_ position: Int, _ care: Care) {
        let owner = owners[position]
        guard owner < 0 || wanted[owner] < 0, !takers.isEmpty else { return }
        markNear(position)
        var best: Int?
        for taker in takers where wanted[taker] > best.map({ wanted[$0] }) ?? 0 {
            let isNear = nodeNear[taker] == position
            let isZoneNear = isNear || zoneNear[targets.zones[taker]] == position
            if care == .none || (care == .newNode && !isNear) || !isZoneNear { best = taker }
        }
        guard let best else { return }
        if owner >= 0 { wanted[owner] += 1 }
        owners[position] = best
        wanted[best] -= 1
        if wanted[best] == 0 { takers.removeAll { $0 == best } }
    }

    /// Notes who claims the positions that share a window with this one.
    private mutating func markNear(_ position: Int) {
        let reach = min(targets.window - 1, owners.count - 1)
        guard reach > 0 else { return }
        for offset in 1...reach {
            for neighbour in [position + offset, position - offset] {
                let owner = owners[(neighbour + owners.count) % owners.count]
                guard owner >= 0 else { continue }
                nodeNear[owner] = position
                // Where a window has fewer zones than positions, zones have to come again.
                if targets.zonesWanted == targets.window {
                    zoneNear[targets.zones[owner]] = position
                }
            }
        }
    }

    /// Whether a window with this position in it holds its owner or, if it can do without, its
    /// owner's zone twice.
    private func isCrowded(_ position: Int) -> Bool {
        let owner = owners[position]
        guard owner >= 0, targets.window > 1 else { return false }
        return (1..<targets.window).contains { offset in
            [position + offset, position - offset].contains { neighbour in
                let other = owners[(neighbour + owners.count) % owners.count]
                guard other >= 0 else { return false }
                return other == owner
                    || (targets.zonesWanted == targets.window
                        && targets.zones[other] == targets.zones[owner])
            }
        }
    }
}
