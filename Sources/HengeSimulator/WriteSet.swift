/// A set of writes of one key, each named by the order in which the simulator saw it made.
///
/// The checkers' notion of causality: explicit sets, where the code under test has vectors.
package struct WriteSet: Hashable, Sendable {
    private var words: [UInt64] = []

    package init() {}

    package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    package func contains(_ write: Int) -> Bool {
        write >> 6 < words.count && words[write >> 6] & (1 << UInt64(write & 63)) != 0
    }

    package mutating func insert(_ write: Int) {
        while words.count <= write >> 6 { words.append(0) }
        words[write >> 6] |= 1 << UInt64(write & 63)
    }

    package mutating func remove(_ write: Int) {
        guard contains(write) else { return }
        words[write >> 6] &= ~(1 << UInt64(write & 63))
        trim()
    }

    package mutating func formUnion(_ other: WriteSet) {
        while words.count < other.words.count { words.append(0) }
        for index in other.words.indices { words[index] |= other.words[index] }
    }

    package func union(_ other: WriteSet) -> WriteSet {
        var result = self
        result.formUnion(other)
        return result
    }

    package func subtracting(_ other: WriteSet) -> WriteSet {
        var result = self
        for index in words.indices where index < other.words.count {
            result.words[index] &= ~other.words[index]
        }
        result.trim()
        return result
    }

    package func isSubset(of other: WriteSet) -> Bool { subtracting(other).isEmpty }

    /// The members, lowest first.
    package var members: [Int] {
        var members: [Int] = []
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                members.append(index << 6 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
        return members
    }

    /// Equal sets have equal words.
    private mutating func trim() {
        while words.last == 0 { words.removeLast() }
    }
}
