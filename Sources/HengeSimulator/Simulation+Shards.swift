import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeRing

/// What a node's control plane tells its shards, and what clients ask of all of them.
///
/// The first shard has the control plane's event loop and hears everything at once. The others hear
/// it in the same order, each some time later. So a node goes by two rings for a while: whatever
/// the control plane wants done after it has adopted a ring waits until all shards have.
extension Simulation {
    // MARK: The control plane's words

    func tell(_ node: SimulatedNode, _ process: Process, _ input: ShardInput) {
        step(node, shard: 0, input)
        for shard in process.shards.dropFirst() where node.process === process {
            let soonest = shard.toldAt + Interval(nanoseconds: 1)
            shard.toldAt = max(now + tellDelay(input), soonest)
            let address = ShardAddress(node.index, process.number, shard.index)
            queue.schedule(.told(address, input), at: shard.toldAt)
        }
    }

    private func tellDelay(_ input: ShardInput) -> Interval {
        guard case .ring = input else {
            return options.hasJitter
                ? .microseconds(UInt64(shardDice.below(200))) : .microseconds(10)
        }
        guard options.hasJitter else { return options.adoptionDelay }
        // Now and then an event loop has something else to do for long.
        let factor = UInt64(shardDice.pick([0, 1, 1, 1, 10]))
        let usual = Interval(nanoseconds: options.adoptionDelay.nanoseconds * factor)
        return delay(usual, &shardDice)
    }

    func told(_ input: ShardInput, _ address: ShardAddress) {
        guard let process = process(address.node, address.process) else { return }
        let node = nodes[address.node]
        step(node, shard: address.shard, input)
        guard case .ring(let ring) = input, node.process === process else { return }
        let epoch = ring.document.epoch
        trace.note("shard \(address.shard) adopts epoch \(epoch)", at: node.id, now)
        guard let adoption = process.adoption, adoption.epoch == epoch else {
            preconditionFailure("a shard adopts a ring that nobody waits for")
        }
        process.adoption?.missing = adoption.missing - 1
        if adoption.missing == 1 { allAdopted(node, process) }
    }

    /// The control plane goes on, up to the next ring.
    private func allAdopted(_ node: SimulatedNode, _ process: Process) {
        guard let adoption = process.adoption else { return }
        invariant(process.epoch == adoption.epoch)
        counts.messagesHeld += adoption.messages
        let what = "has adopted epoch \(adoption.epoch), \(adoption.messages) messages waited"
        trace.note(what, at: node.id, now)
        // What it makes of this comes after all that waited, as does what follows from that.
        step(node, control: .ownReport(process.ringReport))
        while node.process === process, process.adoption?.missing == 0,
            let effect = process.adoption?.held.first
        {
            process.adoption?.held.removeFirst()
            carryOut(effect, of: node, process)
        }
        if process.adoption?.missing == 0 { process.adoption = nil }
    }

    // MARK: Requests

    func submit(_ ticket: Ticket, _ request: ClientRequest, to node: SimulatedNode) {
        let shard = ShardSlice.index(of: request.key.token, count: options.shards)
        if answerAtOnce(ticket, request, by: node, shard: shard) { return }
        step(node, shard: shard, .request(ticket, request))
    }

    /// Answers a read that needs nobody else and finds its record at hand, as every second does.
    private func answerAtOnce(
        _ ticket: Ticket,
        _ request: ClientRequest,
        by node: SimulatedNode,
        shard index: Int
    ) -> Bool {
        guard ticket.rawValue.isMultiple(of: 2), violation == nil, node.pausedSince == nil,
            let shard = node.process?.shards[index], shard.shard.readsAlone(request),
            let bytes = node.disk[index].recall(request.key),
            let object = try? EncodedObject(bytes)
        else { return false }
        let reply = ShardReply.response(.object(object))
        trace.record(.request(ticket, request), at: node.id, label(of: shard), now)
        trace.record(.reply(ticket, reply), of: node.id, label(of: shard), now)
        counts.readsAtOnce += 1
        shard.shard.hasReadAlone(request.key, object, at: node.clock.reading(at: now))
        checking { () throws(Violation) in
            if let key = causal.number(of: request.key) {
                try causal.loaded(object, of: key, at: Place(node: node.index, request.key))
            }
            causal.ended(.client(ticket), wroteNothing: true, at: node.index)
            try answer(Int(ticket.rawValue), reply, from: node)
        }
        return true
    }

    func submitScan(
        _ ticket: Ticket,
        _ range: ScanRange,
        timeout: Interval,
        to node: SimulatedNode
    ) {
        let shard = ShardSlice.index(of: range.from, count: options.shards)
        step(node, shard: shard, .scan(ticket, range, timeout: timeout))
    }

    /// Hands a count to all shards of a node.
    func submitCount(_ ticket: Ticket, timeout: Interval, to node: SimulatedNode) {
        guard let process = node.process else { return }
        process.counts[ticket] = CountSum(missing: process.shards.count)
        for shard in process.shards where node.process === process {
            step(node, shard: shard.index, .count(ticket, timeout: timeout))
        }
    }

    /// What the client gets now that a shard has answered: the sum of a count once all have, or the
    /// first failure; nil for nothing.
    func counted(_ reply: ShardReply, to ticket: Ticket, _ process: Process) -> ShardReply? {
        guard var count = process.counts[ticket] else { return reply }
        count.missing -= 1
        defer { process.counts[ticket] = count.missing > 0 ? count : nil }
        guard !count.hasFailed else { return nil }
        guard case .count(let keys) = reply else {
            count.hasFailed = true
            return reply
        }
        count.sum += keys
        return count.missing > 0 ? nil : .count(count.sum)
    }

    // MARK: Checks

    /// What a shard asks of its database is of its own part of the token space.
    func checkSlice(of request: StorageRequest, _ shard: SimulatedShard) {
        let slice = ShardSlice(index: shard.index, count: options.shards)
        let own = slice.partitions(of: ring.partitions)
        switch request {
        case .load(let key, _), .loadVersion(let key, _), .remove(let key, _):
            invariant(slice.contains(key.token))
        case .persist(let key, _, let hints, _):
            invariant(slice.contains(key.token))
            invariant(hints.allSatisfy { slice.contains($0.key.token) })
        case .keepHints(let hints, _):
            invariant(hints.allSatisfy { slice.contains($0.key.token) })
        case .scan(let range, _):
            invariant(slice.contains(range.from) && slice.contains(range.through))
        case .list(let range, _):
            invariant(slice.contains(range.from) && slice.contains(range.through))
        case .dropPartition(let partition, _, _), .saveWatermark(let partition, _, _),
            .saveTransfer(let partition, _, _):
            invariant(own.contains(partition))
        case .loadHints, .dropHints: break
        }
    }
}
