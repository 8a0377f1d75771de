package import HengeBase

/// An immutable snapshot of a ring document, with every preference list worked out.
///
/// Shards hold one each and swap it when the document changes.
package final class Ring: Sendable {
    package let document: RingDocument
    /// log₂ of the number of partitions.
    package let partitionBits: Int
    /// How many nodes each preference list names: N, or fewer when fewer nodes own a position. With
    /// lost nodes it is how many there were; a list may then be shorter.
    package let replicas: Int

    /// Also the ones that only the ring that is being moved to has, each once, by id.
    package let allMembers: [Member]
    /// The nodes that decide on the next document, ascending.
    package let voters: [NodeID]
    /// Members that are in the ring no more once the change that is running is through, ascending.
    package let leaving: [NodeID]
    /// Whether all partitions have gone the last step of the change that is running.
    package let isMoved: Bool

    private let lists: [SIMD8<UInt16>]
    /// Empty when nobody is lost; else the length of each list.
    private let counts: [UInt8]
    /// Empty when nothing moves.
    private let nextLists: [SIMD8<UInt16>]
    private let nextCounts: [UInt8]
    private let nextReplicas: Int
    /// Empty when nothing moves.
    private let steps: [PartitionStep]
    private let fences: [UInt64]
    private let indexes: MemberIndexes
    private let allIndexes: MemberIndexes
    private let vnodeCounts: [Int]

    /// - Parameter document: a valid one; see ``RingDocument/validate()``.
    package init(_ document: RingDocument) {
        let partitions = document.owners.count
        invariant(partitions.nonzeroBitCount == 1)
        self.document = document
        partitionBits = partitions.trailingZeroBitCount
        let current = document.lists
        replicas = current.replicas
        lists = current.ids
        counts = current.counts
        vnodeCounts = current.vnodeCounts
        let next = document.transition.map { document.lists(of: $0) }
        nextReplicas = next?.replicas ?? current.replicas
        nextLists = next?.ids ?? []
        nextCounts = next?.counts ?? []
        steps = document.transition?.steps ?? []
        fences = document.changedAt
        allMembers = document.allMembers
        voters = document.voters
        leaving = document.leaving
        isMoved = document.transition.map { $0.steps.allSatisfy { $0 == .next } } ?? false
        indexes = MemberIndexes(document.members)
        allIndexes = MemberIndexes(allMembers)
    }

    package var partitions: Int { document.owners.count }

    package func partition(of token: Token) -> Int { token.partition(bits: partitionBits) }

    /// The nodes that hold `token`, most preferred first. Allocates nothing.
    package func preferenceList(of token: Token) -> PreferenceList {
        preferenceList(partition: partition(of: token))
    }

    package func preferenceList(partition: Int) -> PreferenceList {
        let count = counts.isEmpty ? replicas : Int(counts[partition])
        return PreferenceList(ids: lists[partition], count: count)
    }

    /// The nodes that hold the partition once the change that is running is through; the same as
    /// ``preferenceList(partition:)`` when none is. Allocates nothing.
    package func nextPreferenceList(partition: Int) -> PreferenceList {
        guard !nextLists.isEmpty else { return preferenceList(partition: partition) }
        let count = nextCounts.isEmpty ? nextReplicas : Int(nextCounts[partition])
        return PreferenceList(ids: nextLists[partition], count: count)
    }

    /// How many of the partition's current replicas make a quorum: a majority of those that there
    /// are to be. So many of a list that lost nodes have made shorter, or all of it, meet each
    /// other, and whatever any other such quorum has left behind.
    package func quorum(partition: Int) -> Int {
        min(preferenceList(partition: partition).count, replicas / 2 + 1)
    }

    /// As ``quorum(partition:)``, of the next replicas.
    package func nextQuorum(partition: Int) -> Int {
        min(nextPreferenceList(partition: partition).count, nextReplicas / 2 + 1)
    }

    /// The nodes that reads of the partition use at its present step. Allocates nothing.
    package func readPreferenceList(partition: Int) -> PreferenceList {
        step(of: partition) < .readNext
            ? preferenceList(partition: partition) : nextPreferenceList(partition: partition)
    }

    /// The nodes that are to hold the partition's records at its present step: those that writes go
    /// to. In the middle of a change they are the current ones and after them the next ones.
    /// Allocates nothing.
    package func homes(partition: Int) -> PreferenceList {
        switch step(of: partition) {
        case .current: preferenceList(partition: partition)
        case .writeBoth, .readNext:
            preferenceList(partition: partition).union(nextPreferenceList(partition: partition))
        case .next: nextPreferenceList(partition: partition)
        }
    }

    /// The nodes that are to hold `token`; see ``homes(partition:)``.
    package func homes(of token: Token) -> PreferenceList {
        homes(partition: partition(of: token))
    }

    /// How far the partition is in the change that is running; `.current` when none is. It is
    /// `.next` from the beginning where the change leaves the nodes of the partition as they are.
    package func step(of partition: Int) -> PartitionStep {
        steps.isEmpty ? .current : steps[partition]
    }

    /// The epoch of the partition's last step: what a sender of an older epoch asks for the
    /// partition must be refused.
    package func fence(of partition: Int) -> UInt64 { fences[partition] }

    /// The nodes that stand in for home replicas of the partition that are down, nearest first: the
    /// others in the order in which the walk that found the home replicas meets them (Dynamo,
    /// section 4.6). Not those that are about to leave the ring: they would have to hand it over.
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
        var isMet = [Bool](repeating: false, count: indexes.idLimit)
        var left = vnodeCounts.count { $0 > 0 }
        preferenceList(partition: partition).forEach { home in
            isMet[Int(home.rawValue)] = true
            left -= 1
        }
        for offset in 0..<partitions where left > 0 && found.count < limit {
            let owner = document.owners[(partition + offset) & (partitions - 1)]
            guard indexes[owner] != nil, !isMet[Int(owner.rawValue)] else { continue }
            isMet[Int(owner.rawValue)] = true
            left -= 1
            if !leaving.contains(owner), isEligible(owner) { found.append(owner) }
        }
        return found
    }

    /// A member of the current ring or of the one that is being moved to.
    package func member(_ id: NodeID) -> Member? { allIndexes[id].map { allMembers[$0] } }

    /// A member of the current ring or of the one that is being moved to.
    package func member(named name: String) -> Member? { allMembers.first { $0.name == name } }

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

    /// How many positions of the current ring a node claims; 0 for a node that is no member.
    package func vnodes(of id: NodeID) -> Int {
        indexes[id].map { vnodeCounts[$0] } ?? 0
    }
}
