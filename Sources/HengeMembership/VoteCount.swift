package import HengeBase

/// Which of the voters have said something; each counts once, and others don't.
package struct VoteCount: Hashable, Sendable {
    /// Ascending.
    let voters: [NodeID]
    private var words: [UInt64]

    /// - Parameter voters: ascending, each once.
    package init(_ voters: [NodeID]) {
        self.voters = voters
        words = Array(repeating: 0, count: (voters.count + 63) / 64)
    }

    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// More than half: any two such sets of the same voters have one in common.
    package var majority: Int { voters.count / 2 + 1 }
    package var isMajority: Bool { count >= majority }

    /// Whether the voters that are not counted here can't be a majority any more.
    package var blocksMajority: Bool { voters.count - count < majority }

    package mutating func insert(_ node: NodeID) {
        guard let place = place(of: node) else { return }
        words[place / 64] |= 1 << UInt64(place % 64)
    }

    package func contains(_ node: NodeID) -> Bool {
        guard let place = place(of: node) else { return false }
        return words[place / 64] & 1 << UInt64(place % 64) != 0
    }

    package mutating func formUnion(_ other: VoteCount) {
        invariant(words.count == other.words.count)
        for index in words.indices { words[index] |= other.words[index] }
    }

    private func place(of node: NodeID) -> Int? {
        var (low, high) = (0, voters.count)
        while low < high {
            let middle = (low + high) / 2
            if voters[middle] < node { low = middle + 1 } else { high = middle }
        }
        return low < voters.count && voters[low] == node ? low : nil
    }
}
