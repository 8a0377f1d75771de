package import HengeBase
package import HengeRing

/// Leads a change of the ring to its end: works out the document to propose next from what all
/// members have reported.
///
/// Every node has one. The one with the lowest id among the voters that are up proposes; the i-th
/// after it does so when something could have been proposed for i times a while and nobody has.
/// More than one at a time costs messages and nothing else, since the election decides.
package struct RingSteward: Sendable {
    /// At most one proposal in this time; what may advance by then goes together.
    package static let interval = Interval.seconds(1)
    /// How long the next in line gives each one before it.
    package static let patience = Interval.seconds(5)
    /// How long in all the end of a change waits for a member that is to leave, may hold what was
    /// acknowledged for other nodes, and is down. One that stays away for longer is taken to have
    /// lost its disk.
    package static let absenceMax = Interval.seconds(600)
    /// Time in which this node may have stood still says nothing about the others.
    private static let stepMax = Interval.seconds(2)

    private let own: NodeID
    private var epoch: UInt64 = 0
    /// Since when, at this epoch, there is something to propose.
    private var proposableSince: Instant?
    private var proposedAt: Instant?
    /// When this node last looked, and how many were before it then.
    private var looked: (at: Instant, turn: Int?)?
    /// How long those that leave and are down have been away while this node looked on.
    private var absences: [NodeID: Interval] = [:]
    private var steppedAt: Instant?
    /// How many partitions a node is to take over at a time: those whose writes go to it already
    /// and that it does not hold yet.
    ///
    /// Writes of a moving partition go to twice as many replicas or nearly so, and reads may have
    /// to repair one more; so as few are on their way as keep the transfers busy. Twice as many as
    /// the last time when all had come by the next one.
    private var wave = RingView.waveMin

    package init(own: NodeID) {
        self.own = own
    }

    /// Whether there is no use in looking at what has changed: it has just proposed, or it was not
    /// its turn a moment ago. In a large cluster so much is reported that looking each time would
    /// take all of a node's time.
    package func rests(at now: Instant) -> Bool {
        if let proposedAt, now.since(proposedAt) < Self.interval { return true }
        guard let looked, looked.turn != 0 else { return false }
        return now.since(looked.at) < Self.interval
    }

    /// The document to propose now; nil when there is none or when it is for another node to do.
    package mutating func step(_ view: RingView, now: Instant) -> RingDocument? {
        if view.ring.document.epoch != epoch {
            epoch = view.ring.document.epoch
            proposableSince = nil
        }
        let turn = view.turn(of: own)
        looked = (now, turn)
        let givenUp = givenUp(view, now)
        guard let turn, let proposal = view.following(without: givenUp, wave: wave) else {
            proposableSince = nil
            return nil
        }
        let since = proposableSince ?? now
        proposableSince = since
        let wait = Self.patience.nanoseconds * UInt64(turn)
        guard now.since(since).nanoseconds >= wait else { return nil }
        if let proposedAt, now.since(proposedAt) < Self.interval { return nil }
        proposedAt = now
        switch view.hasAll {
        case true?: wave = min(2 * wave, view.ring.partitions)
        case false?: wave = max(RingView.waveMin, wave / 2)
        case nil: break
        }
        // How fast this change went says nothing of the load during the next one.
        if proposal.transition == nil { wave = RingView.waveMin }
        return proposal
    }

    /// Those that have been away for too long.
    private mutating func givenUp(_ view: RingView, _ now: Instant) -> [NodeID] {
        let passed = min(steppedAt.map { now.since($0) } ?? .zero, Self.stepMax)
        steppedAt = now
        let before = absences
        absences = [:]
        for id in view.leavingDown {
            let sum = (before[id] ?? .zero).nanoseconds + passed.nanoseconds
            absences[id] = before[id] == nil ? .zero : Interval(nanoseconds: sum)
        }
        return view.leavingDown.filter { absences[$0] ?? .zero >= Self.absenceMax }
    }
}
