package import HengeBase

/// A majority of the nodes that is gone for good at one moment, under a steady load: those that are
/// left go on by an unsafe recovery, and others take the places of the lost.
package struct RecoveryDrill: Hashable, Sendable, CustomStringConvertible {
    /// How far the change is that was running.
    package enum Situation: String, CaseIterable, Sendable {
        case still = "no change runs"
        case current = "a change has begun"
        case writeBoth = "a change has come to write both"
        case readNext = "a change has come to read next"
        case next = "a change has come to next only"
    }

    /// What else comes in its way.
    package enum Trouble: String, CaseIterable, Sendable {
        case none = "nothing else fails"
        /// It has begun to ask the others for their consent, and is back later.
        case askedDies = "the node that was asked dies"
        case otherDies = "another one that is left dies"
        /// For a while none of those that are left reaches another.
        case cut = "those that are left are cut off from each other"
        /// When the others go on without it.
        case returns = "one that was given up is back"
    }

    package let situation: Situation
    /// That was running; any when none was.
    package let change: RingDrill.Change
    package let trouble: Trouble
    /// From the situation to the loss.
    package let delay: Interval

    package init(
        _ situation: Situation,
        of change: RingDrill.Change,
        _ trouble: Trouble,
        after delay: Interval
    ) {
        self.situation = situation
        self.change = change
        self.trouble = trouble
        self.delay = delay
    }

    /// All situations of all changes with all troubles.
    static let combinations =
        Situation.allCases.count * RingDrill.Change.allCases.count * Trouble.allCases.count

    /// - Parameter combination: below ``combinations``.
    init(combination: Int, _ dice: inout SeededGenerator) {
        var rest = combination
        self.init(
            Situation.allCases.taking(&rest),
            of: RingDrill.Change.allCases.taking(&rest),
            Trouble.allCases.taking(&rest),
            after: .milliseconds(UInt64(dice.below(900)))
        )
    }

    package var description: String {
        let what = situation == .still ? "" : " (\(change.rawValue))"
        return "a majority is lost \(delay.milliseconds) ms after \(situation.rawValue)\(what), "
            + trouble.rawValue
    }
}

extension Array {
    /// The element that a number in mixed radix names by its last digit, which is taken off.
    func taking(_ number: inout Int) -> Element {
        defer { number /= count }
        return self[number % count]
    }
}
