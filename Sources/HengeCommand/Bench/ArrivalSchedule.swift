/// When the operations of an open loop are due: at a fixed rate, whatever became of those before.
///
/// Latency counts from then and not from when a connection came free, so that an operation that had
/// to wait behind a slow one shows it (the "coordinated omission" that a closed loop commits).
package struct ArrivalSchedule: Equatable, Sendable {
    private let start: UInt64
    private let interval: Double

    /// - Parameters:
    ///   - start: when the first is due, in nanoseconds.
    ///   - rate: operations a second, above 0.
    package init(start: UInt64, rate: Double) {
        precondition(rate > 0)
        self.start = start
        interval = 1e9 / rate
    }

    /// When operation `index` is due, in nanoseconds.
    package func due(_ index: Int) -> UInt64 {
        start + UInt64(Double(index) * interval)
    }

    /// How many are due until `now`, which counts itself.
    package func count(until now: UInt64) -> Int {
        guard now >= start else { return 0 }
        var count = Int(Double(now - start) / interval) + 1
        // Either way of rounding must agree with `due`.
        while count > 0, due(count - 1) > now { count -= 1 }
        while due(count) <= now { count += 1 }
        return count
    }
}
