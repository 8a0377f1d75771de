package import HengeBase
package import HengeRing

/// Collects the consent of all survivors to an unsafe recovery. It only counts; ``RingElection``
/// sends.
package struct RecoveryConsent: Hashable, Sendable {
    package let document: RingDocument
    package let mark: RecoveryMark
    /// The epoch that it follows.
    package let base: UInt64
    /// When to give up.
    package let deadline: Instant
    /// When those that have said nothing are asked again.
    package var due: Instant
    private var votes: VoteCount

    /// - Parameter survivors: ascending; their consent is wanted.
    package init(
        _ document: RingDocument,
        mark: RecoveryMark,
        base: UInt64,
        survivors: [NodeID],
        deadline: Instant,
        now: Instant
    ) {
        self.document = document
        self.mark = mark
        self.base = base
        self.deadline = deadline
        due = now
        votes = VoteCount(survivors)
    }

    package var required: Int { votes.voters.count }
    package var count: Int { votes.count }

    package var missing: [NodeID] { votes.voters.filter { !votes.contains($0) } }

    /// Returns whether all have agreed now.
    package mutating func agreed(_ node: NodeID) -> Bool {
        votes.insert(node)
        return votes.count == votes.voters.count
    }
}
