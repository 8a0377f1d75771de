import HengeBase
import HengeMessages
import NIOCore

/// What is known of how far another node's wall clock is off this one's.
///
/// An exchange says no more than that the answer was given between question and arrival, so the one
/// that took least says most; as in NTP (RFC 5905, section 10) it is chosen among the last eight.
package struct ClockOffset: Sendable {
    private static let kept = 8

    private struct Sample {
        let offset: Double
        let error: Double
    }

    private var samples: [Sample] = []
    private var next = 0

    package init() {}

    /// - Parameters:
    ///   - tripNanoseconds: from the question to the arrival of the answer.
    ///   - ownMicroseconds: this node's wall clock at the arrival.
    package mutating func add(
        tripNanoseconds: UInt64,
        ownMicroseconds: UInt64,
        theirMicroseconds: UInt64
    ) {
        let half = Double(tripNanoseconds) / 2e9
        let ahead = (Double(theirMicroseconds) - Double(ownMicroseconds)) / 1e6
        // The microseconds of both are rounded down.
        let sample = Sample(offset: ahead + half, error: half + 1e-6)
        if samples.count < Self.kept { samples.append(sample) } else { samples[next] = sample }
        next = (next + 1) % Self.kept
    }

    /// Seconds that the other clock is ahead, and by how much that may be wrong; nil before the
    /// first exchange.
    package var best: (offset: Double, error: Double)? {
        samples.min { $0.error < $1.error }.map { ($0.offset, $0.error) }
    }
}

/// What the driver watches for metrics alone.
struct NodeWatch {
    /// How often the event loop's lag is looked at.
    static let interval = Interval.milliseconds(100)
    /// Peers are asked for their clocks at every so many of these looks.
    static let looksPerClock = 50

    var lag = LatencyHistogram()
    var looks = 0
    /// By node id.
    var clocks: [ClockOffset] = []
}

extension NodeDriver {
    /// Watches the event loop's lag and the peers' clocks from now on.
    func startWatch() {
        look(due: SystemClock.now() + NodeWatch.interval)
    }

    private func look(due: Instant) {
        let driver = NIOLoopBound(self, eventLoop: eventLoop)
        let delay = Int64(clamping: due.since(SystemClock.now()).nanoseconds)
        watchTask = eventLoop.scheduleTask(in: .nanoseconds(delay)) {
            let driver = driver.value
            let now = SystemClock.now()
            driver.watch.lag.record(now.since(due))
            driver.askClocks(all: driver.watch.looks % NodeWatch.looksPerClock == 0)
            driver.watch.looks += 1
            driver.look(due: now + NodeWatch.interval)
        }
    }

    func stopWatch() {
        watchTask?.cancel()
        watchTask = nil
    }

    /// - Parameter all: also of those whose clock is known.
    private func askClocks(all: Bool) {
        for case let link? in links where link.isOpen {
            let index = Int(link.peer.id.rawValue)
            let isKnown = index < watch.clocks.count && watch.clocks[index].best != nil
            guard all || !isKnown else { continue }
            link.send(.clock(.ask(asked: SystemClock.now())))
        }
    }

    func took(_ message: ClockMessage, from sender: NodeID) {
        switch message {
        case .ask(let asked):
            let wall = SystemClock.wallMicroseconds()
            link(to: sender)?.send(.clock(.tell(asked: asked, wallMicroseconds: wall)))
        case .tell(let asked, let wall):
            let index = Int(sender.rawValue)
            while watch.clocks.count <= index { watch.clocks.append(ClockOffset()) }
            watch.clocks[index].add(
                tripNanoseconds: SystemClock.now().since(asked).nanoseconds,
                ownMicroseconds: SystemClock.wallMicroseconds(),
                theirMicroseconds: wall
            )
        }
    }
}
