package import HengeBase
package import HengeMessages
package import HengeRing

/// One attempt to have a document decided, in as many rounds as it takes: the proposer of Lamport,
/// *Paxos made simple*, section 2.2. It only counts; ``RingElection`` sends.
///
///     reserving --own promise--> preparing --majority--> accepting --majority--> chosen
///         ^                          |                       |
///         +--------- due ------------+------- waiting <------+ a majority is out of reach
///
/// Each round has its own ballot. The node's own acceptor promises it, durably, before anybody else
/// hears of it, so that the node never makes the same ballot twice, however often it restarts.
package struct RingProposer: Hashable, Sendable {
    package enum Phase: Hashable, Sendable { case reserving, preparing, accepting, waiting }

    package let proposal: RingDocument
    /// When to give up.
    package let deadline: Instant
    private let own: NodeID
    private let limits: RingElectionLimits
    /// Differs from node to node, so that two that compete don't keep in step.
    private let seed: UInt64

    package private(set) var phase = Phase.waiting
    package private(set) var ballot: RingBallot
    /// When the round is over, or the next one begins.
    package private(set) var due: Instant
    /// The highest round that anybody has promised, as far as is known.
    private var roundSeen: UInt64 = 0
    private var promises: VoteCount
    package private(set) var acceptances: VoteCount
    private var refusals: VoteCount
    /// The one with the highest ballot among those that came with promises.
    private var highest: AcceptedRing?
    /// Whether anybody was ever asked to accept the proposal.
    package private(set) var isOut = false

    /// - Parameter voters: of the document before `proposal`.
    package init(
        _ proposal: RingDocument,
        own: NodeID,
        voters: [NodeID],
        deadline: Instant,
        seed: UInt64,
        limits: RingElectionLimits,
        now: Instant
    ) {
        self.proposal = proposal
        self.own = own
        self.deadline = deadline
        self.seed = seed
        self.limits = limits
        ballot = RingBallot(round: 0, node: own)
        due = now
        promises = VoteCount(voters)
        acceptances = promises
        refusals = promises
    }

    /// What the voters are asked to accept: "the value of the highest-numbered proposal among the
    /// responses, or any value if the responses reported no proposals".
    package var value: RingDocument { highest?.document ?? proposal }

    package var required: Int { promises.majority }

    /// How many voters have answered in this round.
    package var alive: Int {
        var answered = promises
        answered.formUnion(acceptances)
        answered.formUnion(refusals)
        return answered.count
    }

    /// Begins a round above all that are known. Returns false when there is none left.
    ///
    /// - Parameter promised: what the node's own acceptor has promised.
    package mutating func beginRound(above promised: RingBallot?, now: Instant) -> Bool {
        let round = max(roundSeen, promised?.round ?? 0, ballot.round) + 1
        guard round <= RingBallot.roundMax else {
            due = deadline
            return false
        }
        ballot = RingBallot(round: round, node: own)
        phase = .reserving
        let none = VoteCount(promises.voters)
        promises = none
        acceptances = none
        refusals = none
        highest = nil
        due = now + limits.roundTimeout + jitter(limits.roundTimeout)
        return true
    }

    /// The own acceptor's promise is durable: the others may be asked.
    package mutating func reserved() {
        invariant(phase == .reserving)
        phase = .preparing
    }

    /// Returns whether the voters are now to be asked to accept ``value``.
    package mutating func promised(_ accepted: AcceptedRing?, by node: NodeID) -> Bool {
        guard phase == .preparing else { return false }
        promises.insert(node)
        // One that doesn't vote has accepted nothing that counts.
        if let accepted, promises.contains(node), accepted.ballot > highest?.ballot ?? .lowest {
            highest = accepted
        }
        guard promises.isMajority else { return false }
        phase = .accepting
        if value == proposal { isOut = true }
        return true
    }

    /// Returns whether ``value`` is chosen.
    package mutating func accepted(by node: NodeID) -> Bool {
        guard phase == .accepting else { return false }
        acceptances.insert(node)
        return acceptances.isMajority
    }

    /// Somebody has promised a higher ballot. A few of these don't matter; when too few voters are
    /// left the round is given up, and the next one waits for a random time, longer each time, so
    /// that one of those that compete gets through.
    package mutating func refused(by node: NodeID, promised: RingBallot, now: Instant) {
        roundSeen = max(roundSeen, promised.round)
        guard phase == .preparing || phase == .accepting else { return }
        refusals.insert(node)
        guard refusals.blocksMajority else { return }
        phase = .waiting
        let longest = limits.roundTimeout.nanoseconds << min(ballot.round, 4)
        due = now + jitter(Interval(nanoseconds: longest))
    }

    /// A random length of time below `bound`, the same for the same ballot.
    private func jitter(_ bound: Interval) -> Interval {
        guard bound > .zero else { return .zero }
        var dice = SeededGenerator(seed: seed ^ ballot.round << 16 ^ UInt64(own.rawValue))
        let most = Int(clamping: bound.nanoseconds)
        return Interval(nanoseconds: UInt64(dice.below(most)))
    }
}

/// The times of an election.
package struct RingElectionLimits: Hashable, Sendable {
    /// How long a round waits for a majority before the next begins.
    package var roundTimeout: Interval
    /// How long a node that has lost its disk waits before it asks everyone again.
    package var askInterval: Interval

    package init(
        roundTimeout: Interval = .milliseconds(500),
        askInterval: Interval = .seconds(1)
    ) {
        self.roundTimeout = roundTimeout
        self.askInterval = askInterval
    }
}

extension RingBallot {
    fileprivate static let lowest = RingBallot(round: 0, node: NodeID(0))
}
