package import HengeBase

/// An immutable snapshot of a ring document, with every preference list worked out.
///
/// Shards hold one each and swap it when the document changes.
package final class Ring: Sendable {
    package let document: RingDocument
    /// log₂ of the number of partitions.
    package let partitionBits: Int
    /// How many nodes each preference list names: N, or fewer when fewer nodes own a position.
    package let replicas: Int

    private let lists: [SIMD8<UInt16>]
    /// By raw node id: the index of the member, or -1.
    private let indexes: [Int16]
    private let vnodeCounts: [Int]

    /// - Parameter document: a valid one; see ``RingDocument/validate()``.
    package init(_ document: RingDocument) {
        let partitions = document.owners.count
        invariant(partitions.nonzeroBitCount == 1)
        self.document = document
        partitionBits = partitions.trailingZeroBitCount

        let last = document.members.last?.id.rawValue ?? 0
        var indexes = [Int16](repeating: -1, count: Int(last) + 1)
        for (index, member) in document.members.enumerated() {
            indexes[Int(member.id.rawValue)] = Int16(index)
        }
        let owners = document.owners.map { Int(indexes[Int($0.rawValue)]) }
        var counts = [Int](repeating: 0, count: document.members.count)
        for owner in owners { counts[owner] += 1 }

        replicas = min(document.replicas, counts.count { $0 > 0 })
        let walk = PreferenceWalk(members: document.members, owners: owners, replicas: replicas)
        lists = walk.lists().map { list in
            var ids = SIMD8<UInt16>()
            for slot in 0..<ReplicaSet.capacity where list[slot] >= 0 {
                ids[slot] = document.members[Int(list[slot])].id.rawValue
            }
            return ids
        }
        self.indexes = indexes
        vnodeCounts = counts
    }

    package var partitions: Int { document.owners.count }

    package func partition(of token: Token) -> Int { token.partition(bits: partitionBits) }

    /// The nodes that hold `token`, most preferred first. Allocates nothing.
    package func preferenceList(of token: Token) -> PreferenceList {
        preferenceList(partition: partition(of: token))
    }

    package func preferenceList(partition: Int) -> PreferenceList {
        PreferenceList(ids: lists[partition], count: replicas)
    }

    /// The nodes that stand in for home replicas of the partition that are down, nearest first: the
    /// others in the order in which the walk that found the home replicas meets them (Dynamo,
    /// section 4.6).
    ///
    /// - Parameters:
    ///   - limit: at most so many.
    ///   - isEligible: whether to take a node.
    package func standIns(
        partition: Int,
        limit: Int = .max,
        where isEligible: (NodeID) -> Bool = { _ in true }
    ) -> [NodeID] {
        var found: [NodeID] = []
        var isMet = [Bool](repeating: false, count: indexes.count)
        var left = vnodeCounts.count { $0 > 0 }
        preferenceList(partition: partition).forEach { home in
            isMet[Int(home.rawValue)] = true
            left -= 1
        }
        for offset in 0..<partitions where left > 0 && found.count < limit {
            let owner = document.owners[(partition + offset) & (partitions - 1)]
            guard !isMet[Int(owner.rawValue)] else { continue }
            isMet[Int(owner.rawValue)] = true
            left -= 1
            if isEligible(owner) { found.append(owner) }
        }
        return found
    }

    package func member(_ id: NodeID) -> Member? {
        index(of: id).map { document.members[$0] }
    }

    package func member(named name: String) -> Member? {
        document.members.first { $0.name == name }
    }

    /// The tokens of a partition.
    package func tokenRange(partition: Int) -> ClosedRange<Token> {
        invariant(partition >= 0 && partition < partitions)
        let width = UInt64(64 - partitionBits)
        let first = UInt64(partition) << width
        return Token(rawValue: first)...Token(rawValue: first + ((1 << width) - 1))
    }

    /// The Redis hash slots of a partition.
    package func slots(partition: Int) -> ClosedRange<Int> {
        invariant(partition >= 0 && partition < partitions)
        let width = HashSlot.count / partitions
        return (partition * width)...(partition * width + width - 1)
    }

    /// How many positions of the ring a node claims; 0 for a node that is no member.
    package func vnodes(of id: NodeID) -> Int {
        index(of: id).map { vnodeCounts[$0] } ?? 0
    }

    private func index(of id: NodeID) -> Int? {
        guard Int(id.rawValue) < indexes.count else { return nil }
        let index = Int(indexes[Int(id.rawValue)])
        return index < 0 ? nil : index
    }
}
