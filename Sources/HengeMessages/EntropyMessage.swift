import HengeBase
package import HengeCausality
package import HengeRing

/// What two nodes say to each other to find and mend the differences of the partitions that both
/// are home replicas of. The one that begins asks, the other answers; ``PeerMessage/entropy(_:_:)``
/// carries the question's id in both.
package enum EntropyMessage: Hashable, Sendable {
    /// The roots of all partitions that are to be compared, in order of partition.
    case roots([PartitionRoot], clocks: ToldClocks)
    /// - Parameters:
    ///   - differing: those whose roots differ; of those that are neither, the roots are equal.
    ///   - unready: those that the answering node can't compare yet.
    case rootsCompared(differing: [Int], unready: [Int], clocks: ToldClocks)
    case leaves(LeafQuestion)
    case leavesCompared(LeafAnswer)
    case versions(VersionQuestion)
    case versionsCompared(VersionAnswer)
    /// The asking node has found these partitions equal, or made them so: each of the two now has
    /// all that the other had when the roots were compared. Not answered.
    case agreed([Int], clocks: [PartitionClock])
    /// Does the node hold any record in the place of another?
    case askHeld
    case held(Bool)
    /// The receiver took siblings of this record for obsolete that the sender knows to be current.
    case disputed(StoredKey)
}

package struct PartitionRoot: Hashable, Sendable {
    package var partition: Int
    package var root: UInt64

    package init(partition: Int, root: UInt64) {
        self.partition = partition
        self.root = root
    }
}

/// Which writes of a partition the sender has taken in: every dot that the clock covers and that
/// any home replica has stored. It replaces what the sender said before.
package struct PartitionClock: Hashable, Sendable {
    package var partition: Int
    package var clock: VersionVector

    package init(partition: Int, clock: VersionVector) {
        self.partition = partition
        self.clock = clock
    }
}

/// What one node tells another of its clocks when they begin to compare.
package struct ToldClocks: Hashable, Sendable {
    /// Those that it has not told yet.
    package var clocks: [PartitionClock]
    /// Whether these are all of the partitions that both share.
    package var isAll: Bool
    /// Whether the other node is to tell all of its own the next time, since some of what it told
    /// may not have come.
    package var wantsAll: Bool

    package init(_ clocks: [PartitionClock], isAll: Bool = false, wantsAll: Bool = false) {
        self.clocks = clocks
        self.isAll = isAll
        self.wantsAll = wantsAll
    }
}

/// Some leaves of the asking node's tree.
package struct LeafQuestion: Hashable, Sendable {
    package var partition: Int
    /// The leaves below these nodes of the tree of 2^`parentBits` leaves, in rising order.
    package var parentBits: Int
    package var parents: [Int]
    /// At least `parentBits`, at most ``LeafSums/bitsMax``.
    package var bits: Int
    /// 2^(`bits` − `parentBits`) for each parent.
    package var sums: [UInt64]

    package init(partition: Int, parentBits: Int, parents: [Int], bits: Int, sums: [UInt64]) {
        self.partition = partition
        self.parentBits = parentBits
        self.parents = parents
        self.bits = bits
        self.sums = sums
    }
}

package struct LeafAnswer: Hashable, Sendable {
    /// Of the tree that was compared: that of the question, or a coarser one if the answering node
    /// has no finer. Where that is coarser than the question's parents, it is those.
    package var bits: Int
    /// Whose sums differ, in rising order.
    package var differing: [Int]
    /// Whether the answering node has nothing at all in this partition; then `differing` may be
    /// taken for all leaves.
    package var isEmpty: Bool

    package init(bits: Int, differing: [Int], isEmpty: Bool) {
        self.bits = bits
        self.differing = differing
        self.isEmpty = isEmpty
    }
}

/// All that the asking node has in a range of tokens.
package struct VersionQuestion: Hashable, Sendable {
    package var partition: Int
    package var from: Token
    package var through: Token
    /// ``RecordFingerprint`` of each record, in the order of their keys.
    package var fingerprints: [UInt64]

    package init(partition: Int, from: Token, through: Token, fingerprints: [UInt64]) {
        self.partition = partition
        self.from = from
        self.through = through
        self.fingerprints = fingerprints
    }
}

package enum VersionAnswer: Hashable, Sendable {
    /// - Parameters:
    ///   - through: the last token that this answer is about; ask again for the rest.
    ///   - matched: for each fingerprint of the question, in its order, whether the answering
    ///     node has that record in that version. Those above `through` may be false.
    ///   - records: what it has in other versions, or alone.
    case page(through: Token, matched: [Bool], records: [HandedRecord])
    /// The storage failed, or the node has no room.
    case failed
}
