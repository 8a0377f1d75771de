import HengeBase

/// How evenly something (keys, bytes, requests) lies on what should share it.
package struct DistributionStatistics: Hashable, Sendable {
    package let total: Double
    package let mean: Double
    /// Of the whole, not of a sample.
    package let standardDeviation: Double
    package let minimum: Double
    package let maximum: Double
    /// The largest load relative to its fair share: 1 when perfect, 2 when someone has twice its
    /// due.
    package let maximumToFair: Double
    /// The mean load relative to the largest, each divided by its fair share: 1 when perfect.
    /// Source: "load balancing efficiency", Dynamo, section 6.2.
    package let efficiency: Double
    /// Pearson's statistic of the counts against the fair shares. Means something for independent
    /// things only: keys, but not bytes.
    package let chiSquare: Double
    /// One less than the number of counts with a fair share.
    package let degreesOfFreedom: Int

    /// - Parameters:
    ///   - counts: at least one.
    ///   - fairShares: as many, in any unit; what has none is left out of every comparison with its
    ///     share. All equal when nil.
    package init(counts: [Double], fairShares: [Double]? = nil) {
        let shares = fairShares ?? [Double](repeating: 1, count: counts.count)
        invariant(!counts.isEmpty && shares.count == counts.count)
        let total = counts.reduce(0, +)
        let mean = total / Double(counts.count)
        let squares = counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let shareTotal = shares.reduce(0, +)
        var worst = 0.0
        var chiSquare = 0.0
        var compared = 0
        for (count, share) in zip(counts, shares) where share > 0 && total > 0 {
            let fair = total * share / shareTotal
            worst = max(worst, count / fair)
            chiSquare += (count - fair) * (count - fair) / fair
            compared += 1
        }
        self.total = total
        self.mean = mean
        standardDeviation = (squares / Double(counts.count)).squareRoot()
        minimum = counts.min() ?? 0
        maximum = counts.max() ?? 0
        maximumToFair = worst
        efficiency = worst > 0 ? 1 / worst : 1
        self.chiSquare = chiSquare
        degreesOfFreedom = max(0, compared - 1)
    }

    /// How many standard deviations the chi-square statistic is above what chance alone gives.
    /// Beyond ±4 the counts are hardly chance. Fair approximation from about 30 degrees of freedom
    /// on.
    package var chiSquareDeviation: Double {
        guard degreesOfFreedom > 0 else { return 0 }
        return (chiSquare - Double(degreesOfFreedom)) / (2 * Double(degreesOfFreedom)).squareRoot()
    }
}
