package import HengeBase
package import HengeRing

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
    /// - Parameters:
    ///   - givenUp: members that the end does not wait for any longer.
    ///   - wave: how many partitions each node is to take over at a time.
    package func following(
        without givenUp: [NodeID] = [],
        wave: Int = waveMin
    ) -> RingDocument? {
        guard let transition = ring.document.transition else { return nil }
        let partitions = advancing(transition.steps, wave)
        if !partitions.isEmpty { return try? ring.document.advancing(partitions) }
        let epoch = ring.document.epoch
        guard transition.steps.allSatisfy({ $0 == .next }), liveEpoch >= epoch,
            hasMajority(of: ring.voters, adopted: epoch),
            ring.leaving.allSatisfy({ isDrained($0) || givenUp.contains($0) })
        else { return nil }
        return try? ring.document.finishing()
    }

    /// Of the partitions that a node takes over at a time.
    package static let waveMin = 16

    /// Whether all that is being taken over is there; nil while nothing is.
    var hasAll: Bool? {
        let taken = takenOver
        return taken.isEmpty ? nil : taken.allSatisfy { isReady($0.node, $0.partition) }
    }

    private var takenOver: [(node: NodeID, partition: Int)] {
        (0..<ring.partitions).filter { ring.step(of: $0) == .writeBoth }.flatMap { partition in
            ring.joining(partition: partition).map { ($0, partition) }
        }
    }

    /// The partitions that may go one step further, and no more of those that have yet to begin
    /// than each node is to take over at a time.
    private func advancing(_ steps: [PartitionStep], _ wave: Int) -> [Int] {
        var advancing = steps.indices.filter { steps[$0] != .current && mayAdvance($0) }
        // Those that are there count no longer: others of the same partition may be gone, and would
        // keep them from all else.
        var left: [NodeID: Int] = [:]
        for (node, partition) in takenOver where !isReady(node, partition) {
            left[node, default: 0] += 1
        }
        for partition in steps.indices where steps[partition] == .current {
            let joining = ring.joining(partition: partition)
            guard joining.allSatisfy({ left[$0, default: 0] < wave }), canWrite(partition) else {
                continue
            }
            for node in joining { left[node, default: 0] += 1 }
            advancing.append(partition)
        }
        return advancing
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
    private func mayAdvance(_ partition: Int) -> Bool {
        let fence = ring.fence(of: partition)
        switch ring.step(of: partition) {
        case .current: return canWrite(partition)
        case .writeBoth:
            let joining = ring.joining(partition: partition)
            guard !joining.isEmpty else { return haveReplicas(of: partition, adopted: fence) }
            return joining.allSatisfy { isReady($0, partition) }
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

    /// Whether the node says that it has taken the partition over, by the present step.
    private func isReady(_ node: NodeID, _ partition: Int) -> Bool {
        guard let member = members[node], isUp[member],
            epochs[member] >= ring.fence(of: partition)
        else { return false }
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
