import HengeBase

/// The part of the token space that one shard of a node has: one of `count` equal stretches.
///
/// All nodes of a cluster have the same number of shards, so that what a coordinator asks of a
/// replica goes to the shard of its own number there.
package struct ShardSlice: Hashable, Sendable {
    /// The numbers of shards that a node may have, powers of two all: at least one partition has to
    /// be in each.
    package static let counts = 1...RingDocument.partitionCounts.lowerBound

    package let index: Int
    package let count: Int

    /// All tokens: of a node with one shard.
    package static let whole = ShardSlice(index: 0, count: 1)

    /// - Parameters:
    ///   - index: under `count`.
    ///   - count: a power of two within ``counts``.
    package init(index: Int, count: Int) {
        invariant(ShardSlice.isCount(count) && index >= 0 && index < count)
        self.index = index
        self.count = count
    }

    package static func isCount(_ count: Int) -> Bool {
        counts.contains(count) && count & (count - 1) == 0
    }

    /// The shard that has a token, of so many.
    package static func index(of token: Token, count: Int) -> Int {
        count == 1 ? 0 : token.partition(bits: count.trailingZeroBitCount)
    }

    package func contains(_ token: Token) -> Bool {
        ShardSlice.index(of: token, count: count) == index
    }

    /// Its partitions, of a ring that has so many: a power of two, at least ``count``.
    package func partitions(of total: Int) -> Range<Int> {
        let width = total / count
        return index * width..<(index + 1) * width
    }
}
