import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

/// Requests for keys that this node holds no replica of.
extension Shard {
    /// - Parameter epoch: of the ring by which another node has handed the request on.
    mutating func forward(
        _ request: ClientRequest,
        from origin: Origin,
        _ route: Route,
        by epoch: UInt64,
        _ deadline: Instant,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if case .peer = origin, epoch >= route.epoch {
            // Both hold the same ring, and see others up: it must not bounce. By an older ring it
            // comes to where the key was, and with each turn to a ring that is newer.
            let failure = RequestFailure.unavailable(required: 1, alive: 0)
            return answer(origin, .failed(failure), &effects)
        }
        let replicas = route.replicas
        let alive = coordinators(route)
        guard let slot = forwardSlot(alive, of: replicas, at: time.now) else {
            let failure = RequestFailure.unavailable(required: 1, alive: 0)
            return answer(origin, .failed(failure), &effects)
        }
        counters.forwarded += 1
        let flight = ForwardFlight(
            origin: origin,
            request: request,
            deadline: deadline,
            began: time.now,
            tried: .only(slot),
            target: replicas[slot]
        )
        let id = RequestID(.forward, forwards.insert(flight))
        if !explanations.isEmpty { explanations.flightBegan(origin) }
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
        if !explanations.isEmpty { explainForward(id, to: target) }
        effects.emit(.send(target, .forward(id, request, epoch: ring.document.epoch)))
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
        if !explanations.isEmpty { explainForwarded(id, by: sender) }
        if case .failed = response, let hedge = forwards[id.index].hedge {
            // The other node may know better.
            return dropForward(id.index, sender, hedge)
        }
        let flight = removeForward(id.index)
        noteEnd(of: flight, at: time)
        let isHedge = flight.hedge == sender
        if isHedge { counters.hedgesWon += 1 }
        if !flight.request.isWrite {
            let since = isHedge ? flight.hedgedAt ?? flight.began : flight.began
            hedging.forwardTimes.record(time.now.since(since))
        }
        answer(flight.origin, response, &effects)
    }

    @discardableResult
    mutating func removeForward(_ index: Int) -> ForwardFlight {
        let flight = forwards.remove(index)
        if !explanations.isEmpty { explanations.flightEnded(flight.origin) }
        return flight
    }

    /// It is answered, or has waited too long.
    mutating func noteEnd(of flight: ForwardFlight, at time: ClockReading) {
        let kind = flight.request.isWrite ? BackgroundBudget.Request.write : .read
        budget.record(time.now.since(flight.began), of: kind)
    }

    /// Those that can coordinate a forwarded read and were not asked to. Slots that a ring before
    /// this one has given count as tried.
    func untried(_ flight: ForwardFlight) -> (replicas: PreferenceList, slots: ReplicaSet) {
        let roles = ring.roles(partition: ring.partition(of: flight.request.key.token))
        let alive = aliveSlots(of: roles.homes).intersection(roles.readers)
        return (roles.homes, alive.subtracting(flight.tried))
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
        if !explanations.isEmpty, peer == flight.target || peer == flight.hedge {
            explanations.note(flight.origin, .loses(peer))
        }
        if let hedge = flight.hedge { return dropForward(index, peer, hedge) }
        guard flight.target == peer else { return }
        if !flight.request.isWrite {
            let (replicas, rest) = untried(flight)
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
        removeForward(index)
        if flight.request.isSloppy, !flight.request.isWrite {
            // Maybe a stand-in can be asked. Ends, since each turn takes a node that has gone.
            var request = flight.request
            request.timeout = flight.deadline.since(time.now)
            return begin(request, from: flight.origin, at: time, &effects)
        }
        answer(flight.origin, .failed(timedOut(flight.request)), &effects)
    }
}
