import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

/// Scans and counts over this shard's partitions in the whole cluster: each is answered for by one
/// replica that is up, this node's own where it has one. A scan's next page may be another shard's.
extension Shard {
    private func coveringNode(of partition: Int) -> NodeID? {
        let roles = ring.roles(partition: partition)
        if let own = roles.homes.slot(of: node), roles.readers.contains(own) { return node }
        let alive = aliveSlots(of: roles.homes).intersection(roles.readers)
        return alive.lowest.map { roles.homes[$0] }
    }

    // MARK: Scan

    mutating func beginScan(
        _ range: ScanRange,
        _ ticket: Ticket,
        deadline: Instant,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if let failure = overload(isWrite: false) {
            return answer(.client(ticket), .failed(failure), &effects)
        }
        let first = ring.partition(of: range.from)
        guard let target = coveringNode(of: first) else {
            let failure = RequestFailure.unavailable(required: 1, alive: 0)
            return answer(.client(ticket), .failed(failure), &effects)
        }
        // One node answers for as many partitions in a row as it can.
        var last = first
        while partitions.contains(last + 1), coveringNode(of: last + 1) == target { last += 1 }
        var asked = range
        asked.wall = time.wall
        asked.through = min(range.through, ring.tokenRange(partition: last).upperBound)
        let flight = CoverageFlight(
            ticket: ticket,
            deadline: deadline,
            epoch: ring.document.epoch,
            kind: .scan(range, end: asked.through, node: target)
        )
        let id = RequestID(.coverage, coverages.insert(flight))
        if target == node {
            ask(storage: .scan(asked, StorageToken(id)), &effects)
        } else {
            let timeout = deadline.since(time.now)
            let epoch = ring.document.epoch
            effects.emit(.send(target, .scan(id, asked, timeout: timeout, epoch: epoch)))
        }
    }

    mutating func serveScan(
        _ id: RequestID,
        _ range: ScanRange,
        from sender: NodeID,
        epoch: UInt64,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let partitions = ring.partition(of: range.from)...ring.partition(of: range.through)
        guard partitions.allSatisfy({ epoch >= ring.fence(of: $0) }) else {
            return refuse(id, of: sender, &effects)
        }
        guard localWork < configuration.replicaWorkMax else {
            effects.emit(.send(sender, .scanned(id, .failure(.readOnly))))
            return
        }
        let own = RequestID(.replica, replicaWork.insert(.scan(sender, id)))
        ask(storage: .scan(range, StorageToken(own)), &effects)
    }

    mutating func scanLoaded(
        _ id: RequestID,
        _ result: Result<ScanPage, StorageFailure>,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard id.kind == .replica else { return finishScan(id, result, &effects) }
        guard case .scan(let sender, let theirs) = replicaWork.remove(id.index) else {
            preconditionFailure("a scan completed for a fetch")
        }
        effects.emit(.send(sender, .scanned(theirs, result)))
    }

    mutating func finishScan(
        _ id: RequestID,
        _ result: Result<ScanPage, StorageFailure>,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard id.kind == .coverage, coverages.contains(id.index, id.generation),
            case .scan(let range, let end, _) = coverages[id.index].kind
        else {
            counters.lateAnswers += 1
            return
        }
        let flight = coverages.remove(id.index)
        switch result {
        case .failure(let failure):
            let failure = RequestFailure.storage(failure, required: 1, received: 0)
            answer(.client(flight.ticket), .failed(failure), &effects)
        case .success(var page):
            if page.next == nil, end < range.through {
                page.next = Token(rawValue: end.rawValue + 1)
            }
            effects.emit(.reply(flight.ticket, .page(page)))
        }
    }

    // MARK: Count

    mutating func beginCount(
        _ ticket: Ticket,
        deadline: Instant,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if let failure = overload(isWrite: false) {
            return answer(.client(ticket), .failed(failure), &effects)
        }
        var assigned: [NodeID?] = []
        assigned.reserveCapacity(ring.partitions)
        for partition in 0..<ring.partitions {
            assigned.append(partitions.contains(partition) ? coveringNode(of: partition) : nil)
        }
        guard assigned[partitions].allSatisfy({ $0 != nil }) else {
            let failure = RequestFailure.unavailable(required: 1, alive: 0)
            return answer(.client(ticket), .failed(failure), &effects)
        }
        let keys = tallies.keys
        let own = assigned.indices.reduce(0) { $0 + (assigned[$1] == node ? keys[$1] : 0) }
        let others = ring.allMembers.map(\.id).filter { id in
            id != node && assigned.contains(id)
        }
        guard !others.isEmpty else {
            effects.emit(.reply(ticket, .count(own)))
            return
        }
        let kind = CoverageFlight.Kind.count(assigned: assigned, waiting: others, sum: own)
        let flight = CoverageFlight(
            ticket: ticket,
            deadline: deadline,
            epoch: ring.document.epoch,
            kind: kind
        )
        let id = RequestID(.coverage, coverages.insert(flight))
        for other in others { effects.emit(.send(other, .count(id, epoch: ring.document.epoch))) }
    }

    mutating func serveCount(
        _ id: RequestID,
        from sender: NodeID,
        epoch: UInt64,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard epoch >= newestFence else { return refuse(id, of: sender, &effects) }
        effects.emit(.send(sender, .counted(id, keys: tallies.keys)))
    }

    /// Of all of this shard's partitions, since a count asks for each.
    private var newestFence: UInt64 {
        partitions.reduce(0) { max($0, ring.fence(of: $1)) }
    }

    mutating func finishCount(
        _ id: RequestID,
        _ keys: [Int],
        from sender: NodeID,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard id.kind == .coverage, coverages.contains(id.index, id.generation),
            case .count(let assigned, var waiting, var sum) = coverages[id.index].kind,
            let position = waiting.firstIndex(of: sender), keys.count == assigned.count
        else {
            counters.lateAnswers += 1
            return
        }
        waiting.remove(at: position)
        for partition in assigned.indices where assigned[partition] == sender {
            // A number from a peer may be anything.
            let (more, overflow) = sum.addingReportingOverflow(max(0, keys[partition]))
            sum = overflow ? .max : more
        }
        if waiting.isEmpty {
            let flight = coverages.remove(id.index)
            effects.emit(.reply(flight.ticket, .count(sum)))
        } else {
            coverages[id.index].kind = .count(assigned: assigned, waiting: waiting, sum: sum)
        }
    }

    /// Whether a scan or count waits for this node.
    func coverageWaits(_ index: Int, for peer: NodeID) -> Bool {
        switch coverages[index].kind {
        case .scan(_, _, let target): target == peer
        case .count(_, let waiting, _): waiting.contains(peer)
        }
    }
}
