import HengeBase

extension PlacementTargets {
    /// An arrangement in which equal things are at least a window apart, if none has more than
    /// ⌊Q/window⌋ positions.
    ///
    /// Sort the things by falling count and deal all their positions in this order into the columns
    /// 0, 1, …, c − 1, 0, 1, … where c = ⌊Q/window⌋; the ring is column after column. No column
    /// holds a thing twice, and each holds at least `window` positions. Where a thing is in
    /// neighbouring columns it is in the same row, a whole column apart; only a thing with exactly
    /// c positions could wrap into a row one lower, and those come first, each in a row of its own.
    /// From the last column to the first it goes a row down, which is further.
    ///
    /// - Parameter byZone: whether zones are kept apart or only nodes.
    func columns(byZone: Bool) -> [Int] {
        if byZone && zonesWanted < window { return fullColumns() }
        let most = (byZone ? ofZone : ofMember).max() ?? 0
        return deal(byZone: byZone, into: max(partitions / window, most)).flatMap { $0 }
    }

    /// For fewer zones than a window has positions: an arrangement in which every window has every
    /// zone, if each has at least ⌈Q/window⌉ positions.
    ///
    /// That many columns, so that none is longer than a window and each holds every zone; and in
    /// each the zones' first positions come first, always in the same rows, at most a window apart.
    private func fullColumns() -> [Int] {
        deal(byZone: true, into: (partitions + window - 1) / window).flatMap { column in
            // A zone's positions in a column are neighbours.
            let firsts = column.indices.filter {
                $0 == 0 || zones[column[$0]] != zones[column[$0 - 1]]
            }
            let repeats = column.indices.filter {
                $0 > 0 && zones[column[$0]] == zones[column[$0 - 1]]
            }
            return (firsts + repeats).map { column[$0] }
        }
    }

    /// Deals everyone's positions into columns, those with the most first.
    private func deal(byZone: Bool, into count: Int) -> [[Int]] {
        let sorted = ofMember.indices.sorted { a, b in
            let (zoneA, zoneB) = (zones[a], zones[b])
            if byZone && zoneA != zoneB {
                return (ofZone[zoneB], zoneA) < (ofZone[zoneA], zoneB)
            }
            return (ofMember[b], a) < (ofMember[a], b)
        }
        var columns = [[Int]](repeating: [], count: count)
        var column = 0
        for member in sorted {
            for _ in 0..<ofMember[member] {
                columns[column].append(member)
                column = column + 1 == count ? 0 : column + 1
            }
        }
        return columns
    }

    /// An arrangement in which every zone, and every node in its zone, lies evenly around the ring,
    /// whatever the shares; close together where their paths cross.
    ///
    /// Each thing's positions are due at equal intervals, with starts that differ from thing to
    /// thing; the zones' positions in the order of their times, and each zone's filled by its nodes
    /// in theirs.
    func smooth() -> [Int] {
        var queues = ofZone.indices.map { zone in
            let members = zones.indices.filter { zones[$0] == zone }
            return Self.interleaved(members.map { ofMember[$0] }).map { members[$0] }[...]
        }
        return Self.interleaved(ofZone).compactMap { queues[$0].popFirst() }
    }

    /// Each index as often as its count says, evenly spread.
    private static func interleaved(_ counts: [Int]) -> [Int] {
        var due: [(time: Double, index: Int)] = []
        for (index, count) in counts.enumerated() {
            // Multiples of the golden ratio fall far from each other.
            let turn = UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
            let phase = Double(turn >> 11) / Double(1 << 53 as UInt64)
            for item in 0..<count { due.append(((Double(item) + phase) / Double(count), index)) }
        }
        return due.sorted { $0 < $1 }.map(\.index)
    }
}
