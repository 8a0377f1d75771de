import HengeBase
import HengeRing

/// How many requests came for each stretch of tokens, minute by minute.
package struct HeatMap: Sendable {
    /// Equal stretches of the token space.
    package static let ranges = 64
    private static let rangeBits = 6
    /// The current minute among them.
    package static let minutesMax = 60

    /// Of each minute, the oldest first, the current one last: requests by range.
    package private(set) var minutes: [[UInt32]]
    /// When the current minute began.
    private var began: Instant

    init(now: Instant) {
        began = now
        minutes = [Self.quiet]
    }

    private static let quiet = [UInt32](repeating: 0, count: ranges)

    mutating func count(_ token: Token) {
        minutes[minutes.count - 1][Int(token.rawValue >> (64 - UInt64(Self.rangeBits)))] &+= 1
    }

    /// Begins new minutes when their time has come, also those in which nothing was counted.
    mutating func advance(to now: Instant) {
        let minute = Interval.seconds(60)
        while now.since(began) >= minute {
            if now.since(began) >= .seconds(60 * UInt64(Self.minutesMax + 1)) {
                // All that is shown would be empty.
                self = HeatMap(now: now)
                return
            }
            began = began + minute
            minutes.append(Self.quiet)
            if minutes.count > Self.minutesMax { minutes.removeFirst() }
        }
    }
}
