import HengeBase

/// Pearson's test of whether counts differ by more than chance from being equal.
package struct ChiSquareTest: Hashable, Sendable {
    /// So many at least are to be expected in each class (Cochran, 1954).
    private static let expectedMin = 5

    package let statistic: Double
    /// One less than there are classes.
    package let degrees: Int
    /// The probability that chance alone gives a statistic as large, 0...1.
    package let p: Double

    /// - Parameters:
    ///   - statistic: 0 or more.
    ///   - degrees: at least 1.
    package init(statistic: Double, degrees: Int) {
        invariant(degrees >= 1)
        self.statistic = statistic
        self.degrees = degrees
        p = RegularizedGamma.upper(Double(degrees) / 2, statistic / 2)
    }

    /// Neighbours are put together until each class may expect five; nil when fewer than two
    /// classes can.
    ///
    /// - Parameter counts: a power of two of them.
    package init?(equal counts: [Int]) {
        let total = counts.reduce(0, +)
        var classes = counts
        while classes.count > 1, total < Self.expectedMin * classes.count {
            classes = stride(from: 0, to: classes.count, by: 2).map {
                classes[$0] + classes[$0 + 1]
            }
        }
        guard classes.count > 1 else { return nil }
        let expected = Double(total) / Double(classes.count)
        let statistic = classes.reduce(0.0) { sum, count in
            sum + (Double(count) - expected) * (Double(count) - expected) / expected
        }
        self.init(statistic: statistic, degrees: classes.count - 1)
    }
}
