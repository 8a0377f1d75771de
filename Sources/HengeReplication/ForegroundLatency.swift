import HengeBase

/// The 99th percentile of what requests of one kind take, a window at a time, held against what
/// they take while next to nothing is done in the background.
///
/// The latter, the baseline, is learnt from quiet windows, slowly upwards and faster downwards. It
/// can only be too high when requests are faster than it, so these windows need not be quiet.
struct ForegroundLatency: Sendable {
    enum Verdict: Hashable, Sendable {
        case fine
        /// Slow while next to nothing was done in the background: that is not why.
        case slow
        /// Slow while the background was at work.
        case slowed
        /// Nothing to hold it against yet, and the background was at work.
        case unknown
    }

    /// A window ends with so many requests in it...
    static let samplesMin = 100
    /// ...or after this time. Few requests have few outliers, and a percentile of a handful says
    /// little.
    static let windowMax = Interval.seconds(10)
    /// What the baseline moves by, as a part of the difference.
    private static let riseDivisor: UInt64 = 16
    private static let fallDivisor: UInt64 = 8

    private var counts = [UInt32](repeating: 0, count: LatencyQuantile.bucketCount)
    private var count = 0
    private var began = Instant(nanoseconds: 0)
    private var backgroundBegan = 0
    /// Of the last window.
    private(set) var p99: Interval?
    private(set) var baseline: Interval?

    mutating func record(_ time: Interval) {
        counts[LatencyQuantile.bucket(of: time)] &+= 1
        count += 1
    }

    /// Begins a window.
    ///
    /// - Parameter background: bytes that all background work has taken so far.
    mutating func restart(background: Int, now: Instant) {
        if count > 0 { for bucket in counts.indices { counts[bucket] = 0 } }
        count = 0
        began = now
        backgroundBegan = background
    }

    mutating func forgetPercentile() { p99 = nil }

    /// Ends the window if there is enough in it; nil otherwise.
    ///
    /// - Parameter quietBytesPerSecond: how much background work is next to nothing.
    mutating func judge(
        background: Int,
        quietBytesPerSecond: Int,
        _ limits: BackgroundBudget.Limits,
        now: Instant
    ) -> Verdict? {
        let length = now.since(began)
        guard count > 0 else {
            restart(background: background, now: now)
            return nil
        }
        guard count >= Self.samplesMin || length >= Self.windowMax else { return nil }
        let time = percentile()
        let quiet = Double(quietBytesPerSecond) * Double(length.nanoseconds) / 1e9
        let isQuiet = Double(background - backgroundBegan) <= quiet
        restart(background: background, now: now)
        p99 = time
        return judge(time, isQuiet: isQuiet, limits)
    }

    private mutating func judge(
        _ time: Interval,
        isQuiet: Bool,
        _ limits: BackgroundBudget.Limits
    ) -> Verdict {
        guard let known = baseline else {
            guard isQuiet else { return .unknown }
            baseline = time
            return .fine
        }
        let target = limits.target(baseline: known)
        if time < known {
            let fall = (known.nanoseconds - time.nanoseconds) / Self.fallDivisor
            baseline = Interval(nanoseconds: known.nanoseconds - fall)
        } else if isQuiet {
            // One stall of seconds must not say what is normal.
            let seen = max(known.nanoseconds, min(time, target).nanoseconds)
            let rise = (seen - known.nanoseconds) / Self.riseDivisor
            baseline = known.adding(rise)
        }
        guard time > target else { return .fine }
        return isQuiet ? .slow : .slowed
    }

    /// The slowest hundredth is left out, but one at least: it may be chance.
    private func percentile() -> Interval {
        let left = count - max(min(1, count - 1), count / 100)
        var below = 0
        for bucket in counts.indices {
            below += Int(counts[bucket])
            if below >= left { return LatencyQuantile.bound(of: bucket) }
        }
        preconditionFailure("the buckets hold fewer than their sum")
    }
}

extension Interval {
    fileprivate func adding(_ more: UInt64) -> Interval {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(more)
        return Interval(nanoseconds: overflow ? .max : sum)
    }
}
