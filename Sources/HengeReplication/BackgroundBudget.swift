package import HengeBase

/// What all background work of a node may take together, and how that follows the requests: when
/// their 99th percentile rises, the background gets less, and when they are as fast as without it,
/// or there are none, it gets all that there is (Dynamo, section 6.5).
///
/// Additive increase and multiplicative decrease of a share of a rate, which is a bucket of bytes.
/// A share is never 0: what waits goes on. At the least share what requests take counts as what
/// they take without background work, so requests that have become slower for good do not hold it
/// down for ever.
package struct BackgroundBudget: Sendable {
    package enum Kind: Int, CaseIterable, Sendable {
        case hints
        case entropy
        /// Partitions taken over from other nodes, and handed to them.
        case transfers
        case scrub
        /// Records read for reports.
        case reports
    }

    package enum Request: Sendable {
        case read
        case write
    }

    package struct Limits: Hashable, Sendable {
        /// At full share; counted by ``HintThrottle/cost(records:bytes:)``. At least 1.
        package var bytesPerSecond = 64 * 1_024 * 1_024
        /// How much longer than without background work requests may take, as percents of that...
        package var slowdownPercent = 150
        /// ...and this much longer yet.
        package var slack = Interval.microseconds(250)

        package init() {}

        /// The 99th percentile past which the background gets less.
        func target(baseline: Interval) -> Interval {
            let (product, overflow) = baseline.nanoseconds
                .multipliedReportingOverflow(by: UInt64(max(100, slowdownPercent)))
            let (sum, isOver) = (product / 100).addingReportingOverflow(slack.nanoseconds)
            return Interval(nanoseconds: overflow || isOver ? .max : sum)
        }
    }

    /// How often the share changes.
    package static let interval = Interval.seconds(1)
    /// Shares are counted in these parts of the whole; one is the least.
    package static let parts = 256
    /// What is added for each second in which requests were fast enough.
    private static let raise = 16
    private static let raisesMax: UInt64 = 16
    private static let startShare = 16
    /// What may go at once after a rest: what comes in a 64th of a second at the full share, since
    /// whoever waits asks again every hundredth or so.
    private static let burstsASecond = 64
    private static let burstMin = 64 * 1_024

    private let limits: Limits
    private var bucket: HintThrottle
    private var turns = FairTurns(count: Kind.allCases.count)
    private var reads = ForegroundLatency()
    private var writes = ForegroundLatency()
    private var recorded = 0
    private var adaptedAt: Instant?
    /// When the share was last judged.
    private var judgedAt = Instant(nanoseconds: 0)

    /// What the background may take, in ``parts``.
    package private(set) var share = parts
    /// All that was taken so far, by ``Kind/rawValue``; only rises.
    package private(set) var taken = [Int](repeating: 0, count: Kind.allCases.count)
    /// All that was taken so far.
    package private(set) var bytes = 0

    package init(limits: Limits = Limits()) {
        var limits = limits
        limits.bytesPerSecond = max(1, limits.bytesPerSecond)
        self.limits = limits
        bucket = HintThrottle(
            bytesPerSecond: limits.bytesPerSecond,
            burstBytes: max(Self.burstMin, limits.bytesPerSecond / Self.burstsASecond)
        )
    }

    /// Bytes a second at the share of now, at least 1.
    package var bytesPerSecond: Int { rate(share) }

    /// How many times longer than a batch of bulk work the rest after it should be while requests
    /// come (``HintThrottle/acknowledged(after:isBusy:share:restFactor:now:)``): as long as the
    /// batch at the full share, ``HintThrottle/restFactor`` times as long at the least. Half of the
    /// time is what lets requests come between, and what they suffer of it shows in the share.
    package var restFactor: UInt64 {
        let least: UInt64 = 1
        let lacking = UInt64(Self.parts - share)
        let span = HintThrottle.restFactor - least
        return least + span * lacking / UInt64(Self.parts - 1)
    }

    /// Of the last second or the last few, of reads or of writes, whichever are slower; nil while
    /// there are none.
    package var p99: Interval? {
        guard let read = reads.p99, let write = writes.p99 else { return reads.p99 ?? writes.p99 }
        return max(read, write)
    }

    private func rate(_ share: Int) -> Int {
        let (whole, rest) = limits.bytesPerSecond.quotientAndRemainder(dividingBy: Self.parts)
        return max(1, whole * share + rest * share / Self.parts)
    }

    // MARK: The background

    /// Whether work of this kind may go on now. To be asked only by what would; it counts as
    /// waiting if not and has to ask again, every ``FairTurns/waitMax`` at least to keep its turn.
    package mutating func isOpen(to kind: Kind, now: Instant) -> Bool {
        turns.ask(kind.rawValue, isAny: bucket.isOpen(now: now), now: now)
    }

    /// Takes so much for what goes, or has gone; more than there is, is paid for by the next.
    package mutating func charge(_ cost: Int, to kind: Kind, now: Instant) {
        invariant(cost >= 0)
        bucket.charge(cost, now: now)
        turns.charge(kind.rawValue, cost)
        taken[kind.rawValue] += cost
        bytes += cost
    }

    /// How much of a batch of work to do in one go, as a part of `whole`: no request can come
    /// before a batch that has begun, so batches get smaller with the share. At least `least`.
    package func batch(of whole: Int, least: Int) -> Int {
        max(least, whole * share / Self.parts)
    }

    /// Much work begins. What requests suffer by it shows a second later, so it does not begin with
    /// all that there is.
    package mutating func startSlowly(now: Instant) {
        share = min(share, Self.startShare)
        bucket.setRate(bytesPerSecond: bytesPerSecond, now: now)
    }

    // MARK: The foreground

    /// A request was answered after this time.
    package mutating func record(_ time: Interval, of request: Request) {
        recorded += 1
        switch request {
        case .read: reads.record(time)
        case .write: writes.record(time)
        }
    }

    /// Whether ``adapt(isIdle:now:)`` would do anything.
    package func isDue(_ now: Instant) -> Bool {
        adaptedAt.map { now.since($0) >= Self.interval } ?? true
    }

    /// Time has passed: changes the share if it is time to.
    ///
    /// - Parameter isIdle: whether no request waits for its answer.
    package mutating func adapt(isIdle: Bool, now: Instant) {
        guard isDue(now) else { return }
        let isFirst = adaptedAt == nil
        adaptedAt = now
        let answered = recorded
        recorded = 0
        if isFirst || (answered == 0 && isIdle) {
            share = Self.parts
            judgedAt = now
            reads.restart(background: bytes, now: now)
            writes.restart(background: bytes, now: now)
            reads.forgetPercentile()
            writes.forgetPercentile()
        } else {
            judge(now)
        }
        bucket.setRate(bytesPerSecond: bytesPerSecond, now: now)
    }

    private mutating func judge(_ now: Instant) {
        let quiet = 2 * rate(1)
        let read = reads.judge(background: bytes, quietBytesPerSecond: quiet, limits, now: now)
        let write = writes.judge(background: bytes, quietBytesPerSecond: quiet, limits, now: now)
        guard read != nil || write != nil else { return }
        let seconds = now.since(judgedAt).nanoseconds / Self.interval.nanoseconds
        judgedAt = now
        if read == .unknown || write == .unknown {
            // The next window tells what requests take by themselves.
            share = 1
        } else if read == .slowed || write == .slowed {
            share = max(1, share / 2)
        } else if read != .slow, write != .slow {
            share = min(Self.parts, share + Self.raise * Int(min(seconds, Self.raisesMax)))
        }
        // Slow by themselves: more background work would not help, and less neither.
    }
}
