public import HengeBase

/// The nodes that hold a key, most preferred first: at most ``ReplicaSet/replicasMax`` of one ring,
/// and of two at most ``ReplicaSet/capacity``. Held inline: copying it allocates nothing.
@usableFromInline
package struct PreferenceList: Sendable, Equatable, CustomStringConvertible {
    /// Positions from `count` on are zero.
    @usableFromInline let ids: SIMD16<UInt16>
    @usableFromInline package let count: Int

    @inlinable init(ids: SIMD16<UInt16>, count: Int) {
        invariant(count >= 0 && count <= ReplicaSet.capacity)
        self.ids = ids
        self.count = count
    }

    /// The list of one ring.
    @inlinable init(ids: SIMD8<UInt16>, count: Int) {
        invariant(count <= ReplicaSet.replicasMax)
        self.init(ids: SIMD16(lowHalf: ids, highHalf: SIMD8()), count: count)
    }

    /// A list of distinct nodes, at most ``ReplicaSet/capacity``.
    package init(_ nodes: [NodeID]) {
        invariant(nodes.count <= ReplicaSet.capacity)
        var ids = SIMD16<UInt16>()
        for (slot, node) in nodes.enumerated() { ids[slot] = node.rawValue }
        self.init(ids: ids, count: nodes.count)
    }

    @inlinable package subscript(slot: Int) -> NodeID {
        invariant(slot >= 0 && slot < count)
        return NodeID(ids[slot])
    }

    /// Where `node` stands in the list, or nil when it holds no replica.
    @inlinable package func slot(of node: NodeID) -> Int? {
        for slot in 0..<count where ids[slot] == node.rawValue { return slot }
        return nil
    }

    @inlinable package func contains(_ node: NodeID) -> Bool { slot(of: node) != nil }

    /// The same list with another node at `slot`, which must not be in it yet.
    package func replacing(_ slot: Int, with node: NodeID) -> PreferenceList {
        invariant(slot >= 0 && slot < count && !contains(node))
        var ids = ids
        ids[slot] = node.rawValue
        return PreferenceList(ids: ids, count: count)
    }

    /// These nodes at the slots that they have, then those of `other` that are not among them.
    ///
    /// - Parameter other: so short that both fit into ``ReplicaSet/capacity``.
    package func union(_ other: PreferenceList) -> PreferenceList {
        var ids = ids
        var count = count
        for slot in 0..<other.count where !contains(other[slot]) {
            invariant(count < ReplicaSet.capacity)
            ids[count] = other.ids[slot]
            count += 1
        }
        return PreferenceList(ids: ids, count: count)
    }

    /// At which slots of this list the nodes of `other` stand; those that it lacks are left out.
    package func slots(of other: PreferenceList) -> ReplicaSet {
        var slots = ReplicaSet()
        for slot in 0..<count where other.contains(self[slot]) { slots.insert(slot) }
        return slots
    }

    /// Calls `body` with each node, most preferred first.
    @inlinable package func forEach(_ body: (NodeID) -> Void) {
        for slot in 0..<count { body(NodeID(ids[slot])) }
    }

    @usableFromInline package var description: String {
        let names = (0..<count).map { self[$0].description }
        return "[\(names.joined(separator: ", "))]"
    }
}
