import HengeBase
import HengeMessages
import NIOCore

/// Keeps what this node did in the last minutes, a sample a second, whether anybody looks or not:
/// who opens the dashboard sees what came before.
///
/// A sample costs some microseconds, and all of them a few hundred KiB. Confined to the driver's
/// event loop.
final class PulseRecorder {
    private static let millisecondsPerSecond: UInt64 = 1_000
    /// A sample that would come sooner than this after the last one is put off by a second.
    private static let restMin: UInt64 = 300

    private unowned let driver: NodeDriver
    private(set) var history = PulseHistory()
    private var last: NodePulse?
    private var task: Scheduled<Void>?

    init(driver: NodeDriver) {
        self.driver = driver
    }

    func start() {
        last = driver.requestPulse()
        schedule()
    }

    func stop() {
        task?.cancel()
        task = nil
    }

    /// At the turn of the wall clock's second, so that the samples of all nodes are of the same
    /// seconds and add up.
    private func schedule() {
        let wall = SystemClock.wall().milliseconds
        var delay = Self.millisecondsPerSecond - wall % Self.millisecondsPerSecond
        if delay < Self.restMin { delay += Self.millisecondsPerSecond }
        // The driver is there as long as its timer.
        let bound = NIOLoopBound((driver, self), eventLoop: driver.eventLoop)
        task = driver.eventLoop.scheduleTask(in: .milliseconds(Int64(delay))) {
            let (_, recorder) = bound.value
            recorder.driver.withFreshFigures { recorder.record() }
            recorder.schedule()
        }
    }

    private func record() {
        let pulse = driver.requestPulse()
        // To the nearest: timers come a little late, and clocks are set.
        let time = (driver.wall.milliseconds + Self.millisecondsPerSecond / 2) / 1_000
        if let last, let rate = PulseRate(from: last, to: pulse) {
            history.add(PulseHistory.Second(rate, at: time))
        }
        last = pulse
    }
}

extension PulseHistory.Second {
    fileprivate init(_ rate: PulseRate, at time: UInt64) {
        func tenths(_ rate: Double) -> UInt32 { UInt32(min(Double(UInt32.max), rate * 10)) }
        self.init(
            time: time,
            reads: tenths(rate[.reads]),
            writes: tenths(rate[.writes]),
            failures: tenths(rate.failures),
            readTimes: rate.readTimes.times,
            writeTimes: rate.writeTimes.times
        )
    }
}
