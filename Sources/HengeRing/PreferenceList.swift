public import HengeBase

/// The nodes that hold a key, most preferred first, at most 8. Held inline: copying it allocates
/// nothing.
@usableFromInline
package struct PreferenceList: Sendable, Equatable, CustomStringConvertible {
    /// Positions from `count` on are zero.
    @usableFromInline let ids: SIMD8<UInt16>
    @usableFromInline package let count: Int

    @inlinable init(ids: SIMD8<UInt16>, count: Int) {
        invariant(count >= 0 && count <= ReplicaSet.capacity)
        self.ids = ids
        self.count = count
    }

    /// A list of distinct nodes, at most 8.
    package init(_ nodes: [NodeID]) {
        invariant(nodes.count <= ReplicaSet.capacity)
        var ids = SIMD8<UInt16>()
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

    /// Calls `body` with each node, most preferred first.
    @inlinable package func forEach(_ body: (NodeID) -> Void) {
        for slot in 0..<count { body(NodeID(ids[slot])) }
    }

    @usableFromInline package var description: String {
        let names = (0..<count).map { self[$0].description }
        return "[\(names.joined(separator: ", "))]"
    }
}
