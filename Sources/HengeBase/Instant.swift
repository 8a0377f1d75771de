/// A point on one machine's monotonic clock, in nanoseconds since an arbitrary origin.
///
/// Instants of different machines, or of two runs of one process, can't be compared.
@usableFromInline
package struct Instant: Hashable, Comparable, Sendable {
    @usableFromInline package var nanoseconds: UInt64

    @inlinable package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    @inlinable package static func < (a: Instant, b: Instant) -> Bool {
        a.nanoseconds < b.nanoseconds
    }

    /// Saturates at the far future instead of wrapping.
    @inlinable package static func + (a: Instant, b: Interval) -> Instant {
        let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.nanoseconds)
        return Instant(nanoseconds: overflow ? .max : sum)
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    @inlinable package func since(_ earlier: Instant) -> Interval {
        Interval(
            nanoseconds: nanoseconds > earlier.nanoseconds
                ? nanoseconds - earlier.nanoseconds : 0
        )
    }
}

/// A length of time, never negative, in nanoseconds.
@usableFromInline
package struct Interval: Hashable, Comparable, Sendable {
    @usableFromInline package var nanoseconds: UInt64

    @inlinable package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    @inlinable package static var zero: Interval { Interval(nanoseconds: 0) }

    @inlinable package static func microseconds(_ n: UInt64) -> Interval {
        Interval(nanoseconds: saturating(n, 1_000))
    }

    @inlinable package static func milliseconds(_ n: UInt64) -> Interval {
        Interval(nanoseconds: saturating(n, 1_000_000))
    }

    @inlinable package static func seconds(_ n: UInt64) -> Interval {
        Interval(nanoseconds: saturating(n, 1_000_000_000))
    }

    /// Whole microseconds, rounded down.
    @inlinable package var microseconds: UInt64 { nanoseconds / 1_000 }

    /// Whole milliseconds, rounded down.
    @inlinable package var milliseconds: UInt64 { nanoseconds / 1_000_000 }

    @inlinable package static func < (a: Interval, b: Interval) -> Bool {
        a.nanoseconds < b.nanoseconds
    }

    @usableFromInline static func saturating(_ n: UInt64, _ unit: UInt64) -> UInt64 {
        let (product, overflow) = n.multipliedReportingOverflow(by: unit)
        return overflow ? .max : product
    }
}

/// A reading of a wall clock, in milliseconds since 1970-01-01 UTC. Wall clocks jump and disagree:
/// they decide expiry and break ties between siblings for plain readers, never what is kept.
@usableFromInline
package struct WallTime: Hashable, Comparable, Sendable {
    @usableFromInline package var milliseconds: UInt64

    @inlinable package init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    @inlinable package static func < (a: WallTime, b: WallTime) -> Bool {
        a.milliseconds < b.milliseconds
    }
}
