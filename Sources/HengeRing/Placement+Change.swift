package import HengeBase

extension Placement {
    /// What a change may move beyond the least, as a part of it, to keep windows spread.
    package static let extraMovesMax = 0.05

    /// The ring that follows another when members come, go, or get other weights or zones.
    ///
    /// Every node gets its weighted share, rounded to the side that moves less. Moved are the
    /// positions that have to be, and no more than ``extraMovesMax`` of them besides, where windows
    /// can't be spread otherwise. Only when a member that stays changes its zone there is no such
    /// bound: then windows are spread whatever it takes. Where a node leaves and another of its
    /// weight joins, it takes exactly the positions of the old one. The same input gives the same
    /// ring on every machine. `docs/decisions/0015-placement-of-changes.md` tells why.
    ///
    /// - Parameters:
    ///   - owners: by position, each one of `from`.
    ///   - from: the members of the ring that `owners` is.
    ///   - to: the members afterwards, at least one. Who stays is told by ids.
    ///   - replicas: N, 1...8.
    ///   - heirs: which new members take the positions of which that leave, where that is said.
    package static func change(
        owners: [NodeID],
        from: [Member],
        to: [Member],
        replicas: Int,
        heirs: [NodeID: NodeID] = [:],
        extraMovesMax: Double = extraMovesMax
    ) -> PlacementChange {
        invariant(!to.isEmpty && !owners.isEmpty)
        invariant((1...ReplicaSet.replicasMax).contains(replicas))
        let succession = PlacementSuccession(from: from, to: to, heirs: heirs)
        let old = indexes(owners, in: from)
        let before = PlacementSide(members: from, owners: old, replicas: replicas)

        // By position: who claims it when nothing moves but by succession; -1 for nobody.
        let origins = old.map { succession.heirs[$0] }
        var current = [Int](repeating: 0, count: to.count)
        var kept = current
        for (owner, origin) in zip(old, origins) where origin >= 0 {
            current[origin] += 1
            if from[owner].id == to[origin].id { kept[origin] += 1 }
        }
        let targets = PlacementTargets(
            to,
            partitions: owners.count,
            replicas: replicas,
            kept: kept,
            inherited: current
        )
        let surplus = zip(current, targets.ofMember).reduce(0) { $0 + max(0, $1.0 - $1.1) }
        let orphans = origins.count { $0 < 0 }
        let movesLeast = movesLeast(old, from: from, to: to, targets: targets)

        var placed = origins
        if surplus + orphans > 0 || succession.changesZones {
            let movesMax =
                succession.changesZones
                ? owners.count
                : min(owners.count, surplus + Int(Double(movesLeast) * extraMovesMax))
            var search = PlacementSearch(origins: origins, targets: targets)
            placed = search.run(movesMax: movesMax)
        }
        return PlacementChange(
            before: before,
            after: PlacementSide(members: to, owners: placed, replicas: replicas),
            vnodeMovesLeast: movesLeast
        )
    }

    /// Positions of members that leave or have more than their targets.
    private static func movesLeast(
        _ owners: [Int],
        from: [Member],
        to: [Member],
        targets: PlacementTargets
    ) -> Int {
        var claimed = [Int](repeating: 0, count: from.count)
        for owner in owners { claimed[owner] += 1 }
        let kept = Dictionary(
            uniqueKeysWithValues: zip(to.map(\.id), targets.ofMember)
        )
        return zip(from, claimed).reduce(0) { $0 + max(0, $1.1 - (kept[$1.0.id] ?? 0)) }
    }

    private static func indexes(_ owners: [NodeID], in members: [Member]) -> [Int] {
        var indexes = [Int](repeating: -1, count: Int(UInt16.max) + 1)
        for (index, member) in members.enumerated() { indexes[Int(member.id.rawValue)] = index }
        return owners.map { owner in
            let index = indexes[Int(owner.rawValue)]
            invariant(index >= 0, "an owner is no member")
            return index
        }
    }
}

/// Who has the positions of whom when a change begins.
struct PlacementSuccession {
    /// By old member: the index of the new one, -1 for a node that leaves without an heir.
    let heirs: [Int]
    /// Whether a member that stays is in another zone afterwards.
    let changesZones: Bool

    /// A member that leaves is followed by the one that is said to; else by one that joins with the
    /// same weight, in the same zone if there is one.
    init(from: [Member], to: [Member], heirs named: [NodeID: NodeID] = [:]) {
        var indexes: [NodeID: Int] = [:]
        for (index, member) in to.enumerated() { indexes[member.id] = index }
        let stays = Set(from.map(\.id))
        var heirs = from.map { indexes[$0.id] ?? -1 }
        var joiners = to.indices.filter { !stays.contains(to[$0].id) }
        changesZones = zip(from, heirs).contains { $1 >= 0 && $0.zone != to[$1].zone }
        for old in from.indices where heirs[old] < 0 {
            guard let heir = named[from[old].id].flatMap({ indexes[$0] }),
                let place = joiners.firstIndex(of: heir)
            else { continue }
            heirs[old] = joiners.remove(at: place)
        }
        for inSameZone in [true, false] {
            for old in from.indices where heirs[old] < 0 {
                let heir = joiners.firstIndex {
                    to[$0].weight == from[old].weight
                        && (!inSameZone || to[$0].zone == from[old].zone)
                }
                if let heir { heirs[old] = joiners.remove(at: heir) }
            }
        }
        self.heirs = heirs
    }
}
