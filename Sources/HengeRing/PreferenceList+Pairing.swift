package import HengeBase

extension PreferenceList {
    /// The node of this list that `node` takes the place of in `next`: the first that leaves for
    /// the first that joins, and so on, each in the order of its list.
    ///
    /// A new replica that holds what the one before it held keeps every quorum of `next` as good as
    /// one of this list. Where fewer nodes are to hold the partition than before, that is not so:
    /// then nobody takes the place of anybody.
    ///
    /// - Returns: nil also when more nodes join than leave and this is one of those over, and when
    ///   `node` does not join.
    package func replaced(by node: NodeID, in next: PreferenceList) -> NodeID? {
        guard next.count >= count, !contains(node), let slot = next.slot(of: node) else {
            return nil
        }
        var before = 0
        for other in 0..<slot where !contains(next[other]) { before += 1 }
        for slot in 0..<count where !next.contains(self[slot]) {
            if before == 0 { return self[slot] }
            before -= 1
        }
        return nil
    }
}
