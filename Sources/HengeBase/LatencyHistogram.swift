/// How many times fell into each of a fixed set of buckets, eight an octave from 1 µs to 67 s, so
/// that a quantile is within an eighth.
///
/// Recording costs a few nanoseconds and allocates nothing but the buckets, at the first time. A
/// copy shares them until the next record.
package struct LatencyHistogram: Hashable, Sendable {
    /// Buckets of an octave, as a power of two.
    static let precision = 3
    static let linear = 1 << precision
    /// Octaves that are cut into buckets, beyond the first microseconds.
    static let octaves = 23
    package static let bucketCount = linear * (octaves + 1)
    /// Microseconds; what is longer counts in the last bucket.
    static let unitsMax: UInt64 = 1 << UInt64(precision + octaves) - 1

    /// Empty until the first record: most peers are never asked.
    fileprivate var counts: [UInt64] = []
    package private(set) var sumNanoseconds: UInt64 = 0

    package init() {}

    package mutating func record(_ time: Interval) {
        if counts.isEmpty { counts = Array(repeating: 0, count: Self.bucketCount) }
        counts[Self.bucket(of: time)] += 1
        sumNanoseconds &+= time.nanoseconds
    }

    package var count: UInt64 { counts.reduce(0, +) }

    /// How many times were at most so long.
    ///
    /// - Parameter microseconds: the bound of a bucket, such as a power of two from 1 to 2²⁵, or
    ///   one and a half times such a power from 4 on.
    package func count(atMost microseconds: UInt64) -> UInt64 {
        guard microseconds > 0, !counts.isEmpty else { return 0 }
        let last = Self.bucket(ofMicroseconds: microseconds - 1)
        return counts[...last].reduce(0, +)
    }

    /// The buckets that anything fell into, by rising time.
    package var filled: [(bucket: Int, count: UInt64)] {
        counts.enumerated().filter { $0.element > 0 }.map { (bucket: $0.offset, count: $0.element) }
    }

    /// Puts together what ``filled`` has taken apart.
    ///
    /// - Parameters:
    ///   - filled: buckets under ``bucketCount``; the counts of one that comes twice add up.
    ///   - sumNanoseconds: of all times; it wraps.
    package init(filled: [(bucket: Int, count: UInt64)], sumNanoseconds: UInt64) {
        self.sumNanoseconds = sumNanoseconds
        guard !filled.isEmpty else { return }
        counts = Array(repeating: 0, count: Self.bucketCount)
        for (bucket, count) in filled { counts[bucket] &+= count }
    }

    /// A time that so large a part of those recorded did not exceed, up to an eighth too long; nil
    /// when nothing was recorded.
    ///
    /// - Parameter fraction: 0...1, such as 0.99.
    package func quantile(_ fraction: Double) -> Interval? {
        let total = counts.reduce(0, &+)
        guard total > 0 else { return nil }
        let rank = max(1, (Double(total) * fraction).rounded(.up))
        var sum: UInt64 = 0
        for (bucket, count) in counts.enumerated() {
            sum &+= count
            if Double(sum) >= rank { return .microseconds(Self.bound(of: bucket)) }
        }
        return .microseconds(Self.bound(of: Self.bucketCount - 1))
    }

    /// What was recorded after `earlier` was copied from this.
    package func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
        guard !earlier.counts.isEmpty, !counts.isEmpty else { return self }
        var rest = self
        for bucket in counts.indices {
            rest.counts[bucket] = counts[bucket] - min(counts[bucket], earlier.counts[bucket])
        }
        rest.sumNanoseconds = sumNanoseconds &- earlier.sumNanoseconds
        return rest
    }

    /// Adds what another one has recorded.
    package mutating func add(_ other: LatencyHistogram) {
        guard !other.counts.isEmpty else { return }
        if counts.isEmpty {
            self = other
            return
        }
        // What other nodes have counted may be anything.
        for bucket in counts.indices { counts[bucket] &+= other.counts[bucket] }
        sumNanoseconds &+= other.sumNanoseconds
    }

    /// Microseconds at which the bucket ends, itself included.
    static func bound(of bucket: Int) -> UInt64 {
        guard bucket >= linear else { return UInt64(bucket + 1) }
        let shift = bucket >> precision - 1
        return UInt64(linear + bucket & (linear - 1) + 1) << UInt64(shift)
    }

    /// Microseconds after which the bucket begins.
    static func start(of bucket: Int) -> UInt64 { bucket == 0 ? 0 : bound(of: bucket - 1) }

    /// A bucket ends at its bound, so that counts up to a bound are exact.
    static func bucket(of time: Interval) -> Int {
        guard time.nanoseconds > 0 else { return 0 }
        return bucket(ofMicroseconds: (time.nanoseconds - 1) / 1_000)
    }

    private static func bucket(ofMicroseconds whole: UInt64) -> Int {
        let units = min(whole, unitsMax)
        guard units >= UInt64(linear) else { return Int(units) }
        let shift = UInt64.bitWidth - 1 - units.leadingZeroBitCount - precision
        return (shift + 1) << precision + Int(units >> UInt64(shift)) - linear
    }
}

/// Draws times as they were recorded.
package struct LatencySampler: Sendable {
    /// By bucket: how many were in it or in an earlier one.
    private let cumulative: [UInt64]

    /// Nil when nothing was recorded.
    package init?(_ histogram: LatencyHistogram) {
        var sum: UInt64 = 0
        cumulative = histogram.counts.map { count in
            sum += count
            return sum
        }
        guard sum > 0 else { return nil }
    }

    /// A time in microseconds, uniform within its bucket.
    package func draw(_ generator: inout SeededGenerator) -> Double {
        let rank = UInt64(generator.below(Int(cumulative[cumulative.count - 1])))
        var low = 0
        var high = cumulative.count - 1
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] > rank { high = middle } else { low = middle + 1 }
        }
        let start = Double(LatencyHistogram.start(of: low))
        let width = Double(LatencyHistogram.bound(of: low)) - start
        return start + width * generator.unit()
    }
}

extension SeededGenerator {
    /// A number in [0, 1).
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
