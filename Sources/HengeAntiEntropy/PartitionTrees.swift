import HengeBase
package import HengeMessages
package import HengeRing

/// The hash trees of a node's partition replicas, kept up to date by the change of each write once
/// it is durable.
///
/// Without saved trees it is not ready until the sums of the records that were on disk at the
/// start have been added; what changes meanwhile gathers in trees of a fixed resolution.
package struct PartitionTrees: Sendable {
    /// The most leaves that gather changes before the trees are ready, over all partitions; 4 MiB.
    private static let pendingLeavesMax = 1 << 19

    private var trees: [LeafSums]
    private let partitionBits: Int
    private var scan: TreeScan?
    package private(set) var isReady: Bool

    /// - Parameters:
    ///   - partitions: 2^`partitionBits`.
    ///   - saved: the trees of a clean stop, one a partition; nil after any other. Those of another
    ///     number of partitions are not used.
    package init(partitions: Int, partitionBits: Int, saved: [LeafSums]?) {
        invariant(partitions == 1 << partitionBits)
        self.partitionBits = partitionBits
        if let saved, saved.count == partitions {
            trees = saved
            isReady = true
        } else {
            trees = Array(repeating: LeafSums(bits: 0), count: partitions)
            isReady = false
        }
    }

    /// The resolution at which changes gather before the trees are ready: 2^5 leaves in the largest
    /// ring, 2^13 in the smallest.
    private var pendingBits: Int {
        Self.pendingLeavesMax.trailingZeroBitCount - max(partitionBits, 6)
    }

    /// Takes in a change of durable records: the new fingerprint minus the old one, wrapping.
    package mutating func add(_ change: UInt64, at token: Token) {
        guard change != 0 else { return }
        let partition = token.partition(bits: partitionBits)
        if !isReady, trees[partition].bits == 0 {
            trees[partition] = LeafSums(bits: pendingBits)
        }
        trees[partition].add(change, at: token, partitionBits: partitionBits)
        if scan?.partition == partition { scan?.changed(change, at: token) }
    }

    /// Adds what was on disk before the first write of this run. Where there were changes since,
    /// the coarser resolution of both stays, so ask ``needsGrowth(partition:records:)`` after.
    ///
    /// - Parameter leaves: one tree a partition.
    package mutating func addInitial(_ leaves: [LeafSums]) {
        invariant(!isReady && leaves.count == trees.count)
        for partition in trees.indices {
            let gathered = trees[partition]
            // Nothing has changed in a partition that still has the tree of the start.
            guard gathered.bits > 0 else {
                trees[partition] = leaves[partition]
                continue
            }
            let bits = min(gathered.bits, leaves[partition].bits)
            var sum = gathered.folded(to: bits)
            sum.add(leaves[partition].folded(to: bits))
            trees[partition] = sum
        }
        isReady = true
    }

    /// Nothing is left of the partition. A scan of it that is under way is given up.
    package mutating func forget(partition: Int) {
        invariant(isReady)
        trees[partition] = LeafSums(bits: 0)
        if scan?.partition == partition { scan = nil }
    }

    /// Meaningless before ``isReady``.
    package subscript(partition: Int) -> LeafSums { trees[partition] }

    /// Meaningless before ``isReady``. O(leaves).
    package func root(of partition: Int) -> UInt64 { trees[partition].root }

    /// What a clean stop saves; nil before ``isReady``.
    package var saved: [LeafSums]? { isReady ? trees : nil }

    /// An upper bound of the memory of all trees, in bytes.
    package var memory: Int {
        let scanned = scan.map { $0.tree.memory } ?? 0
        return trees.reduce(scanned) { $0 + $1.memory }
    }

    // MARK: Resolution

    /// A leaf of fewer records, on average, is folded; one of more is split.
    package static let recordsPerLeaf = 16...64
    /// What a tree of a new resolution has at most, and half of it at least: as far from folding as
    /// from splitting.
    private static let recordsPerNewLeaf = 45

    /// The resolution for so many records, 0...``LeafSums/bitsMax``.
    package static func wantedBits(records: Int) -> Int {
        var bits = 0
        while bits < LeafSums.bitsMax, records > recordsPerNewLeaf << bits { bits += 1 }
        return bits
    }

    /// Folds the tree at once, exactly, if it has too many leaves for its records. A scan of the
    /// partition that is under way is given up.
    package mutating func adjust(partition: Int, records: Int) {
        let bits = trees[partition].bits
        guard isReady, bits > 0, records < Self.recordsPerLeaf.lowerBound << bits else { return }
        let wanted = Self.wantedBits(records: records)
        guard wanted < bits else { return }
        trees[partition] = trees[partition].folded(to: wanted)
        if scan?.partition == partition { scan = nil }
    }

    /// The resolution that the tree should have, if it has too few leaves for its records; then
    /// ``beginScan(partition:bits:)``.
    package func needsGrowth(partition: Int, records: Int) -> Int? {
        let bits = trees[partition].bits
        guard bits < LeafSums.bitsMax, records > Self.recordsPerLeaf.upperBound << bits else {
            return nil
        }
        return Self.wantedBits(records: records)
    }

    // MARK: Scans

    /// Begins to build the tree of one partition anew from its records, in the place of any scan
    /// that is under way. The old tree serves until the new one is done.
    ///
    /// - Parameter bits: to grow to, at least those that the tree has; nil to keep the resolution
    ///   and only set right what is wrong.
    package mutating func beginScan(partition: Int, bits: Int? = nil) {
        invariant(isReady)
        let old = trees[partition].bits
        scan = TreeScan(
            partition: partition,
            partitionBits: partitionBits,
            oldBits: old,
            newBits: max(old, bits ?? old)
        )
    }

    /// The partition that is being scanned.
    package var scanned: Int? { scan?.partition }

    /// What to list now, all in versions; nil when no scan is under way. Ask again after each
    /// answer, and list at once: changes are watched from here on.
    package mutating func nextScanRange() -> ClosedRange<Token>? { scan?.ask() }

    /// Takes in an answer to ``nextScanRange()``. What a write has touched since the question is
    /// not used but asked for again.
    ///
    /// - Parameters:
    ///   - page: of kind ``ListRange/Kind/versions``.
    ///   - pending: every key of this partition that has a persist under way now.
    package mutating func scanned(_ page: ListPage, pending: [DurableFingerprint]) -> ScanProgress {
        guard var scan else { return .none }
        // Else changing it would copy its tree.
        self.scan = nil
        let partition = scan.partition
        let mended = scan.answered(page, pending: pending, old: &trees[partition])
        guard scan.isDone else {
            self.scan = scan
            return .going(mended: mended)
        }
        trees[partition] = scan.tree
        return .done(mended: mended)
    }

    package mutating func cancelScan() {
        scan = nil
    }
}

/// What the hash tree counts of a key whose next version may or may not be on disk yet.
package struct DurableFingerprint: Hashable, Sendable {
    package var key: StoredKey
    /// ``RecordFingerprint`` of what was last told to be durable; 0 when that is nothing.
    package var fingerprint: UInt64

    package init(key: StoredKey, fingerprint: UInt64) {
        self.key = key
        self.fingerprint = fingerprint
    }
}

package enum ScanProgress: Hashable, Sendable {
    /// No scan is under way, or it was given up.
    case none
    /// - Parameter mended: leaves that this answer has shown to be wrong, and set right.
    case going(mended: Int)
    case done(mended: Int)
}

extension LeafSums {
    /// An upper bound in bytes: the sums, the header of their memory, and the value itself.
    fileprivate var memory: Int { sums.count * 8 + 64 }
}
