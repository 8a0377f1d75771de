import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// What waits for a newer ring: requests that replicas have refused since this node's is too old,
/// and messages by a ring that this node has yet to adopt. Nobody hears of it but by the time that
/// it takes.
struct Parked: Sendable {
    enum Work: Sendable {
        case request(Origin, ClientRequest)
        /// One whose object is made, and maybe stored by some: to be sent again as it is.
        case write(WriteFlight, EncodedObject)
        case scan(Ticket, ScanRange)
        case count(Ticket)
        case message(PeerMessage, from: NodeID)
    }

    let work: Work
    let deadline: Instant
    /// It goes on with the ring of this epoch, or of a later one.
    let epoch: UInt64

    /// Whether a client waits for it.
    var isRequest: Bool {
        if case .message = work { return false }
        return true
    }
}

extension Shard {
    /// Another node has refused what this one asked, for the age of this node's ring.
    mutating func refusedForRing(
        _ id: RequestID,
        _ epoch: UInt64,
        by sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        counters.staleRingRefusals += 1
        noteNewer(epoch, of: sender, &effects)
        switch id.kind {
        case .write:
            guard writes.contains(id.index, id.generation),
                let slot = writes[id.index].replicas.slot(of: sender),
                writes[id.index].coordinator.outstanding.contains(slot)
            else { break }
            if !explanations.isEmpty {
                explanations.note(writes[id.index].origin, .refusesRing(sender))
            }
            let refusal = WriteCoordinator.Input.replicaRejected(slot: slot, .staleRing)
            return advance(write: id, refusal, at: time, &effects)
        case .read:
            guard reads.contains(id.index, id.generation),
                let slot = reads[id.index].replicas.slot(of: sender)
            else { break }
            reads[id.index].isFenced = true
            if !explanations.isEmpty {
                explanations.note(reads[id.index].origin, .refusesRing(sender))
            }
            return advance(read: id, .lost(slot: slot), at: time, &effects)
        case .coverage:
            guard coverages.contains(id.index, id.generation) else { break }
            return parkCoverage(id.index)
        default: break
        }
        counters.lateAnswers += 1
    }

    private mutating func parkCoverage(_ index: Int) {
        let flight = coverages.remove(index)
        switch flight.kind {
        case .scan(let range, _, _):
            park(.scan(flight.ticket, range), flight.deadline, after: flight.epoch)
        case .count: park(.count(flight.ticket), flight.deadline, after: flight.epoch)
        }
    }

    /// Another node has a ring of this epoch.
    mutating func noteNewer(
        _ epoch: UInt64,
        of sender: NodeID,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        adopted(epoch, by: sender)
        if epoch > ring.document.epoch { effects.emit(.ringIsOld(epoch: epoch, sender)) }
    }

    /// Takes work up again at the end of the step in which there is a ring newer than `epoch`.
    mutating func park(_ work: Parked.Work, _ deadline: Instant, after epoch: UInt64) {
        parked.append(Parked(work: work, deadline: deadline, epoch: epoch + 1))
        guard !explanations.isEmpty, let origin = work.origin else { return }
        explanations.flightBegan(origin)
        explanations.note(origin, .waitsForRing(epoch))
    }

    /// Takes a message up again once this node has the sender's ring.
    mutating func park(
        _ message: PeerMessage,
        from sender: NodeID,
        _ deadline: Instant,
        until epoch: UInt64
    ) {
        let work = Parked.Work.message(message, from: sender)
        parked.append(Parked(work: work, deadline: deadline, epoch: epoch))
    }

    /// Goes on with what the present ring is new enough for.
    mutating func resumeParked(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let epoch = ring.document.epoch
        guard parked.contains(where: { $0.epoch <= epoch }) else { return }
        let due = parked.filter { $0.epoch <= epoch }
        parked.removeAll { $0.epoch <= epoch }
        for item in due {
            let origin = explanations.isEmpty ? nil : item.work.origin
            if let origin { explanations.note(origin, .resumes(epoch)) }
            resume(item, at: time, &effects)
            if let origin { explanations.flightEnded(origin) }
        }
    }

    private mutating func resume(
        _ item: Parked,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch item.work {
        case .request(let origin, var request):
            request.timeout = item.deadline.since(time.now)
            request.isExplained = !explanations.isEmpty && explanations.contains(origin)
            begin(request, from: origin, at: time, &effects)
        case .write(let flight, let object): resend(flight, object, at: time, &effects)
        case .scan(let ticket, let range):
            beginScan(range, ticket, deadline: item.deadline, at: time, &effects)
        case .count(let ticket): beginCount(ticket, deadline: item.deadline, at: time, &effects)
        case .message(let message, let sender): receive(message, from: sender, at: time, &effects)
        }
    }

    /// Answers what has waited too long. A message's sender has given up by itself.
    mutating func expireParked(at time: ClockReading, _ effects: inout EffectBuffer<ShardEffect>) {
        guard parked.contains(where: { $0.deadline <= time.now }) else { return }
        let late = parked.filter { $0.deadline <= time.now }
        parked.removeAll { $0.deadline <= time.now }
        for item in late {
            if !explanations.isEmpty, let origin = item.work.origin {
                explanations.note(origin, .deadline)
                explanations.flightEnded(origin)
            }
            switch item.work {
            case .request(let origin, let request):
                answer(origin, .failed(timedOut(request)), &effects)
            case .write(let flight, _): answer(flight.origin, timedOut(flight), &effects)
            case .scan(let ticket, _), .count(let ticket):
                let failure = RequestFailure.timedOut(required: 1, received: 0)
                answer(.client(ticket), .failed(failure), &effects)
            case .message: counters.expiredDropped += 1
            }
        }
    }

    /// Sends a write that was refused for the age of the ring to whom the newer one names.
    private mutating func resend(
        _ flight: WriteFlight,
        _ object: EncodedObject,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let request = flight.request(at: time.now)
        let route = route(request)
        guard route.unavailability(request) == nil else {
            // Some may hold the write, so it must not read like "nothing was done".
            return answer(flight.origin, timedOut(flight), &effects)
        }
        var again = flight.rerouted(route, at: time.now)
        again.hasBegun = true
        let id = RequestID(.write, writes.insert(again))
        if !explanations.isEmpty { explanations.flightBegan(again.origin) }
        replicate(id, object, in: nil, at: time, &effects)
    }
}
