package import Histogram

/// The latencies of reads (and pings) and of writes.
package struct LatencyRecorder: Sendable {
    /// Longer ones count as this: an hour.
    private static let nanosecondsMax: UInt64 = 3_600_000_000_000

    package private(set) var reads = Self.empty
    package private(set) var writes = Self.empty

    package init() {}

    package mutating func record(nanoseconds: UInt64, isWrite: Bool) {
        let value = min(nanoseconds, Self.nanosecondsMax)
        if isWrite {
            writes.record(value)
        } else {
            reads.record(value)
        }
    }

    package mutating func add(_ other: LatencyRecorder) {
        reads.add(other.reads)
        writes.add(other.writes)
    }

    package var all: Histogram<UInt64> {
        var sum = reads
        sum.add(writes)
        return sum
    }

    /// Nanoseconds up to the hour, to three significant digits.
    private static var empty: Histogram<UInt64> {
        Histogram(highestTrackableValue: nanosecondsMax, numberOfSignificantValueDigits: .three)
    }
}

/// What is reported of a latency histogram, in milliseconds; all 0 where nothing was recorded.
package struct LatencySummary: Equatable, Sendable {
    package var mean = 0.0
    package var p50 = 0.0
    package var p90 = 0.0
    package var p99 = 0.0
    package var p999 = 0.0
    package var max = 0.0

    package init(_ histogram: Histogram<UInt64>) {
        guard histogram.totalCount > 0 else { return }
        func milliseconds(_ percentile: Double) -> Double {
            // A bucket's upper end may lie above the largest value in it.
            Self.rounded(Swift.min(histogram.valueAtPercentile(percentile), histogram.maxRecorded))
        }
        mean = Self.rounded(UInt64(histogram.mean))
        p50 = milliseconds(50)
        p90 = milliseconds(90)
        p99 = milliseconds(99)
        p999 = milliseconds(99.9)
        max = Self.rounded(histogram.maxRecorded)
    }

    /// To the microsecond; what is finer depends on the wake-ups of the kernel.
    private static func rounded(_ nanoseconds: UInt64) -> Double {
        Double((nanoseconds + 500) / 1000) / 1000
    }
}
