package import HengeBase

/// Positions of a preference list in the order in which a coordinator would rather ask them.
package struct SlotOrder: Hashable, Sendable {
    private var slots = SIMD16<UInt8>(repeating: 0)
    package private(set) var count = 0

    package init() {}

    package init(_ slots: [Int]) {
        for slot in slots { append(slot) }
    }

    package mutating func append(_ slot: Int) {
        invariant(count < ReplicaSet.capacity)
        invariant(slot >= 0 && slot < ReplicaSet.capacity)
        slots[count] = UInt8(slot)
        count += 1
    }

    /// All of them, in no order.
    package var set: ReplicaSet {
        var all = ReplicaSet()
        for index in 0..<count { all.insert(self[index]) }
        return all
    }

    /// Those of a set first; otherwise in the same order.
    package func preferring(_ first: ReplicaSet) -> SlotOrder {
        var order = SlotOrder()
        for index in 0..<count where first.contains(self[index]) { order.append(self[index]) }
        for index in 0..<count where !first.contains(self[index]) { order.append(self[index]) }
        return order
    }

    package subscript(index: Int) -> Int {
        invariant(index >= 0 && index < count)
        return Int(slots[index])
    }
}
