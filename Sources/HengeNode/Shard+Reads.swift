import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Reads that this node coordinates.
extension Shard {
    mutating func beginRead(
        _ request: ClientRequest,
        _ route: Route,
        _ origin: Origin,
        _ deadline: Instant,
        _ purpose: ReadFlight.Purpose,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        counters.reads += 1
        let replicas = route.replicas
        let required = route.readRequired(request.levels.read)
        var alive = route.readable
        if !isCompared(request.key.token), let own = replicas.slot(of: node) {
            alive.remove(own)
            guard alive.count >= required else {
                let failure = RequestFailure.unavailable(required: required, alive: alive.count)
                return answer(origin, .failed(failure), &effects)
            }
        }
        let coordinator: ReadCoordinator
        switch readCoordinator(request, route, alive, required, at: time.now) {
        case .success(let ready): coordinator = ready
        case .failure(let failure): return answer(origin, .failed(failure), &effects)
        }
        let flight = ReadFlight(
            origin: origin,
            key: request.key,
            replicas: replicas,
            homes: route.homes,
            epoch: route.epoch,
            levels: request.levels,
            isSloppy: request.isSloppy,
            deadline: deadline,
            purpose: purpose,
            began: time.now,
            coordinator: coordinator
        )
        let id = RequestID(.read, reads.insert(flight))
        if !explanations.isEmpty { explanations.flightBegan(origin) }
        hedging.budget.earn()
        if required > 1, alive.count > required { awaitHedge(of: id, hedging.readTimes, time.now) }
        advance(read: id, .begin, at: time, &effects)
    }

    /// - Parameters:
    ///   - alive: those that may be read from, at least `required` of them.
    private mutating func readCoordinator(
        _ request: ClientRequest,
        _ route: Route,
        _ alive: ReplicaSet,
        _ required: Int,
        at now: Instant
    ) -> Result<ReadCoordinator, RequestFailure> {
        var order = order(route.replicas, alive, at: now)
        var holders: WriteQuorum?
        var reserve = ReplicaSet()
        if configuration.readRepair == .blocking, let others = route.others(request) {
            let needed = request.levels.read.required(of: others.count)
            let up = route.alive.intersection(others)
            guard up.count >= needed else {
                return .failure(.unavailable(required: needed, alive: up.count))
            }
            holders = WriteQuorum(slots: others, required: needed)
            reserve = up.subtracting(alive)
            // Those of both sets do for both.
            order = order.preferring(others)
        }
        return .success(
            ReadCoordinator(
                order: order,
                required: required,
                holders: holders,
                reserve: reserve,
                repair: configuration.readRepair
            )
        )
    }

    /// Steps the read's coordinator and carries out what it wants.
    mutating func advance(
        read id: RequestID,
        _ input: ReadCoordinator.Input,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard reads.contains(id.index, id.generation) else { return }
        reads[id.index].coordinator.step(input, effects: &readEffects)
        // Nothing in the loop steps a read, whose effects would come among these: loads go through
        // the storage; lost peers and this node's own repair wait until it has ended.
        var unreachable = ReplicaSet()
        var ownRepair: Change?
        var finished = false
        for index in 0..<readEffects.count {
            switch readEffects[index] {
            case .fetch(let slot, let kind):
                if !fetch(slot, kind, for: id, at: time, &effects) { unreachable.insert(slot) }
            case .repair(let slots, let object):
                if !explanations.isEmpty { explain(repair: slots, object, of: id) }
                let (change, lost) = repair(slots, object, for: id, at: time, &effects)
                ownRepair = change ?? ownRepair
                unreachable = unreachable.union(lost)
            case .reply(let outcome):
                if !explanations.isEmpty { explain(outcome, ofRead: id) }
                conclude(id, outcome, at: time, &effects)
            case .finish:
                finished = true
            }
        }
        readEffects.removeAll()
        // Where nothing is left to store it ends, and steps the read, at once.
        if let ownRepair { apply(ownRepair, at: time, &effects) }
        if finished {
            noteEnd(of: reads[id.index].coordinator)
            let flight = reads.remove(id.index)
            if !explanations.isEmpty { explanations.flightEnded(flight.origin) }
        } else {
            unreachable.forEach { slot in
                // The one before, or the own repair, may have ended it.
                guard reads.contains(id.index, id.generation) else { return }
                if !explanations.isEmpty { explain(lostAt: slot, of: id) }
                advance(read: id, .lost(slot: slot), at: time, &effects)
            }
        }
    }

    private mutating func noteEnd(of coordinator: ReadCoordinator) {
        if coordinator.disagreed { counters.digestMismatches += 1 }
        if coordinator.wonByHedge { counters.hedgesWon += 1 }
        // These were needed for an answer at all, so they may overdraw what hedges may not.
        for _ in 0..<coordinator.replacements { hedging.budget.spend() }
    }

    /// Returns false when the replica can't be reached.
    private mutating func fetch(
        _ slot: Int,
        _ kind: FetchKind,
        for id: RequestID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) -> Bool {
        let target = reads[id.index].replicas[slot]
        let key = reads[id.index].key(at: slot)
        if !explanations.isEmpty {
            explanations.note(reads[id.index].origin, .asks(target, kind))
        }
        guard target != node else {
            ask(storage: .load(key, StorageToken(id)), &effects)
            return true
        }
        guard isUp(target) else { return false }
        if time.now != reads[id.index].began { reads[id.index].noteAsked(slot, at: time.now) }
        let timeout = reads[id.index].deadline.since(time.now)
        let epoch = reads[id.index].epoch
        effects.emit(.send(target, .fetch(id, key, kind, timeout: timeout, epoch: epoch)))
        return true
    }

