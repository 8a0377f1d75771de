import HengeBase

/// The preference list of every partition for some members and owners.
struct PreferenceLists {
    /// By partition; the ids from `replicas` on are zero.
    let ids: [SIMD8<UInt16>]
    /// How many nodes each list names: N, or fewer when fewer nodes own a position. Lists that
    /// lost nodes have made shorter name fewer; see ``counts``.
    let replicas: Int
    /// How many nodes each list names; empty when that is ``replicas`` for all.
    private(set) var counts: [UInt8] = []
    /// Whether all nodes of a list are lost, so that it names others; empty when none are.
    private var emptied: [Bool] = []
    /// How many positions each member claims.
    let vnodeCounts: [Int]

    /// - Parameters:
    ///   - members: sorted by id.
    ///   - owners: each one of the members or of those that are lost, some of the members.
    ///   - replicas: N.
    ///   - lost: sorted by id. They are left out of the lists that they would be in. Where nobody
    ///     would be left, the list names the members that are met next.
    init(members: [Member], owners: [NodeID], replicas: Int, lost: [Member] = []) {
        let all = lost.isEmpty ? members : (members + lost).sorted { $0.id < $1.id }
        let indexes = MemberIndexes(all)
        let owners = owners.map { owner -> Int in
            guard let index = indexes[owner] else { preconditionFailure("\(owner) is no member") }
            return index
        }
        var counts = [Int](repeating: 0, count: all.count)
        for owner in owners { counts[owner] += 1 }
        let wanted = min(replicas, counts.count { $0 > 0 })
        let walk = PreferenceWalk(members: all, owners: owners, replicas: wanted)
        let lists = walk.lists()
        self.replicas = wanted
        guard !lost.isEmpty else {
            ids = lists.map { Self.ids($0, all) }
            vnodeCounts = counts
            return
        }
        let lostIDs = MemberIndexes(lost)
        let isLost = all.map { lostIDs[$0.id] != nil }
        let others = Self.lists(without: isLost, all, owners, replicas: replicas)
        var emptied = [Bool](repeating: false, count: owners.count)
        let left = lists.indices.map { partition in
            let left = Self.list(lists[partition], without: isLost)
            emptied[partition] = left[0] < 0
            return left[0] < 0 ? others[partition] : left
        }
        self.emptied = emptied
        self.counts = left.map { list in UInt8((0..<8).count { list[$0] >= 0 }) }
        ids = left.map { Self.ids($0, all) }
        vnodeCounts = zip(counts, isLost).filter { !$0.1 }.map { $0.0 }
    }

    func count(_ partition: Int) -> Int { counts.isEmpty ? replicas : Int(counts[partition]) }

    /// Whether the list names fewer nodes than it did, or others.
    func hasLost(_ partition: Int) -> Bool {
        !counts.isEmpty && (emptied[partition] || count(partition) < replicas)
    }

    func isEmptied(_ partition: Int) -> Bool { !emptied.isEmpty && emptied[partition] }

    private static func ids(_ list: SIMD8<Int16>, _ members: [Member]) -> SIMD8<UInt16> {
        var ids = SIMD8<UInt16>()
        for slot in 0..<8 where list[slot] >= 0 { ids[slot] = members[Int(list[slot])].id.rawValue }
        return ids
    }

    private static func list(_ list: SIMD8<Int16>, without isLost: [Bool]) -> SIMD8<Int16> {
        var left = SIMD8<Int16>(repeating: -1)
        var count = 0
        for slot in 0..<8 where list[slot] >= 0 && !isLost[Int(list[slot])] {
            left[count] = list[slot]
            count += 1
        }
        return left
    }

    /// The lists of the ring in which the next one that is left has each position of a lost node.
    private static func lists(
        without isLost: [Bool],
        _ members: [Member],
        _ owners: [Int],
        replicas: Int
    ) -> [SIMD8<Int16>] {
        guard var next = owners.first(where: { !isLost[$0] }) else {
            preconditionFailure("all owners are lost")
        }
        var left = owners
        for position in owners.indices.reversed() {
            if isLost[owners[position]] { left[position] = next } else { next = owners[position] }
        }
        var isOwner = [Bool](repeating: false, count: members.count)
        for owner in left { isOwner[owner] = true }
        let wanted = min(replicas, isOwner.count { $0 })
        return PreferenceWalk(members: members, owners: left, replicas: wanted).lists()
    }

    /// The steps of a change to `next` before anything has moved.
    func firstSteps(to next: PreferenceLists) -> [PartitionStep] {
        ids.indices.map { namesSameNodes(as: next, partition: $0) ? .next : .current }
    }

    /// Whether both lists of a partition name the same nodes, in whatever order.
    func namesSameNodes(as other: PreferenceLists, partition: Int) -> Bool {
        let count = count(partition)
        guard count == other.count(partition) else { return false }
        let (a, b) = (ids[partition], other.ids[partition])
        return a == b || (0..<count).allSatisfy { i in (0..<count).contains { a[i] == b[$0] } }
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
