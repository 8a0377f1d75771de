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
        guard let turn, let proposal = view.following(without: givenUp) else {
            proposableSince = nil
            return nil
        }
        let since = proposableSince ?? now
        proposableSince = since
        let wait = Self.patience.nanoseconds * UInt64(turn)
        guard now.since(since).nanoseconds >= wait else { return nil }
        if let proposedAt, now.since(proposedAt) < Self.interval { return nil }
        proposedAt = now
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

/// What a node knows of a change that is running, and what that allows.
package struct RingView: Sendable {
    package let ring: Ring
    private let members: MemberIndex
    private let isUp: [Bool]
    private let epochs: [UInt64]
    private let ready: [[UInt16]]
    private let drained: [Bool]
    /// What all members that are up have adopted.
    private let liveEpoch: UInt64
    /// Members of the current ring that are up and have not adopted this one.
    private let late: [NodeID]
    /// Members to come that some that are up have no connection to.
    private let missed: Set<NodeID>

    /// - Parameters:
    ///   - members: the numbers that the arrays go by; all members of the ring have one.
    ///   - epochs: the epoch of the ring that each has adopted, as it said itself.
    ///   - ready: the partitions that each has taken over, ascending.
    ///   - drained: whether each has said that it leaves and holds nothing for others, by the ring
    ///     that it has adopted.
    ///   - unreached: the members to come that each has said that it has no connection to.
    package init(
        ring: Ring,
        members: MemberIndex,
        isUp: [Bool],
        epochs: [UInt64],
        ready: [[UInt16]],
        drained: [Bool],
        unreached: [[NodeID]]
    ) {
        self.ring = ring
        self.members = members
        self.isUp = isUp
        self.epochs = epochs
        self.ready = ready
        self.drained = drained
        let live = ring.allMembers.compactMap { members[$0.id] }.filter { isUp[$0] }
        liveEpoch = live.map { epochs[$0] }.min() ?? .max
        let coordinators = ring.document.members.compactMap { members[$0.id] }.filter { isUp[$0] }
        late = coordinators.filter { epochs[$0] < ring.document.epoch }.map { members.ids[$0] }
        missed = Set(coordinators.flatMap { unreached[$0] })
    }

    /// How many voters that are up have lower ids; nil for a node that is no voter.
    package func turn(of node: NodeID) -> Int? {
        guard ring.voters.contains(node) else { return nil }
        return ring.voters.prefix { $0 < node }.count { members[$0].map { isUp[$0] } ?? false }
    }

    /// The next document of the change; nil when nothing may advance, or nothing moves.
    ///
    /// - Parameter givenUp: members that the end does not wait for any longer.
    package func following(without givenUp: [NodeID] = []) -> RingDocument? {
        guard let transition = ring.document.transition else { return nil }
        let partitions = transition.steps.indices.filter {
            transition.steps[$0] != .next && mayAdvance($0)
        }
        if !partitions.isEmpty { return try? ring.document.advancing(partitions) }
        let epoch = ring.document.epoch
        guard transition.steps.allSatisfy({ $0 == .next }), liveEpoch >= epoch,
            hasMajority(of: ring.voters, adopted: epoch),
            ring.leaving.allSatisfy({ isDrained($0) || givenUp.contains($0) })
        else { return nil }
        return try? ring.document.finishing()
    }

    /// Those that are to leave, may hold something for others, and are down.
    package var leavingDown: [NodeID] {
        ring.leaving.filter { id in !isDrained(id) && !(members[id].map { isUp[$0] } ?? false) }
    }

    /// Whether the member can go: whatever it held for others has another place.
    private func isDrained(_ id: NodeID) -> Bool {
        guard let member = members[id], let transition = ring.document.transition else {
            return true
        }
        if drained[member], epochs[member] >= ring.document.epoch { return true }
        // Nobody has ever asked a new node to hold something for others.
        return !isUp[member] && (transition.isAborting || transition.abandoned.contains(id))
    }

    /// Whether the partition may go one step further.
    package func mayAdvance(_ partition: Int) -> Bool {
        let fence = ring.fence(of: partition)
        switch ring.step(of: partition) {
        case .current: return canWrite(partition)
        case .writeBoth:
            let joining = ring.joining(partition: partition)
            guard !joining.isEmpty else { return haveReplicas(of: partition, adopted: fence) }
            return joining.allSatisfy { isReady($0, partition, since: fence) }
        case .readNext:
            return liveEpoch >= fence && haveReplicas(of: partition, adopted: fence)
        case .next: return false
        }
    }

    /// Whether a majority of the next replicas is up and knows that it is one, and whoever is up
    /// can reach them. From the step after it on they have a say in every write, and nodes that
    /// were just added together have yet to connect to the others: until then writes at QUORUM
    /// would fail.
    private func canWrite(_ partition: Int) -> Bool {
        let next = ring.nextPreferenceList(partition: partition).nodes
        return next.count(where: isPresent) * 2 > next.count
    }

    private func isPresent(_ node: NodeID) -> Bool {
        guard let member = members[node], isUp[member], epochs[member] >= ring.document.epoch else {
            return false
        }
        guard ring.vnodes(of: node) == 0 else { return true }
        // Who has yet to hear of a new node has yet to connect to it.
        return late.isEmpty && !missed.contains(node)
    }

    /// What waits for new replicas to come.
    package var absence: ReplicaAbsence {
        guard ring.document.transition != nil else { return ReplicaAbsence() }
        let waiting = (0..<ring.partitions).filter { partition in
            ring.step(of: partition) == .current && !canWrite(partition)
        }
        var absent: Set<NodeID> = []
        for partition in waiting {
            let next = ring.nextPreferenceList(partition: partition).nodes
            absent.formUnion(next.filter { !isPresent($0) })
            absent.formUnion(late)
        }
        return ReplicaAbsence(partitions: waiting.count, nodes: absent.sorted())
    }

    private func isReady(_ node: NodeID, _ partition: Int, since fence: UInt64) -> Bool {
        guard let member = members[node], isUp[member], epochs[member] >= fence else {
            return false
        }
        return ready[member].containsSorted(UInt16(partition))
    }

    /// A majority of the current and of the next replicas has.
    private func haveReplicas(of partition: Int, adopted epoch: UInt64) -> Bool {
        let current = ring.preferenceList(partition: partition)
        let next = ring.nextPreferenceList(partition: partition)
        return hasMajority(of: current.nodes, adopted: epoch)
            && hasMajority(of: next.nodes, adopted: epoch)
    }

    private func hasMajority(of nodes: [NodeID], adopted epoch: UInt64) -> Bool {
        nodes.count { has($0, adopted: epoch) } * 2 > nodes.count
    }

    private func has(_ node: NodeID, adopted epoch: UInt64) -> Bool {
        members[node].map { epochs[$0] >= epoch } ?? false
    }
}

/// Partitions that do not begin to move, since too few of their next replicas are up, know of the
/// change and are reached by all.
package struct ReplicaAbsence: Hashable, Sendable {
    package let partitions: Int
    /// Those of their next replicas that are not, ascending.
    package let nodes: [NodeID]

    package init(partitions: Int = 0, nodes: [NodeID] = []) {
        self.partitions = partitions
        self.nodes = nodes
    }
}

extension Ring {
    /// The nodes that the partition's next replicas have and the current ones have not.
    package func joining(partition: Int) -> [NodeID] {
        let current = preferenceList(partition: partition)
        return nextPreferenceList(partition: partition).nodes.filter { !current.contains($0) }
    }
}

extension PreferenceList {
    fileprivate var nodes: [NodeID] { (0..<count).map { self[$0] } }
}

extension [UInt16] {
    /// Whether an ascending array has the value: a binary search.
    fileprivate func containsSorted(_ value: UInt16) -> Bool {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == value
    }
}
