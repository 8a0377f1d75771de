import Glibc
package import HengeBase
package import HengeNode

/// The machine's clocks, the one place of a node where they are read.
package enum SystemClock {
    package static func read() -> ClockReading {
        ClockReading(now: now(), wall: wall())
    }

    package static func now() -> Instant {
        let time = time(of: CLOCK_MONOTONIC)
        return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    package static func wall() -> WallTime {
        let time = time(of: CLOCK_REALTIME)
        return WallTime(
            milliseconds: UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
        )
    }

    /// Microseconds since 1970-01-01 UTC.
    static func wallMicroseconds() -> UInt64 {
        let time = time(of: CLOCK_REALTIME)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    }

    private static func time(of clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
