/// A set of positions in a preference list, 0...15, in two bytes.
@usableFromInline
package struct ReplicaSet: Hashable, Sendable, CustomStringConvertible {
    @usableFromInline package var bits: UInt16

    /// The largest N: on how many nodes a ring may keep each key.
    @inlinable package static var replicasMax: Int { 8 }

    /// The most nodes that a preference list may name: while the ring changes, the replicas of now
    /// and those to come, which may all differ.
    @inlinable package static var capacity: Int { 2 * replicasMax }

    @inlinable package init(bits: UInt16 = 0) {
        self.bits = bits
    }

    /// The positions `0..<count`.
    @inlinable package static func first(_ count: Int) -> ReplicaSet {
        invariant(count >= 0 && count <= capacity)
        return ReplicaSet(bits: count == capacity ? .max : (1 << UInt16(count)) - 1)
    }

    @inlinable package static func only(_ slot: Int) -> ReplicaSet {
        invariant(slot >= 0 && slot < capacity)
        return ReplicaSet(bits: 1 << UInt16(slot))
    }

    @inlinable package var count: Int { bits.nonzeroBitCount }
    @inlinable package var isEmpty: Bool { bits == 0 }

    /// The lowest position, or nil when the set is empty.
    @inlinable package var lowest: Int? { bits == 0 ? nil : bits.trailingZeroBitCount }

    @inlinable package func contains(_ slot: Int) -> Bool {
        slot >= 0 && slot < ReplicaSet.capacity && bits & (1 << UInt16(slot)) != 0
    }

    @inlinable package mutating func insert(_ slot: Int) {
        invariant(slot >= 0 && slot < ReplicaSet.capacity)
        bits |= 1 << UInt16(slot)
    }

    @inlinable package mutating func remove(_ slot: Int) {
        invariant(slot >= 0 && slot < ReplicaSet.capacity)
        bits &= ~(1 << UInt16(slot))
    }

    @inlinable package func union(_ other: ReplicaSet) -> ReplicaSet {
        ReplicaSet(bits: bits | other.bits)
    }

    @inlinable package func intersection(_ other: ReplicaSet) -> ReplicaSet {
        ReplicaSet(bits: bits & other.bits)
    }

    @inlinable package func subtracting(_ other: ReplicaSet) -> ReplicaSet {
        ReplicaSet(bits: bits & ~other.bits)
    }

    @inlinable package func isDisjoint(with other: ReplicaSet) -> Bool { bits & other.bits == 0 }

    @inlinable package func isSubset(of other: ReplicaSet) -> Bool { bits & ~other.bits == 0 }

    /// Calls `body` with each position, lowest first.
    @inlinable package func forEach(_ body: (Int) -> Void) {
        var rest = bits
        while rest != 0 {
            body(rest.trailingZeroBitCount)
            rest &= rest - 1
        }
    }

    @usableFromInline package var description: String {
        var slots: [String] = []
        forEach { slots.append(String($0)) }
        return "{\(slots.joined(separator: ","))}"
    }
}
