import HengeCausality

/// A deliberately naive replica of one key: every write it has ever seen, each with the full set of
/// the writes that its writer had seen. Nothing is summarised and nothing is thrown away.
struct CausalModel: Hashable {
    struct Write: Hashable {
        let sibling: Sibling
        /// The names of all writes in this one's past, its own included.
        let history: Set<Dot>
    }

    private(set) var writes: Set<Write> = []

    /// Every name in the past of anything seen: what a reader of this replica has seen.
    var known: Set<Dot> { writes.reduce(into: []) { $0.formUnion($1.history) } }

    /// The maximal writes: those that lie in no other's past. By dot.
    var siblings: [Sibling] {
        writes.filter { write in
            !writes.contains { $0 != write && $0.history.contains(write.sibling.dot) }
        }.map(\.sibling).sorted { $0.dot < $1.dot }
    }

    mutating func write(_ sibling: Sibling, basis: Set<Dot>) {
        writes.insert(Write(sibling: sibling, history: basis.union([sibling.dot])))
    }

    mutating func merge(_ other: CausalModel) {
        writes.formUnion(other.writes)
    }

    func merged(with other: CausalModel) -> CausalModel {
        var result = self
        result.merge(other)
        return result
    }
}
