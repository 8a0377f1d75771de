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

/// How nodes decide on the next ring document: Lamport, *Paxos made simple* (2001), section 2, once
/// for each epoch. Epochs are those of the document that is to be decided; documents are valid.
package enum RingMessage: Hashable, Sendable {
    /// Promise to take part in nothing below the ballot (phase 1a).
    case prepare(epoch: UInt64, RingBallot)
    /// The promise, with what the sender had accepted before (phase 1b).
    case promise(epoch: UInt64, RingBallot, accepted: AcceptedRing?)
    /// Accept the document at the ballot (phase 2a).
    case accept(RingBallot, RingDocument)
    /// It is accepted, durably (phase 2b).
    case accepted(epoch: UInt64, RingBallot)
    /// A prepare or an accept with this ballot comes too late: the sender has promised another.
    case refused(epoch: UInt64, RingBallot, promised: RingBallot)
    /// The document was chosen.
    case decided(RingDocument)
    /// The sender has the document of this epoch: what comes after it? The token comes back.
    case ask(epoch: UInt64, token: UInt64)
    /// Nothing newer than the epoch is known to the sender. And whether it has accepted a document
    /// to follow; only one that remembers says so.
    case known(epoch: UInt64, hasAccepted: Bool, token: UInt64)
}
