package import HengeBase

/// One node that fails at one moment of one change of the ring, under a steady load: the change
/// comes to its end, and the others serve on.
package struct RingDrill: Hashable, Sendable, CustomStringConvertible {
    package enum Change: String, CaseIterable, Sendable { case add, remove, replace }

    /// Whose part the node that fails has in the change of a partition.
    package enum Role: String, CaseIterable, Sendable {
        /// Takes the partition over.
        case joining
        /// Gives the partition away, and is what the joining one takes it over from.
        case giving
        /// Proposes the steps of the change.
        case steward
        /// Has to do with the partition only through its clients' requests.
        case bystander
    }

    package enum Harm: String, CaseIterable, Sendable {
        /// The process dies, and is back later.
        case killed
        case frozen
        /// Nothing gets to it or from it.
        case cutOff = "cut off"
    }

    /// The moment at which the newest ring that any node has is the first so far.
    package enum Moment: String, CaseIterable, Sendable {
        case begun, writeBoth, readNext, next, ended
    }

    package let change: Change
    package let role: Role
    package let harm: Harm
    package let moment: Moment
    /// From the moment to the failure.
    package let delay: Interval
    package let lasting: Interval

    package init(
        _ change: Change,
        _ role: Role,
        _ harm: Harm,
        at moment: Moment,
        after delay: Interval,
        for lasting: Interval
    ) {
        self.change = change
        self.role = role
        self.harm = harm
        self.moment = moment
        self.delay = delay
        self.lasting = lasting
    }

    /// All roles at all moments of all changes with all harms.
    static let combinations =
        Change.allCases.count * Role.allCases.count * Harm.allCases.count * Moment.allCases.count

    /// - Parameter combination: below ``combinations``.
    init(combination: Int, _ dice: inout SeededGenerator) {
        var rest = combination
        self.init(
            Change.allCases.taking(&rest),
            Role.allCases.taking(&rest),
            Harm.allCases.taking(&rest),
            at: Moment.allCases.taking(&rest),
            after: .milliseconds(UInt64(dice.below(900))),
            for: .milliseconds(UInt64(4_000 + dice.below(3_000)))
        )
    }

    package var description: String {
        "\(change.rawValue): the \(role.rawValue) node is \(harm.rawValue) "
            + "\(delay.milliseconds) ms after \(moment.rawValue)"
    }
}
