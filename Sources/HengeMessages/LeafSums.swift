package import HengeRing

/// The leaves of the hash tree over one partition replica: for each of 2^``bits`` equal parts of
/// its token range, the wrapping sum of the fingerprints of its records.
///
/// A write changes one leaf by a subtraction and an addition. Pairs of leaves add up to the leaves
/// of the next coarser tree, so trees of different resolution compare once the finer is folded; the
/// root is the sum of all. Two sets of records have equal sums when they are equal, and else with a
/// chance of 2⁻⁶⁴.
package struct LeafSums: Hashable, Sendable {
    /// 512 KiB of sums, for four million records at 64 a leaf.
    package static let bitsMax = 16
    /// A leaf has at most so many records on average, where ``bitsMax`` allows.
    private static let recordsMean = 32

    package private(set) var bits: Int
    package private(set) var sums: [UInt64]

    /// All zero.
    ///
    /// - Parameter bits: 0...``bitsMax``.
    package init(bits: Int) {
        precondition(bits >= 0 && bits <= Self.bitsMax)
        self.bits = bits
        sums = Array(repeating: 0, count: 1 << bits)
    }

    /// Sums that came from a disk or a peer; nil when their count is no power of two in bounds.
    package init?(sums: [UInt64]) {
        guard !sums.isEmpty, sums.count & (sums.count - 1) == 0, sums.count <= 1 << Self.bitsMax
        else { return nil }
        bits = sums.count.trailingZeroBitCount
        self.sums = sums
    }

    /// The fewest bits with which the leaves of a partition of so many records are small enough.
    package static func bits(forRecords records: Int) -> Int {
        let leaves = max(0, records - 1) / recordsMean + 1
        // The width of the greatest index.
        return min(bitsMax, Int.bitWidth - (leaves - 1).leadingZeroBitCount)
    }

    /// Which leaf of 2^`bits` a token falls in, in a ring of 2^`partitionBits` partitions.
    package static func leaf(of token: Token, bits: Int, partitionBits: Int) -> Int {
        guard bits > 0 else { return 0 }
        let inside = token.rawValue &<< UInt64(truncatingIfNeeded: partitionBits)
        return Int(truncatingIfNeeded: inside &>> UInt64(truncatingIfNeeded: 64 &- bits))
    }

    /// The tokens of one leaf, or of several that follow each other.
    package static func tokens(
        of leaves: ClosedRange<Int>,
        bits: Int,
        partition: Int,
        partitionBits: Int
    ) -> ClosedRange<Token> {
        let shift = UInt64(64 - partitionBits - bits)
        let first = UInt64(partition) << UInt64(bits) + UInt64(leaves.lowerBound)
        let last = UInt64(partition) << UInt64(bits) + UInt64(leaves.upperBound)
        let end = last << shift | (1 << shift - 1)
        return Token(rawValue: first << shift)...Token(rawValue: end)
    }

    /// Adds to one leaf; the negative of a fingerprint takes it away.
    package mutating func add(_ change: UInt64, at token: Token, partitionBits: Int) {
        let leaf = Self.leaf(of: token, bits: bits, partitionBits: partitionBits)
        sums[leaf] = sums[leaf] &+ change
    }

    package mutating func set(_ sum: UInt64, leaf: Int) {
        sums[leaf] = sum
    }

    package mutating func add(_ other: LeafSums) {
        precondition(bits == other.bits)
        for leaf in sums.indices { sums[leaf] = sums[leaf] &+ other.sums[leaf] }
    }

    /// The coarser tree of 2^`bits` leaves; itself when it is no finer.
    package func folded(to bits: Int) -> LeafSums {
        guard bits < self.bits else { return self }
        var result = LeafSums(bits: bits)
        let shift = self.bits - bits
        for leaf in sums.indices {
            result.sums[leaf >> shift] = result.sums[leaf >> shift] &+ sums[leaf]
        }
        return result
    }

    /// 0 for a partition without records.
    package var root: UInt64 { sums.reduce(0, &+) }

    /// Whether the partition has no records.
    package var isZero: Bool { sums.allSatisfy { $0 == 0 } }
}
