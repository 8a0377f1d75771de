package import HengeMessages
import HengeRESP

/// The cluster's rates second by second: as somebody has watched them, and before that what the
/// nodes kept by themselves.
package struct OverviewHistory {
    /// Ten minutes.
    static let samplesMax = 600

    private struct Sample {
        /// Of the wall clock, in milliseconds.
        let time: UInt64
        let rate: ReplyTree
    }

    private var watched: [Sample] = []

    package init() {}

    /// - Parameter time: of the wall clock, in milliseconds.
    package mutating func add(_ rate: ClusterRate, at time: UInt64) {
        if watched.count == Self.samplesMax { watched.removeFirst() }
        watched.append(Sample(time: time, rate: Self.tree(rate, at: time)))
    }

    /// `[time_ms, reads, writes, errors, read p50, p99, write p50, p99 in µs]` of each second, the
    /// oldest first.
    ///
    /// - Parameters:
    ///   - past: what each node that answered kept; it fills the seconds that nobody watched.
    ///   - now: of the wall clock, in milliseconds; nothing later is told, whatever another node's
    ///     clock says.
    package func tree(with past: [PulseHistory], until now: UInt64) -> ReplyTree {
        let seen = Set(watched.map { $0.time / 1_000 })
        var kept: [UInt64: [PulseHistory.Second]] = [:]
        for second in past.flatMap(\.seconds) where second.time <= now / 1_000 {
            kept[second.time, default: []].append(second)
        }
        let unseen = kept.filter { !seen.contains($0.key) }.map { time, seconds in
            Sample(
                time: time * 1_000,
                rate: Self.tree(ClusterRate(seconds), at: time * 1_000)
            )
        }
        let all = (unseen + watched).sorted { $0.time < $1.time }
        return .array(all.map(\.rate))
    }

    private static func tree(_ rate: ClusterRate, at time: UInt64) -> ReplyTree {
        func microseconds(_ fraction: Double, isRead: Bool) -> ReplyTree {
            let times = isRead ? rate.readTimes : rate.writeTimes
            return times.quantile(fraction).map { .integer(Int64(clamping: $0.microseconds)) }
                ?? .null
        }
        return .array([
            .integer(Int64(clamping: time)),
            .double(rate.reads.toTenths),
            .double(rate.writes.toTenths),
            .double(rate.failures.toTenths),
            microseconds(0.5, isRead: true),
            microseconds(0.99, isRead: true),
            microseconds(0.5, isRead: false),
            microseconds(0.99, isRead: false),
        ])
    }
}
