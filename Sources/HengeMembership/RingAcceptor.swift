import HengeBase
package import HengeMessages
package import HengeRing

/// What a node knows to be decided and what it has promised for the epoch after it: the acceptor of
/// Lamport, *Paxos made simple*, section 2.2. All of it is durable before any of it is told.
///
/// A node that has lost its disk doesn't know what it has promised and accepted, so it may not vote
/// in any election that it may have voted in before. It voted only in elections that follow epochs
/// which it knew, so the question is which ones it knew. ``RingRecovery`` finds an epoch L that is
/// not below any of them, and ``recovered()`` lets the node vote in elections from L + 2 on.
package struct RingAcceptor: Hashable, Sendable {
    /// The newest that is known to be decided: epoch e.
    package private(set) var document: RingDocument
    /// The highest ballot that was promised or accepted for epoch e + 1.
    package private(set) var promised: RingBallot?
    /// What was accepted last for epoch e + 1.
    package private(set) var accepted: AcceptedRing?
    /// The first epoch in whose election the node may vote; `.max` while that isn't known.
    package private(set) var votesFrom: UInt64
    /// The last unsafe recovery that the node has agreed to and not seen decided.
    package private(set) var agreed: AgreedRecovery?

    /// Of a new node, or of one that has lost its disk and so doesn't know how it has voted.
    package init(document: RingDocument, hasLostVotes: Bool) {
        self.init(document: document, votesFrom: hasLostVotes ? .max : 0)
    }

    package init(
        document: RingDocument,
        promised: RingBallot? = nil,
        accepted: AcceptedRing? = nil,
        votesFrom: UInt64,
        agreed: AgreedRecovery? = nil
    ) {
        self.document = document
        self.agreed = agreed
        self.promised = promised
        self.accepted = accepted
        self.votesFrom = votesFrom
    }

    package enum Answer: Hashable, Sendable {
        case given
        case refused(promised: RingBallot)
        /// The epoch is decided here.
        case decided
        /// The node doesn't know what the election is to follow.
        case behind
        /// The node has lost its disk, and may have voted in this election; or it has agreed to an
        /// unsafe recovery instead.
        case abstains
        case invalid(RingChangeFault)
    }

    /// Whether the node may vote in the election that follows its document.
    package var votes: Bool {
        document.epoch < .max && votesFrom <= document.epoch + 1 && agreed?.base != document.epoch
    }

    package var isRecovering: Bool { votesFrom == .max }

    /// Phase 1b: "If an acceptor receives a prepare request with number n greater than that of any
    /// prepare request to which it has already responded, then it responds". Greater, not equal:
    /// the node that made a ballot counts on being the only one ever that was promised it.
    package mutating func prepare(epoch: UInt64, _ ballot: RingBallot) -> Answer {
        if let answer = obstacle(epoch) { return answer }
        if let promised, ballot <= promised { return .refused(promised: promised) }
        promised = ballot
        return .given
    }

    /// Phase 2b: it accepts "unless it has already responded to a prepare request having a number
    /// greater than n".
    package mutating func accept(_ ballot: RingBallot, _ next: RingDocument) -> Answer {
        if let answer = obstacle(next.epoch) { return answer }
        if let promised, ballot < promised { return .refused(promised: promised) }
        if accepted?.ballot == ballot { return .given }
        if let fault = next.successorFault(of: document) { return .invalid(fault) }
        promised = ballot
        accepted = AcceptedRing(ballot: ballot, document: next)
        return .given
    }

    /// Takes a decided document of a higher epoch. What was promised for the epochs up to it is of
    /// no use any more: the node answers with the document from now on.
    package mutating func adopt(_ decided: RingDocument) {
        invariant(decided.epoch > document.epoch)
        document = decided
        promised = nil
        accepted = nil
        guard let agreed, agreed.document.epoch <= decided.epoch else { return }
        // Nobody has voted in the epochs after it before there was one, so not even a node that has
        // lost its disk can contradict itself there.
        if agreed.document == decided { votesFrom = 0 }
        self.agreed = nil
    }

    package enum RecoveryAnswer: Hashable, Sendable {
        case given
        /// The node knows a newer ring than the recovery is based on.
        case decided
        /// It doesn't know that ring.
        case behind
        case agreedBefore(RecoveryMark)
        case invalid(RingChangeFault)
    }

    /// Agrees to an unsafe recovery: at most to one of each epoch, so that of two with the same
    /// epoch and a survivor in common only one finds all of its survivors agreed. One that it has
    /// agreed to before may have been decided, so another one has to come from that.
    package mutating func agree(to next: RingDocument, base: UInt64) -> RecoveryAnswer {
        if next.epoch <= document.epoch { return .decided }
        if base != document.epoch { return base < document.epoch ? .decided : .behind }
        if agreed?.document == next { return .given }
        if let fault = next.recoveryFault(of: document) { return .invalid(fault) }
        if let mark = agreed?.document.recoveryMark,
            next.epoch <= mark.epoch || !next.recoveries.contains(mark.id)
        {
            return .agreedBefore(mark)
        }
        agreed = AgreedRecovery(base: base, document: next)
        return .given
    }

    /// The node, which had lost its disk, never knew an epoch above that of its document.
    package mutating func recovered() {
        invariant(isRecovering)
        votesFrom = document.epoch < .max - 2 ? document.epoch + 2 : .max
    }

    /// The node is new: it can't contradict itself.
    package mutating func hasNeverVoted() {
        invariant(isRecovering)
        votesFrom = 0
    }

    /// Why the node has no part in deciding on this epoch, whatever the document; nil when it has.
    func obstacle(_ epoch: UInt64) -> Answer? {
        if epoch <= document.epoch { return .decided }
        if epoch - 1 > document.epoch { return .behind }
        return votes ? nil : .abstains
    }
}

/// An unsafe recovery that a node has agreed to.
package struct AgreedRecovery: Hashable, Sendable {
    /// The epoch of the document that it follows.
    package let base: UInt64
    package let document: RingDocument

    package init(base: UInt64, document: RingDocument) {
        self.base = base
        self.document = document
    }
}
