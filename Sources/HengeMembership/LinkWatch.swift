package import HengeBase

/// Whether the other side of one connection still answers.
///
/// The heartbeats of a node also come by way of others, so when only the way between two nodes is
/// cut each still sees the other live; but neither gets an answer.
package struct LinkWatch: Sendable {
    private static let never = Instant(nanoseconds: .max)

    package private(set) var isOpen = false
    /// Since when something that wants an answer has had none, while nothing else came either.
    private var unansweredSince = LinkWatch.never

    package init() {}

    package mutating func opened() {
        isOpen = true
        unansweredSince = Self.never
    }

    package mutating func closed() {
        isOpen = false
        unansweredSince = Self.never
    }

    /// Something was sent that wants an answer.
    package mutating func asked(at now: Instant) {
        if isOpen { unansweredSince = min(unansweredSince, now) }
    }

    /// Something came; what it answers, if anything, does not matter.
    package mutating func heard() {
        unansweredSince = Self.never
    }

    /// How long an answer has been missing; zero when none is.
    package func silence(at now: Instant) -> Interval {
        unansweredSince == Self.never ? .zero : now.since(unansweredSince)
    }
}
