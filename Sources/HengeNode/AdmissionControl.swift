package import HengeBase

/// How many client requests a node takes on at a time, so that those it takes are answered in time.
///
/// A fixed bound is either too low for a distant or slow replica or so high that under overload
/// each request waits its turn behind thousands, past its timeout: work is done and nobody gets an
/// answer. So the bound follows what requests have waited lately. As in CoDel the *least* wait of a
/// window tells a standing queue from a burst, which ends by itself (Nichols and Jacobson,
/// *Controlling Queue Delay*, ACM Queue 2012); as in TCP Vegas it counts from the least ever seen
/// lately, since a distant replica or a slow disk takes its time without any queue (Brakmo and
/// Peterson, 1995).
package struct AdmissionControl: Sendable {
    package struct Limits: Sendable {
        /// Requests in flight, whatever they wait.
        package var requestsMax: Int
        /// So many are always taken.
        package var requestsMin: Int
        /// How much longer than with an empty queue a request may take.
        package var delayTarget: Interval
        /// What may count as the delay with an empty queue.
        package var baseMax: Interval

        package init(
            requestsMax: Int,
            requestsMin: Int = 512,
            delayTarget: Interval = .milliseconds(100),
            baseMax: Interval = .milliseconds(500)
        ) {
            invariant(requestsMax >= 1 && requestsMin >= 1)
            self.requestsMax = requestsMax
            self.requestsMin = min(requestsMin, requestsMax)
            self.delayTarget = delayTarget
            self.baseMax = baseMax
        }
    }

    /// How often the bound may change. A window begins with the first answer in it: the first ones
    /// after a pause of the machine have all waited it through, and alone they tell of no queue.
    package static let window = Interval.milliseconds(100)
    /// How long a least delay is remembered, at least; at most twice as long.
    package static let memory = Interval.seconds(30)

    private let limits: Limits
    /// Requests in flight beyond which none is taken.
    package private(set) var requestsMax: Int

    private var windowEnd: Instant
    private var memoryEnd: Instant
    private var least: Interval?
    private var inFlightMost = 0
    private var base: Interval?
    private var basePrevious: Interval?

    package init(limits: Limits, now: Instant) {
        self.limits = limits
        requestsMax = limits.requestsMax
        windowEnd = now
        memoryEnd = now + Self.memory
    }

    /// Whether one more is taken.
    package mutating func admits(inFlight: Int) -> Bool {
        inFlightMost = max(inFlightMost, inFlight)
        return inFlight < requestsMax
    }

    /// A request that was taken has been answered.
    ///
    /// - Parameter delay: since it came.
    package mutating func answered(after delay: Interval, now: Instant) {
        if least == nil { windowEnd = now + Self.window }
        least = min(least ?? delay, delay)
        if now >= windowEnd { endWindow(now) }
    }

    private mutating func endWindow(_ now: Instant) {
        defer {
            least = nil
            inFlightMost = 0
        }
        guard let least else { return }
        if now >= memoryEnd {
            memoryEnd = now + Self.memory
            basePrevious = base
            base = nil
        }
        base = min(base ?? least, least)
        let empty = min(base ?? least, basePrevious ?? least, limits.baseMax)
        if least.nanoseconds > empty.nanoseconds + limits.delayTarget.nanoseconds {
            // From what there was in flight: a bound that nothing comes near would have to shrink
            // many times before it changes anything.
            let most = min(requestsMax, max(inFlightMost, 1))
            requestsMax = max(limits.requestsMin, most * 3 / 4)
        } else if inFlightMost * 4 >= requestsMax * 3 {
            requestsMax = min(limits.requestsMax, requestsMax + max(1, requestsMax / 8))
        }
        invariant(requestsMax >= limits.requestsMin && requestsMax <= limits.requestsMax)
    }
}
