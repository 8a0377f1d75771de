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

    /// Everyone's fair share in whole positions.
    ///
    /// - Parameters:
    ///   - kept: by member: the positions that it has already. The shares are then those that the
    ///     fewest positions have to move for. Empty for a ring from nothing.
    ///   - inherited: by member: the same with the positions that it gets from members that leave,
    ///     which it rather keeps if that moves no more.
    init(
        _ members: [Member],
        partitions: Int,
        replicas: Int,
        kept: [Int] = [],
        inherited: [Int] = []
    ) {
        invariant(kept.isEmpty || kept.count == members.count)
        invariant(kept.count == inherited.count)
        let counts = Self.apportion(
            members.map(\.weight),
            zones: ZoneNumbers(members),
            partitions: partitions,
            spread: min(replicas, members.count, partitions),
            held: kept.isEmpty ? [] : [kept, inherited]
        )
        self.init(members, counts: counts, replicas: replicas)
    }

    /// Shares as they are, fair or not.
    init(_ members: [Member], counts: [Int], replicas: Int) {
        let numbers = ZoneNumbers(members)
        var ofZone = [Int](repeating: 0, count: numbers.count)
        for (member, count) in counts.enumerated() { ofZone[numbers.ofMember[member]] += count }

        partitions = counts.reduce(0, +)
        window = min(replicas, partitions, counts.count { $0 > 0 })
        ofMember = counts
        zones = numbers.ofMember
        self.ofZone = ofZone
        zonesWanted = min(window, ofZone.count { $0 > 0 })
    }

    /// No zone has two members, so that spreading nodes spreads zones.
    var zonesAreNodes: Bool { ofZone.count == ofMember.count }

    /// Whether totals let every window have distinct nodes.
    var isSpaceable: Bool { nodesMissingLeast == 0 }

    /// Whether totals let every window have distinct nodes and all the zones that it can have.
    var isZoneSpaceable: Bool { isSpaceable && zonesMissingLeast == 0 }

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
    ///
    /// Of those who have more positions than their share rounded down, each that is rounded up
    /// saves a move, so they come before all others: no fair ring is reached with fewer moves.
    private static func apportion(
        _ weights: [Int],
        zones: ZoneNumbers,
        partitions: Int,
        spread: Int,
        held: [[Int]]
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
        for held in held.map(Optional.some) + [nil] {
            for (nodeMost, zoneMost) in [
                (most, zoneMost), (most, partitions), (partitions, partitions),
            ] {
                waiting.removeAll { member in
                    let zone = zones.ofMember[member]
                    guard left > 0, held.map({ $0[member] > counts[member] }) ?? true,
                        counts[member] < nodeMost, ofZone[zone] < zoneMost
                    else { return false }
                    counts[member] += 1
                    ofZone[zone] += 1
                    left -= 1
                    return true
                }
            }
        }
        invariant(left == 0)
        return counts
    }
}
