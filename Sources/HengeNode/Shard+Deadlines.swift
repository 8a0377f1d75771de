import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Ends what waits too long, or for a node that is gone. Tables are walked by index, so the order
/// of the effects is the same in every run.
extension Shard {
    mutating func expire(at time: ClockReading, _ effects: inout EffectBuffer<ShardEffect>) {
        for index in 0..<reads.indexBound {
            guard let generation = reads.generation(at: index), reads[index].deadline <= time.now
            else { continue }
            let id = RequestID(.read, (index, generation))
            if !explanations.isEmpty { explanations.note(reads[index].origin, .deadline) }
            advance(read: id, .deadlineReached, at: time, &effects)
        }
        for index in 0..<writes.indexBound {
            guard let generation = writes.generation(at: index),
                writes[index].deadline <= time.now
            else { continue }
            let id = RequestID(.write, (index, generation))
            if !explanations.isEmpty { explanations.note(writes[index].origin, .deadline) }
            if writes[index].hasBegun {
                advance(write: id, .deadlineReached, at: time, &effects)
            } else {
                // Its record has not come. Nothing was written, and when it comes nothing will be.
                counters.expiredDropped += 1
                budget.record(time.now.since(writes[index].began), of: .write)
                endUnbegun(id, timedOut(writes[index]), &effects)
            }
        }
        for index in 0..<forwards.indexBound {
            guard forwards.generation(at: index) != nil, forwards[index].deadline <= time.now
            else { continue }
            if !explanations.isEmpty { explanations.note(forwards[index].origin, .deadline) }
            let flight = removeForward(index)
            noteEnd(of: flight, at: time)
            answer(flight.origin, .failed(timedOut(flight.request)), &effects)
        }
        for index in 0..<inspections.indexBound {
            guard inspections.generation(at: index) != nil,
                inspections[index].deadline <= time.now
            else { continue }
            inspections[index].states = inspections[index].states.map { $0 ?? .unreachable }
            finishInspectIfDone(index, &effects)
        }
        for index in 0..<coverages.indexBound {
            guard coverages.generation(at: index) != nil, coverages[index].deadline <= time.now
            else { continue }
            failCoverage(index, &effects)
        }
        expireParked(at: time, &effects)
    }

    /// The connection to a node is gone: what was asked of it will not be answered.
    mutating func abandon(
        _ peer: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if !explanations.isEmpty { explanations.lost(peer) }
        for index in 0..<reads.indexBound {
            guard let generation = reads.generation(at: index),
                let slot = reads[index].replicas.slot(of: peer),
                reads[index].coordinator.outstanding.contains(slot)
            else { continue }
            let id = RequestID(.read, (index, generation))
            if !explanations.isEmpty { explain(lostAt: slot, of: id) }
            advance(read: id, .lost(slot: slot), at: time, &effects)
        }
        for index in 0..<writes.indexBound {
            guard let generation = writes.generation(at: index),
                let slot = writes[index].replicas.slot(of: peer),
                writes[index].coordinator.outstanding.contains(slot)
            else { continue }
            let id = RequestID(.write, (index, generation))
            if !explanations.isEmpty { explain(lostAt: slot, of: id) }
            advance(write: id, .replicaRejected(slot: slot, .lost), at: time, &effects)
        }
        for index in 0..<forwards.indexBound {
            guard forwards.generation(at: index) != nil else { continue }
            forwardLost(index, peer, at: time, &effects)
        }
        for index in 0..<inspections.indexBound {
            guard inspections.generation(at: index) != nil,
                let slot = inspections[index].replicas.slot(of: peer),
                inspections[index].states[slot] == nil
            else { continue }
            inspections[index].states[slot] = .unreachable
            finishInspectIfDone(index, &effects)
        }
        for index in 0..<coverages.indexBound {
            guard coverages.generation(at: index) != nil, coverageWaits(index, for: peer)
            else { continue }
            failCoverage(index, &effects)
        }
    }

    private mutating func failCoverage(
        _ index: Int,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let flight = coverages.remove(index)
        let failure = RequestFailure.timedOut(required: 1, received: 0)
        answer(.client(flight.ticket), .failed(failure), &effects)
    }
}
