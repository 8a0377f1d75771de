package import HengeBase
import HengeRing

/// Finds out up to which epoch a node that has lost its disk may have known the ring.
///
/// What one peer says first is not enough: it may be far behind. The node asks all voters of the
/// newest document that it knows, epoch L, what comes next. It has its answer when a majority of
/// them, without itself, have said *since its return* that they know nothing newer than L and have
/// accepted nothing for L + 1; only voters that remember their own votes say so.
///
/// Why it can't have known L + 1 before. Suppose it did. Then L + 1 was decided before it lost its
/// disk, so a majority of the voters of L had accepted it, and one of them, x, is among those that
/// answered. x remembers: either it never lost a disk, or it lost it without having known L (or it
/// would not vote for L + 1, by this same argument), and so accepted afterwards. So x, when it
/// answered, either knew L + 1 or had accepted something for it, and would have said so.
///
/// So every election that the node voted in was of epoch L + 1 or before, and it votes from L + 2
/// on. If somebody has accepted something for L + 1, the node waits until that is decided and asks
/// again. A cluster of three with one such node needs both others for one change; nodes that have
/// lost their disks in a number that leaves no majority need the operator.
package struct RingRecovery: Hashable, Sendable {
    /// The voters that know of nothing newer.
    private var clean: VoteCount
    /// Tells answers to this process's questions from those to an earlier one's.
    package let token: UInt64
    /// When to ask, or ask again.
    package var due: Instant

    package init(voters: [NodeID], token: UInt64, at now: Instant) {
        clean = VoteCount(voters)
        self.token = token
        due = now
    }

    /// A newer document is known: everyone is to be asked about that.
    package mutating func restart(voters: [NodeID], at now: Instant) {
        self = RingRecovery(voters: voters, token: token, at: now)
    }

    /// Returns whether that settles it.
    package mutating func answered(_ node: NodeID, hasAccepted: Bool, token: UInt64) -> Bool {
        guard token == self.token, !hasAccepted else { return false }
        clean.insert(node)
        return clean.isMajority
    }
}
