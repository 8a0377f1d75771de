import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// The start of a request: can it be met, and who coordinates it.
extension Shard {
    /// - Parameter epoch: of the ring by which another node has handed the request on.
    mutating func begin(
        _ request: consuming ClientRequest,
        from origin: Origin,
        by epoch: UInt64 = 0,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        requestedAt = time.now
        if heat == nil { advanceHeat(to: time.now) }
        if request.isExplained { beginExplaining(origin, at: time.now) }
        if let failure = overload(isWrite: request.isWrite) {
            return answer(origin, .failed(failure), &effects)
        }
        let route = route(request)
        if let failure = route.unavailability(request) {
            return answer(origin, .failed(failure), &effects)
        }
        let deadline = deadline(request.timeout, time)
        guard deadline > time.now else {
            counters.expiredDropped += 1
            return answer(origin, .failed(timedOut(request)), &effects)
        }
        guard coordinates(origin, route, by: epoch) else {
            return forward(request, from: origin, route, by: epoch, deadline, at: time, &effects)
        }
        if route.replicas != route.homes { counters.sloppyRequests += 1 }
        if !explanations.isEmpty { explain(request, route, origin) }
        switch request.operation {
        case .inspect: beginInspect(request.key, route, origin, deadline, at: time, &effects)
        case .read: beginRead(request, route, origin, deadline, .answer, at: time, &effects)
        case .write(let mutation) where mutation.readsFirst:
            beginRead(request, route, origin, deadline, .write(mutation), at: time, &effects)
        case .write(let mutation):
            let flight = WriteFlight(
                request,
                mutation,
                route,
                origin,
                deadline: deadline,
                began: time.now
            )
            beginWrite(flight, at: time, &effects)
        }
    }

    /// Why a request is not taken on; nil while there is room.
    func overload(isWrite: Bool) -> RequestFailure? {
        if isWrite, isStorageBehind {
            return .overloaded(inFlight: localWork, limit: localWork)
        }
        if inFlight >= configuration.requestsMax {
            return .overloaded(inFlight: inFlight, limit: configuration.requestsMax)
        }
        let work = max(localWork, answeredWrites)
        if work >= configuration.replicaWorkMax {
            return .overloaded(inFlight: work, limit: configuration.replicaWorkMax)
        }
        return nil
    }

    /// The failure of a request of which nobody is known to have answered anything.
    func timedOut(_ request: ClientRequest) -> RequestFailure {
        let level = request.isWrite ? request.levels.write : request.levels.read
        return .timedOut(required: level.required(of: ring.replicas), received: 0)
    }

    // MARK: Inspecting

    private mutating func beginInspect(
        _ key: StoredKey,
        _ route: Route,
        _ origin: Origin,
        _ deadline: Instant,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let replicas = route.homes
        let states = (0..<replicas.count).map { slot in
            isUp(replicas[slot]) ? nil : ReplicaReport.State.unreachable
        }
        let flight = InspectFlight(
            origin: origin,
            replicas: replicas,
            deadline: deadline,
            states: states
        )
        let id = RequestID(.inspect, inspections.insert(flight))
        for slot in 0..<replicas.count where isUp(replicas[slot]) {
            if replicas[slot] == node {
                ask(storage: .load(key, StorageToken(id)), &effects)
            } else {
                let timeout = deadline.since(time.now)
                let question = PeerMessage.fetch(
                    id,
                    key,
                    .inspection,
                    timeout: timeout,
                    epoch: route.epoch
                )
                effects.emit(.send(replicas[slot], question))
            }
        }
    }

    mutating func inspectLoaded(
        _ id: RequestID,
        _ result: Result<EncodedObject?, StorageFailure>,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch result {
        case .success(let object): inspected(id, node, .object(object), &effects)
        case .failure(let failure): inspected(id, node, .failed(failure), &effects)
        }
    }

    mutating func inspected(
        _ id: RequestID,
        _ sender: NodeID,
        _ result: FetchResult,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard inspections.contains(id.index, id.generation),
            let slot = inspections[id.index].replicas.slot(of: sender)
        else {
            counters.lateAnswers += 1
            return
        }
        let state: ReplicaReport.State
        switch result {
        case .object(let object): state = object.map { .present($0) } ?? .absent
        case .failed(let failure): state = .failed(failure)
        case .digest, .overloaded: state = .unreachable
        }
        inspections[id.index].states[slot] = state
        finishInspectIfDone(id.index, &effects)
    }

    /// Answers once every replica has, or is counted as unreachable.
    mutating func finishInspectIfDone(_ index: Int, _ effects: inout EffectBuffer<ShardEffect>) {
        guard inspections[index].states.allSatisfy({ $0 != nil }) else { return }
        let flight = inspections.remove(index)
        let reports = flight.states.enumerated().map { slot, state in
            ReplicaReport(node: flight.replicas[slot], state: state ?? .unreachable)
        }
        answer(flight.origin, .inspected(reports), &effects)
    }
}