    /// Sends the merged object to the replicas that lack it. Returns the change of this node's own
    /// record, if it is one of them, and those that can't be reached.
    private mutating func repair(
        _ slots: ReplicaSet,
        _ object: EncodedObject,
        for id: RequestID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) -> (own: Change?, lost: ReplicaSet) {
        counters.readRepairs += slots.count
        let replicas = reads[id.index].replicas
        let timeout = reads[id.index].deadline.since(time.now)
        let epoch = reads[id.index].epoch
        var own: Change?
        var unreachable = ReplicaSet()
        for slot in 0..<replicas.count where slots.contains(slot) {
            let target = replicas[slot]
            // Also to a stand-in, which keeps it in the home replica's place: else it could not
            // count among those of which blocking repair says that they hold the answer.
            let key = reads[id.index].key(at: slot)
            if target == node, key.standInFor == nil || !leavesRing {
                own = Change(key: key, kind: .repair(object, id))
            } else if target != node, isUp(target) {
                let message = PeerMessage.store(id, key, object, timeout: timeout, epoch: epoch)
                effects.emit(.send(target, message))
            } else {
                unreachable.insert(slot)
            }
        }
        return (own, unreachable)
    }

    private mutating func conclude(
        _ id: RequestID,
        _ outcome: ReadCoordinator.Outcome,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let origin = reads[id.index].origin
        noteTime(ofRead: id.index, time.now)
        if reads[id.index].isFenced, !outcome.isAnswer {
            let flight = reads[id.index]
            let work = Parked.Work.request(origin, flight.request(at: time.now))
            return park(work, flight.deadline, after: flight.epoch)
        }
        if case .answer = reads[id.index].purpose {
            budget.record(time.now.since(reads[id.index].began), of: .read)
        }
        switch outcome {
        case .object(let object):
            switch reads[id.index].purpose {
            case .answer:
                let bytes = object?.bytes.readableBytes ?? 0
                countHeat(reads[id.index].key, isWrite: false, bytes: bytes)
                answer(origin, .object(object), &effects)
            case .write(let mutation):
                let flight = reads[id.index]
                continueWrite(flight, mutation, found: object, at: time, &effects)
            }
        case .timedOut(let received, let required):
            let failure = RequestFailure.timedOut(required: required, received: received)
            answer(origin, .failed(failure), &effects)
        case .storage(let why, let received, let required):
            let failure = RequestFailure.storage(why, required: required, received: received)
            answer(origin, .failed(failure), &effects)
        case .overloaded:
            let failure = RequestFailure.overloaded(
                inFlight: inFlight,
                limit: configuration.replicaWorkMax
            )
            answer(origin, .failed(failure), &effects)
        }
    }

    /// The read that a write wanted is done; replicas may have come or gone meanwhile.
    private mutating func continueWrite(
        _ read: ReadFlight,
        _ mutation: Mutation,
        found: EncodedObject?,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let request = read.request(at: time.now)
        guard read.epoch == ring.document.epoch else {
            // Whoever coordinates it now has to know what is there.
            return park(.request(read.origin, request), read.deadline, after: read.epoch)
        }
        let route = Route(
            roles: ring.roles(partition: ring.partition(of: read.key.token)),
            replicas: read.replicas,
            alive: aliveSlots(of: read.replicas),
            epoch: read.epoch
        )
        if let failure = route.writeUnavailability(read.levels.write) {
            return answer(read.origin, .failed(failure), &effects)
        }
        let flight = WriteFlight(
            request,
            mutation,
            route,
            read.origin,
            deadline: read.deadline,
            began: read.began,
            found: found
        )
        beginWrite(flight, at: time, &effects)
    }

    // MARK: Answers

    mutating func localFetched(
        _ id: RequestID,
        _ result: Result<EncodedObject?, StorageFailure>,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard reads.contains(id.index, id.generation) else { return }
        let slot = ownSlot(in: reads[id.index].replicas)
        if case .failure(.corrupt) = result {
            foundRotten(reads[id.index].key(at: slot), at: time, &effects)
        }
        let answer: FetchResult
        switch result {
        case .success(let object): answer = .object(object)
        case .failure(let failure): answer = .failed(failure)
        }
        if !explanations.isEmpty { explain(answer, of: slot, for: id) }
        advance(read: id, .replied(slot: slot, answer), at: time, &effects)
    }

    mutating func finishFetch(
        _ id: RequestID,
        _ result: FetchResult,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if id.kind == .inspect { return inspected(id, sender, result, &effects) }
        hedging.answered(id, by: sender, at: time.now)
        guard id.kind == .read, reads.contains(id.index, id.generation),
            let slot = reads[id.index].replicas.slot(of: sender)
        else {
            counters.lateAnswers += 1
            return
        }
        hedging.record(time.now.since(reads[id.index].asked(slot)), of: sender, at: time.now)
        if !explanations.isEmpty { explain(result, of: slot, for: id) }
        advance(read: id, .replied(slot: slot, result), at: time, &effects)
    }
}

extension ReadCoordinator.Outcome {
    fileprivate var isAnswer: Bool {
        if case .object = self { return true }
        return false
    }
}
