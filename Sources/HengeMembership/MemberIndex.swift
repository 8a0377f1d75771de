package import HengeBase

/// The members of a cluster by number: 0 is the one with the lowest id.
package struct MemberIndex: Sendable {
    /// Ascending.
    package let ids: [NodeID]
    /// By raw id; -1 for those that are no members.
    private let numbers: [Int16]

    /// - Parameter members: in any order, at least one, each once, at most 32,767.
    package init(_ members: [NodeID]) {
        ids = members.sorted()
        invariant(ids.count <= Int(Int16.max))
        var numbers = [Int16](repeating: -1, count: Int(ids.last?.rawValue ?? 0) + 1)
        for (number, id) in ids.enumerated() { numbers[Int(id.rawValue)] = Int16(number) }
        self.numbers = numbers
    }

    package var count: Int { ids.count }

    /// nil when it is no member.
    package subscript(_ id: NodeID) -> Int? {
        let raw = Int(id.rawValue)
        guard raw < numbers.count, numbers[raw] >= 0 else { return nil }
        return Int(numbers[raw])
    }

    /// What was kept by number in an index before this one, by the numbers of this one.
    ///
    /// - Parameter fresh: for those that are new.
    package func carry<T>(_ values: [T], from old: MemberIndex, fresh: T) -> [T] {
        ids.map { id in old[id].map { values[$0] } ?? fresh }
    }
}
