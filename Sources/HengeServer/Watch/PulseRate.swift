package import HengeBase
package import HengeMessages

/// What came between two pulses of a node.
package struct PulseRate: Sendable {
    /// How far apart they are; over 0.
    package let seconds: Double
    private let earlier: NodePulse
    private let later: NodePulse
    /// Of the time between them.
    package let readTimes: LatencyHistogram
    package let writeTimes: LatencyHistogram

    /// Nil when they are of one moment, or of different lives.
    package init?(from earlier: NodePulse, to later: NodePulse) {
        guard later[.uptime] > earlier[.uptime] else { return nil }
        seconds = Double(later[.uptime] - earlier[.uptime]) / 1e6
        self.earlier = earlier
        self.later = later
        readTimes = later.readTimes.since(earlier.readTimes)
        writeTimes = later.writeTimes.since(earlier.writeTimes)
    }

    /// How much a number has risen a second.
    package subscript(number: NodePulse.Number) -> Double {
        let (a, b) = (earlier[number], later[number])
        return b > a ? Double(b - a) / seconds : 0
    }

    package var failures: Double {
        NodePulse.Number.failures.reduce(0) { $0 + self[$1] }
    }
}

extension NodePulse.Number {
    /// Requests that did not end well.
    package static let failures: [NodePulse.Number] = [
        .unavailable, .timedOut, .overloaded, .storageFailures, .otherFailures,
    ]
}

/// The rates of several nodes as one.
package struct ClusterRate: Sendable {
    package var reads = 0.0
    package var writes = 0.0
    package var failures = 0.0
    package var readTimes = LatencyHistogram()
    package var writeTimes = LatencyHistogram()

    package init(_ rates: some Sequence<PulseRate>) {
        for rate in rates {
            reads += rate[.reads]
            writes += rate[.writes]
            failures += rate.failures
            readTimes.add(rate.readTimes)
            writeTimes.add(rate.writeTimes)
        }
    }

    /// Of one second, as each node kept it.
    init(_ seconds: [PulseHistory.Second]) {
        for second in seconds {
            reads += Double(second.reads) / 10
            writes += Double(second.writes) / 10
            failures += Double(second.failures) / 10
            readTimes.add(LatencyHistogram(second.readTimes))
            writeTimes.add(LatencyHistogram(second.writeTimes))
        }
    }
}
