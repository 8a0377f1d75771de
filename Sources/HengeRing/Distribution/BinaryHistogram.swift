/// Whole numbers counted by their powers of two: 0, 1, 2–3, 4–7, 8–15 and so on.
package struct BinaryHistogram: Hashable, Sendable {
    /// `counts[0]` of zeros, `counts[k]` of numbers from 2^(k-1) to 2^k - 1. Not longer than
    /// needed.
    package private(set) var counts: [Int]

    package static let classesMax = 64

    package init() {
        counts = []
    }

    /// - Parameter counts: as ``counts``; nil when there are more than there can be classes, or one
    ///   is negative.
    package init?(counts: [Int]) {
        guard counts.count <= Self.classesMax, counts.allSatisfy({ $0 >= 0 }) else { return nil }
        self.counts = counts
    }

    /// - Parameter number: at least 0.
    package mutating func add(_ number: Int, times: Int = 1) {
        let index = Int.bitWidth - max(0, number).leadingZeroBitCount
        while counts.count <= index { counts.append(0) }
        counts[index] += times
    }

    package mutating func add(_ other: BinaryHistogram) {
        while counts.count < other.counts.count { counts.append(0) }
        for (index, count) in other.counts.enumerated() { counts[index] += count }
    }

    package var total: Int { counts.reduce(0, +) }

    /// The numbers of class `index`.
    package static func range(of index: Int) -> ClosedRange<Int> {
        index == 0 ? 0...0 : (1 << (index - 1))...((1 << (index - 1)) + ((1 << (index - 1)) - 1))
    }
}
