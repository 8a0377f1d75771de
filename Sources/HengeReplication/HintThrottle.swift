package import HengeBase

/// How fast hints may be handed over, to all nodes together: a token bucket in bytes, and while
/// requests come a rest after each batch.
///
/// A batch may go as soon as anything is left, and what it takes too much is paid for by the wait
/// of the next. So one that is larger than the bucket still goes, and the rate holds.
///
/// The rest is a multiple of what the batch took until its receiver acknowledged it. That grows
/// with all that the two nodes and the way between them have to do, so requests keep their time
/// without anybody knowing how much a node can bear (Dynamo, section 6.5, has the same end by other
/// means).
package struct HintThrottle: Sendable {
    /// What merging a record costs its receiver beside its bytes, as so many bytes. Without it
    /// tiny records would come in far more merges a second than large ones.
    package static let recordOverheadBytes = 512
    /// How many times longer than a batch the rest after it is, if nothing else is said.
    package static let restFactor: UInt64 = 16
    /// No rest is longer: one batch that waited for a slow disk says little of those that follow.
    package static let restMax = Interval.seconds(1)

    private var bytesPerSecond: Int
    private let burstBytes: Int
    private var tokens: Int
    private var filledAt: Instant?
    private var restUntil = Instant(nanoseconds: 0)

    /// - Parameters:
    ///   - bytesPerSecond: at least 1.
    ///   - burstBytes: what may go at once after a rest.
    package init(bytesPerSecond: Int, burstBytes: Int) {
        invariant(bytesPerSecond >= 1 && burstBytes >= 1)
        self.bytesPerSecond = bytesPerSecond
        self.burstBytes = burstBytes
        tokens = burstBytes
    }

    package static func cost(records: Int, bytes: Int) -> Int {
        records * recordOverheadBytes + bytes
    }

    /// Takes so much, if anything is left. Must be asked again later when it returns false.
    package mutating func take(_ cost: Int, now: Instant) -> Bool {
        fill(now)
        guard tokens > 0, now >= restUntil else { return false }
        tokens -= cost
        return true
    }

    /// Takes so much for what has gone already, whatever is left.
    package mutating func charge(_ cost: Int, now: Instant) {
        fill(now)
        tokens -= cost
    }

    /// Another rate from now on, at least 1.
    mutating func setRate(bytesPerSecond: Int, now: Instant) {
        invariant(bytesPerSecond >= 1)
        fill(now)
        self.bytesPerSecond = bytesPerSecond
    }

    /// Whether anything may go now.
    package mutating func isOpen(now: Instant) -> Bool {
        fill(now)
        return tokens > 0 && now >= restUntil
    }

    /// A batch was acknowledged.
    ///
    /// - Parameters:
    ///   - isBusy: whether requests come.
    ///   - share: how full the batch was, 0...1; the rest is as much shorter.
    ///   - restFactor: how many times longer than the batch the rest after a full one is.
    package mutating func acknowledged(
        after time: Interval,
        isBusy: Bool,
        share: Double = 1,
        restFactor: UInt64 = Self.restFactor,
        now: Instant
    ) {
        guard isBusy else { return }
        let (rest, overflow) = time.nanoseconds.multipliedReportingOverflow(by: restFactor)
        let due = overflow ? Self.restMax : min(Self.restMax, Interval(nanoseconds: rest))
        let shortened = Double(due.nanoseconds) * max(0, min(1, share))
        restUntil = max(restUntil, now + Interval(nanoseconds: UInt64(shortened)))
    }

    private mutating func fill(_ now: Instant) {
        guard let last = filledAt else {
            filledAt = now
            return
        }
        let missing = burstBytes - tokens
        guard missing > 0 else {
            filledAt = now
            return
        }
        let elapsed = now.since(last).nanoseconds
        // In full-width arithmetic: a debt of gigabytes times a long rest must not overflow.
        let product = elapsed.multipliedFullWidth(by: UInt64(bytesPerSecond))
        guard product.high < 1_000_000_000 else {
            tokens = burstBytes
            filledAt = now
            return
        }
        let earned = UInt64(1_000_000_000).dividingFullWidth(product)
        guard earned.quotient < UInt64(missing) else {
            tokens = burstBytes
            filledAt = now
            return
        }
        tokens += Int(earned.quotient)
        // The part of a byte that is left over stays to be earned.
        let rest = earned.remainder / UInt64(bytesPerSecond)
        filledAt = Instant(nanoseconds: now.nanoseconds - min(rest, elapsed))
    }
}
