import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Writes that this node coordinates.
extension Shard {
    mutating func beginWrite(
        _ flight: consuming WriteFlight,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        counters.writes += 1
        if !explanations.isEmpty { explanations.flightBegan(flight.origin) }
        let key = flight.key(at: ownSlot(in: flight.replicas))
        let id = RequestID(.write, writes.insert(flight))
        apply(Change(key: key, kind: .coordinate(id)), at: time, &effects)
    }

    /// A coordinator is one of those that it asks.
    func ownSlot(in replicas: PreferenceList) -> Int {
        guard let slot = replicas.slot(of: node) else {
            preconditionFailure("a node that holds nothing of a key coordinates a request for it")
        }
        return slot
    }

    /// The record is at hand: mint, persist here and send to the others at the same time.
    mutating func coordinate(
        _ id: RequestID,
        on latest: EncodedObject?,
        in place: PendingKeys.Place,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard isStillWanted(id, at: time, &effects) else { return }
        var known = latest
        if let found = writes[id.index].found { known = ObjectMerge.merge(latest, found) }
        if let new = MutationPlan.replacement(writes[id.index].mutation) {
            if let known { observe(known, at: time) }
            let context = known?.context ?? VersionVector()
            return replace(id, new, context, in: place, at: time, &effects)
        }
        let object = known?.decoded() ?? VersionedObject()
        for sibling in object.siblings { observe(sibling.timestamp, at: time) }
        write(id, on: object, in: place, at: time, &effects)
    }

    /// The same where all that is here is replaced, of which no more than the version is at hand.
    mutating func coordinate(
        _ id: RequestID,
        replacing version: EncodedVersion,
        in place: PendingKeys.Place,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard isStillWanted(id, at: time, &effects) else { return }
        for write in version.writes { observe(write.timestamp, at: time) }
        if let new = MutationPlan.replacement(writes[id.index].mutation) {
            return replace(id, new, version.context, in: place, at: time, &effects)
        }
        let rest = VersionedObject(context: version.context, siblings: [])
        write(id, on: rest, in: place, at: time, &effects)
    }

    /// The new value alone stands, beside all that was seen before it.
    private mutating func replace(
        _ id: RequestID,
        _ new: (payload: Sibling.Payload, expiry: WallTime?),
        _ seen: consuming VersionVector,
        in place: PendingKeys.Place,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        var context = seen
        let key = writes[id.index].key(at: ownSlot(in: writes[id.index].replicas))
        let sibling = Sibling(
            dot: mint(for: key, context, VersionVector(), &effects),
            timestamp: clock.next(wall: time.wall),
            expiry: new.expiry,
            payload: new.payload
        )
        context.record(sibling.dot)
        store(
            id,
            VersionedObject(context: context, siblings: [sibling]),
            key,
            in: place,
            at: time,
            &effects
        )
    }

    /// As of each of its siblings.
    private mutating func observe(_ object: EncodedObject, at time: ClockReading) {
        guard !clock.accepts(object.latestTimestamp, wall: time.wall) else {
            return clock.observe(object.latestTimestamp)
        }
        for write in object.writes { observe(write.timestamp, at: time) }
    }

    /// One that a wrong clock made must not drag this node's clock after it.
    private mutating func observe(_ timestamp: HybridTimestamp, at time: ClockReading) {
        if clock.accepts(timestamp, wall: time.wall) { clock.observe(timestamp) }
    }

