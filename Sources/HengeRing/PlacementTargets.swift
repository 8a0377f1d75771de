import HengeBase

/// How many positions of the ring each member is to claim, and what that lets a placement achieve.
struct PlacementTargets {
    let partitions: Int
    /// How many consecutive positions are to be spread, min(N, members with a position).
    let window: Int
    /// By member: its number of positions.
    let ofMember: [Int]
    /// By member: its zone, numbered; a member without a zone is a zone of its own.
    let zones: [Int]
    /// By zone: the positions of its members.
    let ofZone: [Int]
    /// How many distinct zones a window can have, min(window, zones with a position).
    let zonesWanted: Int

    init(_ members: [Member], partitions: Int, replicas: Int) {
        let numbers = ZoneNumbers(members)
        let spread = min(replicas, members.count, partitions)
        let counts = Self.apportion(
            members.map(\.weight),
            zones: numbers,
            partitions: partitions,
            spread: spread
        )
        var ofZone = [Int](repeating: 0, count: numbers.count)
        for (member, count) in counts.enumerated() { ofZone[numbers.ofMember[member]] += count }

        self.partitions = partitions
        window = min(spread, counts.count { $0 > 0 })
        ofMember = counts
        zones = numbers.ofMember
        self.ofZone = ofZone
        zonesWanted = min(window, ofZone.count { $0 > 0 })
        invariant(counts.reduce(0, +) == partitions)
    }

    /// No zone has two members, so that spreading nodes spreads zones.
    var zonesAreNodes: Bool { ofZone.count == ofMember.count }

    /// The fewest nodes that all windows together must lack: a node with t positions is in window ·
    /// t windows, counted as often as it is in them, but can serve each only once.
    var nodesMissingLeast: Int {
        ofMember.reduce(0) { $0 + max(0, window * $1 - partitions) }
    }

    /// The fewest zones that all windows together must lack.
    var zonesMissingLeast: Int {
        zonesWanted == window
            ? ofZone.reduce(0) { $0 + max(0, window * $1 - partitions) }
            : ofZone.reduce(0) { $0 + ($1 > 0 ? max(0, partitions - window * $1) : 0) }
    }

    /// Largest remainders: everyone's share rounded down, then the positions left over to the
    /// members with the largest remainders, first to those whom one more leaves spaceable.
    private static func apportion(
        _ weights: [Int],
        zones: ZoneNumbers,
        partitions: Int,
        spread: Int
    ) -> [Int] {
        let total = weights.reduce(0, +)
        var counts = weights.map { partitions * $0 / total }
        var ofZone = [Int](repeating: 0, count: zones.count)
        for (member, count) in counts.enumerated() { ofZone[zones.ofMember[member]] += count }
        var left = partitions - counts.reduce(0, +)

        let remainders = weights.map { partitions * $0 % total }
        var waiting = weights.indices.filter { remainders[$0] > 0 }
        waiting.sort { (remainders[$1], $0) < (remainders[$0], $1) }
        let most = partitions / spread
        // A zone that is to be in every window needs one position more when the ring doesn't
        // divide.
        let zoneMost = zones.count >= spread ? most : (partitions + spread - 1) / spread
        for (nodeMost, zoneMost) in [
            (most, zoneMost), (most, partitions), (partitions, partitions),
        ] {
            waiting.removeAll { member in
                let zone = zones.ofMember[member]
                guard left > 0, counts[member] < nodeMost, ofZone[zone] < zoneMost else {
                    return false
                }
                counts[member] += 1
                ofZone[zone] += 1
                left -= 1
                return true
            }
        }
        invariant(left == 0)
        return counts
    }
}
