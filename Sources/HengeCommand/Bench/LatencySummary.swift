package import Histogram

/// What is reported of a latency histogram, in milliseconds; all 0 where nothing was recorded.
package struct LatencySummary: Equatable, Sendable {
    package var mean = 0.0
    package var p50 = 0.0
    package var p75 = 0.0
    package var p90 = 0.0
    package var p95 = 0.0
    package var p99 = 0.0
    package var p999 = 0.0
    package var p9999 = 0.0
    package var max = 0.0

    /// What is shown, and under which name; in JSON, too.
    package static let fields: [(name: String, field: any KeyPath<Self, Double> & Sendable)] = [
        ("mean", \.mean), ("p50", \.p50), ("p75", \.p75), ("p90", \.p90), ("p95", \.p95),
        ("p99", \.p99), ("p99.9", \.p999), ("p99.99", \.p9999), ("max", \.max),
    ]

    package init(_ histogram: Histogram<UInt64>) {
        guard histogram.totalCount > 0 else { return }
        func milliseconds(_ percentile: Double) -> Double {
            // A bucket's upper end may lie above the largest value in it.
            Self.rounded(Swift.min(histogram.valueAtPercentile(percentile), histogram.maxRecorded))
        }
        mean = Self.rounded(UInt64(histogram.mean))
        p50 = milliseconds(50)
        p75 = milliseconds(75)
        p90 = milliseconds(90)
        p95 = milliseconds(95)
        p99 = milliseconds(99)
        p999 = milliseconds(99.9)
        p9999 = milliseconds(99.99)
        max = Self.rounded(histogram.maxRecorded)
    }

    /// To the microsecond; what is finer depends on the wake-ups of the kernel.
    private static func rounded(_ nanoseconds: UInt64) -> Double {
        Double((nanoseconds + 500) / 1000) / 1000
    }
}
