import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

/// Requests for keys that this node holds no replica of.
extension Shard {
    mutating func forward(
        _ request: ClientRequest,
        from origin: Origin,
        _ replicas: PreferenceList,
        _ homes: PreferenceList,
        _ deadline: Instant,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard case .client(let ticket) = origin else {
            // Both sides hold the same ring, so this is a peer with another one: it must not
            // bounce.
            let failure = RequestFailure.unavailable(required: 1, alive: 0)
            return answer(origin, .failed(failure), &effects)
        }
        let alive = coordinators(replicas, homes)
        guard let slot = forwardSlot(alive, of: replicas, at: time.now) else {
            let failure = RequestFailure.unavailable(required: 1, alive: 0)
            return answer(origin, .failed(failure), &effects)
        }
        counters.forwarded += 1
        let flight = ForwardFlight(
            ticket: ticket,
            request: request,
            deadline: deadline,
            began: time.now,
            tried: .only(slot),
            target: replicas[slot]
        )
        let id = RequestID(.forward, forwards.insert(flight))
        hedging.budget.earn()
        if !request.isWrite, alive.count > 1 { awaitHedge(of: id, hedging.forwardTimes, time.now) }
        sendForward(id, to: replicas[slot], at: time, &effects)
    }

    /// Sends the request with the time that is left of its deadline.
    mutating func sendForward(
        _ id: RequestID,
        to target: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        var request = forwards[id.index].request
        request.timeout = forwards[id.index].deadline.since(time.now)
        effects.emit(.send(target, .forward(id, request)))
    }

    mutating func finishForward(
        _ id: RequestID,
        _ response: ClientResponse,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        hedging.answered(id, by: sender, at: time.now)
        guard id.kind == .forward, forwards.contains(id.index, id.generation) else {
            counters.lateAnswers += 1
            return
        }
        if case .failed = response, let hedge = forwards[id.index].hedge {
            // The other node may know better.
            return dropForward(id.index, sender, hedge)
        }
        let flight = forwards.remove(id.index)
        let isHedge = flight.hedge == sender
        if isHedge { counters.hedgesWon += 1 }
        if !flight.request.isWrite {
            let since = isHedge ? flight.hedgedAt ?? flight.began : flight.began
            hedging.forwardTimes.record(time.now.since(since))
        }
        answer(.client(flight.ticket), response, &effects)
    }

    /// One of two nodes that were asked will not answer: go on waiting for the other.
    private mutating func dropForward(_ index: Int, _ peer: NodeID, _ hedge: NodeID) {
        guard peer == hedge || peer == forwards[index].target else { return }
        if peer != hedge { forwards[index].target = hedge }
        forwards[index].hedge = nil
    }

    /// A node that a request may have been handed to is gone: a read goes to another; a write may
    /// have happened.
    mutating func forwardLost(
        _ index: Int,
        _ peer: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let flight = forwards[index]
        if let hedge = flight.hedge { return dropForward(index, peer, hedge) }
        guard flight.target == peer else { return }
        let replicas = ring.preferenceList(of: flight.request.key.token)
        if !flight.request.isWrite {
            let rest = aliveSlots(of: replicas).subtracting(flight.tried)
            if let slot = forwardSlot(rest, of: replicas, at: time.now),
                let generation = forwards.generation(at: index)
            {
                // It is needed for an answer at all, so it may overdraw what hedges may not.
                hedging.budget.spend()
                forwards[index].tried.insert(slot)
                forwards[index].target = replicas[slot]
                let id = RequestID(.forward, (index, generation))
                return sendForward(id, to: replicas[slot], at: time, &effects)
            }
        }
        forwards.remove(index)
        if flight.request.isSloppy, !flight.request.isWrite {
            // Maybe a stand-in can be asked. Ends, since each turn takes a node that has gone.
            var request = flight.request
            request.timeout = flight.deadline.since(time.now)
            return begin(request, from: .client(flight.ticket), at: time, &effects)
        }
        answer(.client(flight.ticket), .failed(timedOut(flight.request)), &effects)
    }
}
