/// How far a partition is on its way from its current replicas to its next ones.
///
/// The order is that of a change. An epoch may advance many partitions, each by one step.
package enum PartitionStep: UInt8, CaseIterable, Comparable, Sendable {
    /// Not begun: the next replicas don't count.
    case current = 0
    /// A write needs W of the current and W of the next replicas; reads use the current ones.
    case writeBoth = 1
    /// Reads use the next replicas; writes count in both as before.
    case readNext = 2
    /// The current replicas don't count any more.
    case next = 3

    package static func < (a: PartitionStep, b: PartitionStep) -> Bool { a.rawValue < b.rawValue }

    /// The step that may follow; nil after the last.
    package var following: PartitionStep? { PartitionStep(rawValue: rawValue + 1) }

    /// The step at which the partition begins its way back, said of the change in the other
    /// direction. As long as reads use the current replicas, and so always have, what counts in
    /// these is all there is, and the others are needed no more. Once reads have used the next
    /// ones, the way back is made step by step, from the one with the same rules.
    var goingBack: PartitionStep {
        switch self {
        case .current, .writeBoth: .next
        case .readNext: .writeBoth
        case .next: .current
        }
    }
}
