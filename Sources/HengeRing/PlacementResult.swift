package import HengeBase

/// A placement, how fair it is, and what could not be had.
package struct PlacementResult: Hashable, Sendable {
    /// How one member came off.
    package struct Share: Hashable, Sendable {
        package let id: NodeID
        /// The positions that it claims.
        package let vnodes: Int
        /// The positions that its weight would give it if they could be divided.
        package let fairShare: Double
        /// The partitions whose preference list it is on: what it stores.
        package let replicas: Int
        /// Whether its weight gives it more than one position in N, so that windows must hold it
        /// twice. It is then on nearly every preference list, and more weight only puts it first on
        /// more.
        package let isOverweight: Bool
    }

    /// By position.
    package let owners: [NodeID]
    /// Windows of N consecutive positions, around the end too, with fewer distinct nodes than the
    /// members allow (N, or the number of members that claim a position). Preference lists name
    /// distinct nodes nevertheless; they only walk further.
    package let spacingViolations: Int
    /// Windows with fewer distinct zones than N allows (N, or the number of zones). Preference
    /// lists still span them; then the nodes of small zones hold more than their share.
    package let zoneViolations: Int
    /// Whether everyone's numbers of positions let every window have distinct nodes: none claims
    /// more than ⌊Q/N⌋.
    package let isSpaceable: Bool
    /// Whether they also let every window have all the zones that it can have.
    package let isZoneSpaceable: Bool
    /// Different sets of nodes that preference lists name. The more there are, the more nodes share
    /// the work of one that fails, and the more of the possible triple failures hit some data.
    package let replicaSets: Int
    /// By member, in the order given.
    package let shares: [Share]

    /// The furthest that a member is from its fair share, in positions; under 1 for a ring that is
    /// fair.
    package var shareDeviation: Double {
        shares.reduce(0) { max($0, abs(Double($1.vnodes) - $1.fairShare)) }
    }

    init(members: [Member], arrangement: RingArrangement, targets: PlacementTargets) {
        let walk = PreferenceWalk(
            members: members,
            owners: arrangement.owners,
            replicas: targets.window
        )
        self.init(
            members: members,
            arrangement: arrangement,
            targets: targets,
            lists: walk.lists()
        )
    }

    /// - Parameter lists: by partition, as ``PreferenceWalk`` finds them.
    init(
        members: [Member],
        arrangement: RingArrangement,
        targets: PlacementTargets,
        lists: [SIMD8<Int16>]
    ) {
        var replicas = [Int](repeating: 0, count: members.count)
        var sets = Set<SIMD8<Int16>>()
        for list in lists {
            for slot in 0..<targets.window { replicas[Int(list[slot])] += 1 }
            sets.insert(list.sorted())
        }
        let weightTotal = members.reduce(0) { $0 + $1.weight }
        owners = arrangement.owners.map { members[$0].id }
        spacingViolations = arrangement.spacingViolations()
        zoneViolations = arrangement.zoneViolations(wanted: targets.zonesWanted)
        isSpaceable = targets.isSpaceable
        isZoneSpaceable = targets.isZoneSpaceable
        // Order-free: a count.
        replicaSets = sets.count
        shares = members.indices.map { index in
            Share(
                id: members[index].id,
                vnodes: targets.ofMember[index],
                fairShare: Double(members[index].weight * targets.partitions) / Double(weightTotal),
                replicas: replicas[index],
                isOverweight: members[index].weight * targets.window > weightTotal
            )
        }
    }
}

extension SIMD8<Int16> {
    /// The same numbers in rising order.
    fileprivate func sorted() -> Self {
        var sorted = self
        for last in 1..<8 {
            var slot = last
            while slot > 0, sorted[slot - 1] > sorted[slot] {
                (sorted[slot - 1], sorted[slot]) = (sorted[slot], sorted[slot - 1])
                slot -= 1
            }
        }
        return sorted
    }
}