    private mutating func write(
        _ id: RequestID,
        on known: consuming VersionedObject,
        in place: PendingKeys.Place,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        var object = known
        let key = writes[id.index].key(at: ownSlot(in: writes[id.index].replicas))
        let newest = object.newestLive(at: time.wall).flatMap(LiveValue.init)
        let decision = MutationPlan.decide(
            writes[id.index].mutation,
            on: object,
            wall: time.wall,
            siblingsMax: siblingsMax(for: writes[id.index].mutation)
        )
        switch decision {
        case .notApplied:
            return endUnbegun(id, .notApplied(previous: newest), &effects)
        case .conflict(let siblings):
            let failure = RequestFailure.conflict(
                siblings: siblings,
                limit: configuration.siblingsMax
            )
            return endUnbegun(id, .failed(failure), &effects)
        case .write(let payload, let expiry, let replacing):
            let sibling = Sibling(
                dot: mint(for: key, object.context, replacing, &effects),
                timestamp: clock.next(wall: time.wall),
                expiry: expiry,
                payload: payload
            )
            object.write(sibling, replacing: replacing)
        }
        if writes[id.index].mutation.returnsPrevious { writes[id.index].previous = newest }
        store(id, object, key, in: place, at: time, &effects)
    }

    /// Persists the new object and sends it to the others.
    private mutating func store(
        _ id: RequestID,
        _ object: VersionedObject,
        _ key: StoredKey,
        in place: PendingKeys.Place,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let encoded = object.encoded()
        if let failure = tooLarge(encoded) {
            // The dot is minted and never used: a gap, which is normal.
            return endUnbegun(id, .failed(failure), &effects)
        }
        warnOfSiblings(key, object.siblings.count, &effects)
        writes[id.index].context = object.context
        writes[id.index].hasBegun = true
        replicate(id, encoded, in: place, at: time, &effects)
    }

    /// Whether a write whose record has come is to be made; if not, it has ended, or waits for its
    /// turn by a newer ring.
    private mutating func isStillWanted(
        _ id: RequestID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) -> Bool {
        guard writes.contains(id.index, id.generation) else { return false }
        guard writes[id.index].deadline > time.now else {
            counters.expiredDropped += 1
            endUnbegun(id, timedOut(writes[id.index]), &effects)
            return false
        }
        guard writes[id.index].epoch == ring.document.epoch else {
            let flight = removeWrite(id.index)
            let work = Parked.Work.request(flight.origin, flight.request(at: time.now))
            park(work, flight.deadline, after: flight.epoch)
            return false
        }
        // Replicas may have gone since the request came.
        let alive = aliveSlots(of: writes[id.index].replicas)
        let current = writes[id.index].coordinator.current
        let next = writes[id.index].coordinator.next
        if let failure = current.unavailability(alive) ?? next?.unavailability(alive) {
            endUnbegun(id, .failed(failure), &effects)
            return false
        }
        let own = ownSlot(in: writes[id.index].replicas)
        if writes[id.index].key(at: own).standInFor != nil, !hasRoomForStandIn(0) {
            endUnbegun(id, .failed(standInRefused()), &effects)
            return false
        }
        writes[id.index].coordinator = WriteCoordinator(
            alive: alive,
            current: current,
            next: next
        )
        return true
    }

    private func tooLarge(_ object: EncodedObject) -> RequestFailure? {
        let bytes = object.bytes.readableBytes
        guard bytes > configuration.objectBytesMax else { return nil }
        return .tooLarge(bytes: bytes, limit: configuration.objectBytesMax)
    }

    /// A dot that neither the record nor the client's context claims already.
    ///
    /// An honest one never does. But a context comes from outside, and a data directory can be
    /// copied: a new actor then keeps the write apart from whatever is claimed.
    private mutating func mint(
        for key: StoredKey,
        _ known: VersionVector,
        _ replacing: VersionVector,
        _ effects: inout EffectBuffer<ShardEffect>
    ) -> Dot {
        var dot = nextDot(for: key)
        // Each turn passes an entry of a finite vector.
        while known.covers(dot) || replacing.covers(dot) {
            renewActor(of: key, &effects)
            dot = nextDot(for: key)
        }
        return dot
    }

