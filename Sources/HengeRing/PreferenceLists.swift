import HengeBase

/// The preference list of every partition for some members and owners.
struct PreferenceLists {
    /// By partition; the ids from `replicas` on are zero.
    let ids: [SIMD8<UInt16>]
    /// How many nodes each list names: N, or fewer when fewer nodes own a position.
    let replicas: Int
    /// How many positions each member claims.
    let vnodeCounts: [Int]

    /// - Parameters:
    ///   - members: sorted by id; all owners are among them.
    ///   - replicas: N.
    init(members: [Member], owners: [NodeID], replicas: Int) {
        let indexes = MemberIndexes(members)
        let owners = owners.map { owner -> Int in
            guard let index = indexes[owner] else { preconditionFailure("\(owner) is no member") }
            return index
        }
        var counts = [Int](repeating: 0, count: members.count)
        for owner in owners { counts[owner] += 1 }
        let wanted = min(replicas, counts.count { $0 > 0 })
        let walk = PreferenceWalk(members: members, owners: owners, replicas: wanted)
        ids = walk.lists().map { list in
            var ids = SIMD8<UInt16>()
            for slot in 0..<wanted { ids[slot] = members[Int(list[slot])].id.rawValue }
            return ids
        }
        self.replicas = wanted
        vnodeCounts = counts
    }

    /// The steps of a change to `next` before anything has moved.
    func firstSteps(to next: PreferenceLists) -> [PartitionStep] {
        ids.indices.map { namesSameNodes(as: next, partition: $0) ? .next : .current }
    }

    /// Whether both lists of a partition name the same nodes, in whatever order.
    func namesSameNodes(as other: PreferenceLists, partition: Int) -> Bool {
        guard replicas == other.replicas else { return false }
        let (a, b) = (ids[partition], other.ids[partition])
        return a == b
            || (0..<replicas).allSatisfy { i in (0..<replicas).contains { a[i] == b[$0] } }
    }
}

/// Finds members by their ids.
struct MemberIndexes {
    /// By raw id; -1 for those that are no members.
    private let indexes: [Int16]

    /// - Parameter members: sorted by id, each once, at most 32,767.
    init(_ members: [Member]) {
        var indexes = [Int16](repeating: -1, count: Int(members.last?.id.rawValue ?? 0) + 1)
        for (index, member) in members.enumerated() {
            indexes[Int(member.id.rawValue)] = Int16(index)
        }
        self.indexes = indexes
    }

    /// One more than the highest id.
    var idLimit: Int { indexes.count }

    subscript(_ id: NodeID) -> Int? {
        guard Int(id.rawValue) < indexes.count else { return nil }
        let index = Int(indexes[Int(id.rawValue)])
        return index < 0 ? nil : index
    }
}
