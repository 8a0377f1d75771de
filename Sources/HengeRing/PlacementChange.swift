package import HengeBase

/// A ring and the one that follows it: what moves, and what it is for.
package struct PlacementChange: Hashable, Sendable {
    /// A position of the ring that another node claims afterwards.
    package struct VnodeMove: Hashable, Sendable {
        package let partition: Int
        package let from: NodeID
        package let to: NodeID
    }

    /// A node that is on a partition's preference list only afterwards, and so needs its data.
    package struct ReplicaMove: Hashable, Sendable {
        package let partition: Int
        /// The node whose place it takes, which is on the list only before; nil when the list gets
        /// longer.
        package let from: NodeID?
        package let to: NodeID
    }

    /// The ring as it was, judged by the members that it had.
    package let before: PlacementResult
    /// The ring as it is to be.
    package let after: PlacementResult
    /// In order of partitions.
    package let vnodeMoves: [VnodeMove]
    /// No fair ring of the new members is reached with fewer moved vnodes: the positions of those
    /// who leave, and those that the others have above their new shares.
    package let vnodeMovesLeast: Int
    /// What really is transferred, in order of partitions: bytes follow preference lists.
    package let replicaMoves: [ReplicaMove]
    /// No ring that gives each node as many replicas is reached with fewer replica moves.
    package let replicaMovesLeast: Int

    /// By position, after the change.
    package var owners: [NodeID] { after.owners }

    init(before: PlacementSide, after: PlacementSide, vnodeMovesLeast: Int) {
        self.before = before.result
        self.after = after.result
        self.vnodeMovesLeast = vnodeMovesLeast
        let (old, new) = (self.before.owners, self.after.owners)
        vnodeMoves = old.indices.compactMap { partition in
            guard old[partition] != new[partition] else { return nil }
            return VnodeMove(partition: partition, from: old[partition], to: new[partition])
        }
        replicaMoves = old.indices.flatMap { partition in
            Self.replicaMoves(
                partition,
                from: before.lists[partition],
                to: after.lists[partition]
            )
        }
        let held = Dictionary(uniqueKeysWithValues: self.before.shares.map { ($0.id, $0.replicas) })
        replicaMovesLeast = self.after.shares.reduce(0) {
            $0 + max(0, $1.replicas - (held[$1.id] ?? 0))
        }
    }

    /// Who comes and whose place each takes: that of the node that goes from the same slot, else of
    /// any that goes.
    ///
    /// Where a vnode moves on a ring that is spaced, the same two nodes are paired in all of its N
    /// lists, at another slot in each.
    private static func replicaMoves(
        _ partition: Int,
        from old: PreferenceList,
        to new: PreferenceList
    ) -> [ReplicaMove] {
        guard old != new else { return [] }
        var going: [NodeID] = []
        old.forEach { if !new.contains($0) { going.append($0) } }
        var coming: [(to: NodeID, from: NodeID?)] = []
        new.forEach { node in
            guard let slot = new.slot(of: node), !old.contains(node) else { return }
            var from: NodeID?
            if slot < old.count, let index = going.firstIndex(of: old[slot]) {
                from = going.remove(at: index)
            }
            coming.append((node, from))
        }
        return coming.map { to, from in
            let from = from ?? (going.isEmpty ? nil : going.removeFirst())
            return ReplicaMove(partition: partition, from: from, to: to)
        }
    }
}

/// One of the two rings of a change.
struct PlacementSide {
    let result: PlacementResult
    /// By partition.
    let lists: [PreferenceList]

    /// - Parameter owners: by position, as indexes into the members.
    init(members: [Member], owners: [Int], replicas: Int) {
        var counts = [Int](repeating: 0, count: members.count)
        for owner in owners { counts[owner] += 1 }
        let targets = PlacementTargets(members, counts: counts, replicas: replicas)
        let walk = PreferenceWalk(members: members, owners: owners, replicas: targets.window)
        let lists = walk.lists()
        result = PlacementResult(
            members: members,
            arrangement: RingArrangement(owners, targets),
            targets: targets,
            lists: lists
        )
        self.lists = lists.map { list in
            var ids = SIMD8<UInt16>()
            for slot in 0..<targets.window { ids[slot] = members[Int(list[slot])].id.rawValue }
            return PreferenceList(ids: ids, count: targets.window)
        }
    }
}
