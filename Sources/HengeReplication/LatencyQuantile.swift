package import HengeBase

/// The 95th percentile of the latest few thousand times, to within an eighth.
///
/// A histogram of eight buckets an octave whose counts are halved every 1,024 times, so that what
/// was fades away. The quantile itself is only looked for now and then.
package struct LatencyQuantile: Sendable {
    /// Times before ``p95`` means anything, and between two looks at it.
    package static let interval = 64
    /// Times between two halvings: with counts that add up to some 2,000 on the long run, about a
    /// hundred of them are beyond the 95th percentile.
    private static let halvingInterval = 1_024
    /// Buckets tell times apart from 2⁷ = 128 ns up to 2⁴¹ ns, 36 minutes.
    private static let unitShift: UInt64 = 7
    static let bucketCount = 256
    private static let unitsMax: UInt64 = 1 << 34 - 1

    private var counts = [UInt32](repeating: 0, count: bucketCount)
    private var sum: UInt32 = 0
    private var untilLook = interval
    private var untilHalving = halvingInterval

    /// nil until ``interval`` times have been recorded.
    package private(set) var p95: Interval?

    package init() {}

    package mutating func record(_ time: Interval) {
        counts[Self.bucket(of: time)] += 1
        sum += 1
        untilLook -= 1
        guard untilLook == 0 else { return }
        untilLook = Self.interval
        p95 = look()
        untilHalving -= Self.interval
        if untilHalving <= 0 { halve() }
    }

    private mutating func halve() {
        untilHalving = Self.halvingInterval
        sum = 0
        for bucket in counts.indices {
            counts[bucket] >>= 1
            sum += counts[bucket]
        }
    }

    /// The upper bound of the bucket below which 95 % lie.
    private func look() -> Interval {
        var below: UInt32 = 0
        for bucket in counts.indices {
            below += counts[bucket]
            if below * 20 >= sum * 19 { return Self.bound(of: bucket) }
        }
        preconditionFailure("the buckets hold fewer than their sum")
    }

    static func bucket(of time: Interval) -> Int {
        let units = min(time.nanoseconds >> unitShift, unitsMax)
        guard units >= 8 else { return Int(units) }
        let shift = 60 - units.leadingZeroBitCount
        return shift * 8 + Int(units >> UInt64(shift))
    }

    static func bound(of bucket: Int) -> Interval {
        guard bucket >= 16 else { return Interval(nanoseconds: UInt64(bucket + 1) << unitShift) }
        let shift = UInt64(bucket / 8 - 1)
        return Interval(nanoseconds: UInt64(bucket % 8 + 9) << (shift + unitShift))
    }
}
