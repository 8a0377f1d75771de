package import HengeBase
package import HengeMessages

/// The legs of an explanation on one axis of time, that of the node that the client has asked.
///
/// Clocks of machines can't be compared, but how long each leg took can: a leg is laid into the
/// middle of the time between its being forwarded and its answer, as if both ways had taken as long
/// (Cristian, *Probabilistic Clock Synchronization*, 1989). So times of the first leg are exact,
/// and those of others estimates, wrong by no more than half of what the ways took.
package struct ExplanationTimeline: Sendable {
    package struct Moment: Hashable, Sendable {
        /// Who saw it.
        package var node: NodeID
        /// Since the request came to the node that the client has asked.
        package var after: Interval
        package var event: Explanation.Event
    }

    /// In the order of time; those of one node as they happened.
    package let moments: [Moment]
    /// By leg: when it began.
    package let starts: [Interval]

    package init(_ explanation: Explanation) {
        var starts: [Interval] = []
        for index in explanation.legs.indices {
            starts.append(Self.start(of: index, in: explanation.legs, starts))
        }
        var moments: [Moment] = []
        for (leg, start) in zip(explanation.legs, starts) {
            for step in leg.steps {
                let after = Interval(nanoseconds: start.nanoseconds &+ step.after.nanoseconds)
                moments.append(Moment(node: leg.node, after: after, event: step.event))
            }
        }
        self.starts = starts
        self.moments = moments.enumerated()
            .sorted { ($0.element.after, $0.offset) < ($1.element.after, $1.offset) }
            .map(\.element)
    }

    private static func start(
        of index: Int,
        in legs: [Explanation.Leg],
        _ starts: [Interval]
    ) -> Interval {
        let leg = legs[index]
        for sender in legs[..<index].indices.reversed() {
            var forwarded: Interval?
            var answered: Interval?
            for step in legs[sender].steps {
                switch step.event {
                case .forwards(leg.node, _): forwarded = step.after
                case .forwardAnswered(leg.node): answered = step.after
                default: break
                }
            }
            guard let forwarded else { continue }
            let whole = (answered ?? forwarded).less(forwarded)
            let ways = whole.less(leg.replied?.after ?? .zero).nanoseconds
            return Interval(
                nanoseconds: starts[sender].nanoseconds &+ forwarded.nanoseconds &+ ways / 2
            )
        }
        return .zero
    }
}

extension Interval {
    /// The difference; zero when the other one is longer.
    fileprivate func less(_ other: Interval) -> Interval {
        Interval(nanoseconds: nanoseconds - min(nanoseconds, other.nanoseconds))
    }
}