    private mutating func nextDot(for key: StoredKey) -> Dot {
        let partition = ring.partition(of: key.token)
        if let home = key.standInFor {
            return standInActors.mint(partition: partition, home: home)
        }
        let dot = actors.mint(partition: partition)
        counters.provisionalActorRenewals = actors.provisionalRenewals
        return dot
    }

    /// Plain writes leave one sibling and repairs are exempt, so the cap binds causal writes alone.
    private func siblingsMax(for mutation: Mutation) -> Int {
        if case .coordinator = mutation.basis { return .max }
        return configuration.siblingsMax
    }

    /// Persists the object here, if this node holds the key, and sends it to the others.
    ///
    /// - Parameter place: of the key among those in flight; nil for a write that is sent again.
    mutating func replicate(
        _ id: RequestID,
        _ object: EncodedObject,
        in place: PendingKeys.Place?,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        writes[id.index].coordinator.step(.begin, effects: &writeEffects)
        var targets = ReplicaSet()
        for index in 0..<writeEffects.count {
            if case .replicate(let slots) = writeEffects[index] { targets = slots }
        }
        writeEffects.removeAll()
        let replicas = writes[id.index].replicas
        let deadline = writes[id.index].deadline
        let timeout = deadline.since(time.now)
        let epoch = writes[id.index].epoch
        writes[id.index].object = object
        writes[id.index].sentAt = time.now
        if !explanations.isEmpty { explain(object, to: targets, isNew: place != nil, for: id) }
        var again: Change?
        for slot in 0..<replicas.count where targets.contains(slot) {
            let key = writes[id.index].key(at: slot)
            if replicas[slot] != node {
                let message = PeerMessage.store(id, key, object, timeout: timeout, epoch: epoch)
                effects.emit(.send(replicas[slot], message))
            } else if let place {
                let missing = ReplicaSet.first(replicas.count).subtracting(targets)
                let (homes, origin) = (writes[id.index].homes, writes[id.index].origin)
                let hints = hintsFor(missing, of: homes, key, origin, at: time)
                let own = Change(key: key, kind: .coordinate(id))
                persist(own, object, in: place, hints: hints, at: time, &effects)
            } else {
                // It has its dot, and may meet a newer record here.
                let kind = Change.Kind.merge(object, from: node, id, deadline: deadline)
                again = Change(key: key, kind: kind)
            }
        }
        // Last, since it may end the write.
        if let again { apply(again, at: time, &effects) }
    }

    /// Steps the write's coordinator and carries out what it wants.
    mutating func advance(
        write id: RequestID,
        _ input: WriteCoordinator.Input,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard writes.contains(id.index, id.generation) else { return }
        writes[id.index].coordinator.step(input, effects: &writeEffects)
        for index in 0..<writeEffects.count {
            switch writeEffects[index] {
            case .replicate: preconditionFailure("emitted by .begin alone")
            case .reply(.rejected(.staleRing, _, _)):
                answeredWrites += 1
                supersede(id)
            case .reply(let outcome):
                answeredWrites += 1
                budget.record(time.now.since(writes[id.index].began), of: .write)
                if outcome == .stored { noteStored(id.index) }
                // Not the flight itself: to hand it on would copy all of it.
                let response = writes[id.index].response(to: outcome)
                answer(writes[id.index].origin, response, &effects)
            case .finish:
                answeredWrites -= 1
                let flight = removeWrite(id.index)
                if !flight.isSuperseded { keepHints(of: flight, at: time, &effects) }
            }
        }
        writeEffects.removeAll()
    }

    /// The write goes on by a newer ring, with the same object.
    private mutating func supersede(_ id: RequestID) {
        let flight = writes[id.index]
        guard let object = flight.object else { preconditionFailure("sent before it was made") }
        writes[id.index].isSuperseded = true
        park(.write(flight, object), flight.deadline, after: flight.epoch)
    }

    private mutating func noteStored(_ index: Int) {
        let bytes = writes[index].object?.bytes.readableBytes ?? 0
        countHeat(writes[index].key, isWrite: true, bytes: bytes)
    }

