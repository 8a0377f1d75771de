/// Positions of a preference list in the order in which a coordinator would rather ask them.
package struct SlotOrder: Hashable, Sendable {
    private var slots = SIMD8<UInt8>(repeating: 0)
    package private(set) var count = 0

    package init() {}

    package init(_ slots: [Int]) {
        for slot in slots { append(slot) }
    }

    package mutating func append(_ slot: Int) {
        precondition(count < 8 && slot >= 0 && slot < 8)
        slots[count] = UInt8(slot)
        count += 1
    }

    package subscript(index: Int) -> Int {
        precondition(index < count)
        return Int(slots[index])
    }
}
