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
    /// By member, in the order given.
    package let shares: [Share]

    init(members: [Member], arrangement: RingArrangement, targets: PlacementTargets) {
        let walk = PreferenceWalk(
            members: members,
            owners: arrangement.owners,
            replicas: targets.window
        )
        var replicas = [Int](repeating: 0, count: members.count)
        for list in walk.lists() {
            for slot in 0..<targets.window { replicas[Int(list[slot])] += 1 }
        }
        let weightTotal = members.reduce(0) { $0 + $1.weight }
        owners = arrangement.owners.map { members[$0].id }
        spacingViolations = arrangement.spacingViolations()
        zoneViolations = arrangement.zoneViolations(wanted: targets.zonesWanted)
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
