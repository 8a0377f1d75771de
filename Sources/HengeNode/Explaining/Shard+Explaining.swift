import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// What is noted of requests that are explained. Each call is behind a look at whether there are
/// any.
extension Shard {
    mutating func beginExplaining(_ origin: Origin, at now: Instant) {
        explanations.begin(origin, at: node, epoch: ring.document.epoch, now: now)
    }

    /// This node coordinates the request.
    mutating func explain(_ request: ClientRequest, _ route: Route, _ origin: Origin) {
        var reads = 0
        var writes = 0
        let isRead: Bool
        switch request.operation {
        case .inspect: return
        case .read: isRead = true
        case .write(let mutation):
            isRead = mutation.readsFirst
            let (current, next) = route.quorums(request.levels.write)
            writes = max(current.required, next?.required ?? 0)
        }
        if isRead { reads = request.levels.read.required(of: route.roles.readers.count) }
        explanations.note(
            origin,
            .coordinates(reads: UInt8(clamping: reads), writes: UInt8(clamping: writes))
        )
        for slot in 0..<route.replicas.count {
            let (home, replica) = (route.homes[slot], route.replicas[slot])
            if replica != home {
                explanations.note(origin, .standsIn(replica, for: home))
            } else if !route.alive.contains(slot) {
                explanations.note(origin, .skips(home))
            }
        }
    }

    /// The read merges what differs, or sends it to these.
    mutating func explain(repair slots: ReplicaSet, _ object: EncodedObject, of id: RequestID) {
        let (origin, replicas) = (reads[id.index].origin, reads[id.index].replicas)
        explanations.note(origin, .merges(Explanation.Version(object)))
        slots.forEach { explanations.note(origin, .repairs(replicas[$0])) }
    }

    /// The read has its answer; unless a repair has told of it already, what was merged for it.
    mutating func explain(_ outcome: ReadCoordinator.Outcome, ofRead id: RequestID) {
        guard case .object(let object?) = outcome, reads[id.index].coordinator.disagreed
        else { return }
        explanations.note(reads[id.index].origin, .merges(Explanation.Version(object)))
    }

    mutating func explain(_ result: FetchResult, of slot: Int, for id: RequestID) {
        let (origin, replicas) = (reads[id.index].origin, reads[id.index].replicas)
        explanations.note(origin, .answers(replicas[slot], Explanation.Finding(result)))
    }

    /// The write's object is made and goes to these.
    mutating func explain(
        _ object: EncodedObject,
        to targets: ReplicaSet,
        isNew: Bool,
        for id: RequestID
    ) {
        let (origin, replicas) = (writes[id.index].origin, writes[id.index].replicas)
        if isNew { explanations.note(origin, .makes(Explanation.Version(object))) }
        targets.forEach { explanations.note(origin, .sends(replicas[$0])) }
    }

    /// The read or write of this id has lost the replica at `slot`.
    mutating func explain(lostAt slot: Int, of id: RequestID) {
        if id.kind == .read {
            explanations.note(reads[id.index].origin, .loses(reads[id.index].replicas[slot]))
        } else {
            explanations.note(writes[id.index].origin, .loses(writes[id.index].replicas[slot]))
        }
    }

    mutating func explainForward(_ id: RequestID, to target: NodeID) {
        let flight = forwards[id.index]
        let event = Explanation.Event.forwards(target, isHedge: flight.hedge == target)
        explanations.note(flight.origin, event)
    }

    /// A node that a request was forwarded to has answered it, and will tell how it went.
    mutating func explainForwarded(_ id: RequestID, by sender: NodeID) {
        let flight = forwards[id.index]
        explanations.note(flight.origin, .forwardAnswered(sender))
        guard flight.request.isExplained else { return }
        explanations.waitForLeg(id, of: sender, for: flight.origin, until: flight.deadline)
    }

    /// What has become of a hint for the target.
    ///
    /// - Parameter dropped: ``ShardCounters/hintsDropped`` before it was to be kept.
    mutating func explain(hint: Hint?, _ target: NodeID, _ origin: Origin, dropped: Int) {
        let isRefused = counters.hintsDropped > dropped
        let fate: Explanation.HintFate = hint != nil ? .kept : isRefused ? .refused : .covered
        explanations.note(origin, .hints(target, fate))
    }

    /// Sends what has been held, or has to be told, of explained requests that have ended.
    mutating func releaseExplained(_ effects: inout EffectBuffer<ShardEffect>) {
        explanations.expire()
        for (origin, one) in explanations.takeFinished() {
            let explanation = Explanation(legs: one.legs)
            switch origin {
            case .client(let ticket):
                guard let response = one.response else {
                    preconditionFailure("answered a client without an answer")
                }
                effects.emit(.reply(ticket, .explained(response, explanation)))
            case .peer(let sender, let id):
                effects.emit(.send(sender, .explained(id, explanation)))
            }
        }
    }
}

extension Parked.Work {
    /// Of a request on a key.
    var origin: Origin? {
        switch self {
        case .request(let origin, _): origin
        case .write(let flight, _): flight.origin
        case .scan, .count, .message: nil
        }
    }
}
