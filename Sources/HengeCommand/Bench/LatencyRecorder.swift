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
