/// The place of a key on the ring: its Redis hash slot in the top 14 bits, then 50 bits of XXH3.
///
/// Tokens of one slot are adjacent, so a Redis Cluster client finds a replica of any key by its
/// slot, and the order of tokens is the order of storage.
@usableFromInline
package struct Token: Hashable, Comparable, Sendable {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static let min = Token(rawValue: .min)
    package static let max = Token(rawValue: .max)

    /// The token of a key in a bucket. Allocates nothing.
    ///
    /// The hash of the bucket seeds the hash of the key, so that no two ways to cut the same bytes
    /// into bucket and key are the same input.
    package static func of(bucket: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) -> Token {
        let hash = XXH3.hash64(key, seed: XXH3.hash64(bucket))
        return Token(rawValue: UInt64(HashSlot.of(key)) << 50 | hash >> 14)
    }

    /// The Redis hash slot, `0..<16384`.
    @inlinable package var slot: Int { Int(truncatingIfNeeded: rawValue >> 50) }

    /// The partition that holds this token when the ring has 2^`bits` of them; `bits` is 1...63.
    @inlinable package func partition(bits: Int) -> Int {
        Int(truncatingIfNeeded: rawValue &>> UInt64(truncatingIfNeeded: 64 &- bits))
    }

    @inlinable package static func < (a: Token, b: Token) -> Bool { a.rawValue < b.rawValue }
}
