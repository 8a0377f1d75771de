import HengeBase
import NIOCore

/// A phase as one event loop carries it out.
final class RunningPhase {
    /// An open loop sends what has come due in at least so long together: finer timers would cost
    /// more than the requests.
    static let wakeNanosecondsMin: UInt64 = 50_000

    let pipeline: Int
    let promise: EventLoopPromise<LoadResult>
    /// Nil in a closed loop.
    let schedule: ArrivalSchedule?
    /// No new operation from then on.
    let deadline: UInt64
    /// Operations that may still be sent.
    var quota: Int
    var sequence: OperationSequence
    var result: LoadResult
    var issued = 0
    var inFlight = 0
    /// The client that sent last.
    var turn = 0
    var isArmed = false

    /// - Parameters:
    ///   - share: which of `shares` event loops this is.
    ///   - now: uptime nanoseconds; when it begins.
    init(
        _ phase: LoadPhase,
        share: Int,
        shares: Int,
        generator: SeededGenerator,
        now: UInt64,
        promise: EventLoopPromise<LoadResult>
    ) {
        pipeline = phase.pipeline
        self.promise = promise
        schedule = phase.rate.map { ArrivalSchedule(start: now, rate: $0 / Double(shares)) }
        switch phase.limit {
        case .operations(let count):
            // What doesn't divide goes to the first.
            quota = count / shares + (share < count % shares ? 1 : 0)
            deadline = .max
        case .seconds(let seconds):
            quota = .max
            deadline = now + UInt64(seconds * 1e9)
        }
        sequence = OperationSequence(
            phase.mix,
            keys: KeyChooser(phase.distribution, count: phase.keys, share: share, shares: shares),
            generator: generator
        )
        result = LoadResult(startedAt: now)
    }
}