    private mutating func removeWrite(_ index: Int) -> WriteFlight {
        let flight = writes.remove(index)
        if !explanations.isEmpty { explanations.flightEnded(flight.origin) }
        return flight
    }

    /// Ends a write that nothing was sent or stored of.
    mutating func endUnbegun(
        _ id: RequestID,
        _ response: ClientResponse,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let flight = removeWrite(id.index)
        invariant(!flight.hasBegun)
        answer(flight.origin, response, &effects)
    }

    func timedOut(_ flight: WriteFlight) -> ClientResponse {
        .failed(.timedOut(required: flight.coordinator.required, received: 0))
    }

    /// The record could not be loaded, so nothing was minted.
    mutating func coordinationFailed(
        _ id: RequestID,
        _ failure: StorageFailure,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard writes.contains(id.index, id.generation) else { return }
        let required = writes[id.index].coordinator.required
        let failure = RequestFailure.storage(failure, required: required, received: 0)
        endUnbegun(id, .failed(failure), &effects)
    }

    mutating func warnOfSiblings(
        _ key: StoredKey,
        _ count: Int,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard count > configuration.siblingsWarning else { return }
        counters.siblingWarnings += 1
        effects.emit(.note(.manySiblings(key, count: count)))
    }

    /// A replica of a write has stored it, or says why not.
    mutating func stored(
        _ id: RequestID,
        _ slot: Int,
        _ result: StoreResult,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if !explanations.isEmpty {
            let replica = writes[id.index].replicas[slot]
            explanations.note(writes[id.index].origin, .stores(replica, result))
        }
        if result == .durable {
            let delay = time.now.since(writes[id.index].sentAt)
            hedging.delays.stored(by: writes[id.index].replicas[slot], after: delay)
        }
        advance(write: id, .init(slot, result), at: time, &effects)
    }

    /// A replica has answered a store, of a write or of a repair.
    mutating func finishStore(
        _ id: RequestID,
        _ result: StoreResult,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch id.kind {
        case .write:
            guard writes.contains(id.index, id.generation),
                let slot = writes[id.index].replicas.slot(of: sender),
                writes[id.index].coordinator.outstanding.contains(slot)
            else { break }
            return stored(id, slot, result, at: time, &effects)
        case .read:
            guard reads.contains(id.index, id.generation),
                let slot = reads[id.index].replicas.slot(of: sender)
            else { break }
            if !explanations.isEmpty {
                explanations.note(reads[id.index].origin, .repaired(sender, result))
            }
            return advance(read: id, .repaired(slot: slot, result), at: time, &effects)
        case .forward, .inspect, .coverage, .replica, .keyLoad, .persist, .delivery, .hintLoad,
            .hintWrite, .handOff, .comparison, .pushLoad, .listing, .upkeep, .transfer,
            .transferSource, .partitionDrop, .relay, nil:
            break
        }
        counters.lateAnswers += 1
    }
}

extension WriteQuorum {
    /// Nil when enough of the replicas are up.
    fileprivate func unavailability(_ alive: ReplicaSet) -> RequestFailure? {
        let count = count(of: alive)
        return count < required ? .unavailable(required: required, alive: count) : nil
    }
}

extension WriteCoordinator.Input {
    init(_ slot: Int, _ result: StoreResult) {
        switch result {
        case .durable: self = .replicaStored(slot: slot)
        case .failed(let failure): self = .replicaRejected(slot: slot, .storage(failure))
        case .clockDrift: self = .replicaRejected(slot: slot, .clockDrift)
        case .overloaded: self = .replicaRejected(slot: slot, .overloaded)
        }
    }
}

extension LiveValue {
    init?(_ sibling: Sibling) {
        guard case .value(let value, _) = sibling.payload else { return nil }
        self.init(value: value, timestamp: sibling.timestamp, expiry: sibling.expiry)
    }
}
