package import HengeBase
package import HengeRing

/// A numbered attempt to decide on a ring document: higher ones supersede lower ones. No two
/// attempts have the same ballot, since only its node makes it and never makes one twice.
package struct RingBallot: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// From 1. A node reaches this bound by no number of attempts, only by a peer's fault.
    package static let roundMax: UInt64 = 1 << 48

    package let round: UInt64
    package let node: NodeID

    package init(round: UInt64, node: NodeID) {
        self.round = round
        self.node = node
    }

    package static func < (a: RingBallot, b: RingBallot) -> Bool {
        (a.round, a.node) < (b.round, b.node)
    }

    package var description: String { "\(round)\(node)" }
}

/// A document that a voter has accepted, and at which ballot.
package struct AcceptedRing: Hashable, Sendable {
    package let ballot: RingBallot
    package let document: RingDocument

    package init(ballot: RingBallot, document: RingDocument) {
        self.ballot = ballot
        self.document = document
    }
}

/// What a voter has accepted, as it tells others: they know the document that it follows.
package struct AcceptedDelta: Hashable, Sendable {
    package let ballot: RingBallot
    package let delta: RingDelta

    package init(ballot: RingBallot, delta: RingDelta) {
        self.ballot = ballot
        self.delta = delta
    }
}

/// How nodes decide on the next ring document: Lamport, *Paxos made simple* (2001), section 2, once
/// for each epoch. Epochs are those of the document that is to be decided; documents are valid.
///
/// All voters of an election know the document that it follows, so they tell each other only what
/// the next one changes of it (docs/decisions/0025).
package enum RingMessage: Hashable, Sendable {
    /// Promise to take part in nothing below the ballot (phase 1a).
    case prepare(epoch: UInt64, RingBallot)
    /// The promise, with what the sender had accepted before (phase 1b).
    case promise(epoch: UInt64, RingBallot, accepted: AcceptedDelta?)
    /// Accept the document that this leads to at the ballot (phase 2a).
    case accept(RingBallot, RingDelta)
    /// It is accepted, durably (phase 2b).
    case accepted(epoch: UInt64, RingBallot)
    /// A prepare or an accept with this ballot comes too late: the sender has promised another.
    case refused(epoch: UInt64, RingBallot, promised: RingBallot)
    /// The document was chosen.
    case decided(RingDocument)
    /// The same, told to one that is likely to know the document before: this leads from that.
    case next(RingDelta)
    /// The sender has the document of this epoch: what comes after it? The token comes back.
    case ask(epoch: UInt64, token: UInt64)
    /// Nothing newer than the epoch is known to the sender. And whether it has accepted a document
    /// to follow; only one that remembers says so.
    case known(epoch: UInt64, hasAccepted: Bool, token: UInt64)

    /// Agree to go on by this document, an unsafe recovery from the one of epoch `base`. All that
    /// it leaves have to.
    case recover(base: UInt64, RingDocument)
    /// The sender has agreed, durably.
    case agreed(RecoveryMark)
    /// The sender does not agree.
    case dissent(RecoveryMark, RecoveryDissent)
}

/// Why a node does not agree to an unsafe recovery.
package enum RecoveryDissent: Hashable, Sendable {
    /// It is connected to this node, which is said to be gone.
    case isUp(NodeID)
    /// It has agreed to another one, which may have been decided.
    case agreedBefore(RecoveryMark)
}
