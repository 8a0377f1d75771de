import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// What this node does as a replica: change records one at a time a key, and hand them out.
extension Shard {
    // MARK: Changes

    /// Applies a change to its record, after those before it.
    mutating func apply(
        _ change: consuming Change,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch pending.admit(change.key) {
        case .waits(let place): pending.wait(at: place, waiters.insert(change).index)
        case .ready(let place, let latest):
            apply(change, on: latest, in: place, at: time, &effects)
        case .load(let place):
            let key = change.key
            let mayReplace = mayReplace(change)
            let id = RequestID(.keyLoad, keyLoads.insert(KeyLoad(change: change, place: place)))
            let token = StorageToken(id)
            ask(storage: mayReplace ? .loadVersion(key, token) : .load(key, token), &effects)
        }
    }

    mutating func keyLoaded(
        _ id: RequestID,
        _ result: Result<EncodedObject?, StorageFailure>,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let load = keyLoads.remove(id.index)
        let object: EncodedObject?
        switch result {
        case .success(let loaded): object = loaded
        case .failure(.corrupt):
            // What was here is lost to this replica, and its new actor does not claim it. The
            // change is applied as if nothing had been here; merging with the other replicas brings
            // the rest back.
            foundRotten(load.change.key, at: time, &effects)
            object = nil
        case .failure(let failure):
            let waiting = pending.loadFailed(load.place)
            refuse(load.change, failure, at: time, &effects)
            for waiter in waiting { refuse(waiters.remove(waiter), failure, at: time, &effects) }
            return
        }
        let waiting = pending.loaded(load.place, object)
        apply(load.change, on: object, in: load.place, at: time, &effects)
        for waiter in waiting {
            let change = waiters.remove(waiter)
            apply(change, on: pending.latest(load.place), in: load.place, at: time, &effects)
        }
        pending.release(load.place)
    }

    private mutating func apply(
        _ change: Change,
        on latest: EncodedObject?,
        in place: PendingKeys.Place,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch change.kind {
        case .coordinate(let id):
            coordinate(id, on: latest, in: place, at: time, &effects)
        case .merge(let object, let sender, let id, let deadline):
            guard deadline > time.now else {
                // Nobody waits any more, and the coordinator counts this replica as having missed
                // it.
                counters.expiredDropped += 1
                return
            }
            guard let merged = merge(latest, object, into: change.key) else {
                return stored(id, .durable, for: sender, at: time, &effects)
            }
            if let latest, merged.hasSameVersion(as: latest), pending.isDurable(place) {
                return stored(id, .durable, for: sender, at: time, &effects)
            }
            warnOfSiblings(change.key, merged.siblingCount, &effects)
            persist(change, merged, in: place, at: time, &effects)
        case .repair(let object, let read):
            guard let merged = merge(latest, object, into: change.key) else {
                return ownRepairEnded(read, .durable, at: time, &effects)
            }
            persist(change, merged, in: place, at: time, &effects)
        case .handedOff(let object, let batch):
            if change.key.standInFor != nil, latest == nil, handOffs[batch.index].isNotice {
                // Nothing is held in that place.
                return handOffRecordEnded(batch, nil, at: time, &effects)
            }
            if isDisputed(object, latest, change.key, at: time) {
                dispute(change.key, batch, &effects)
                return handOffRecordEnded(batch, nil, at: time, &effects)
            }
            guard let merged = merge(latest, object, into: change.key) else {
                if object.siblingCount > 0 { tellObsolete(change.key, object, batch, &effects) }
                return handOffRecordEnded(batch, nil, at: time, &effects)
            }
            if let latest, merged.hasSameVersion(as: latest), pending.isDurable(place) {
                return handOffRecordEnded(batch, nil, at: time, &effects)
            }
            handOffs[batch.index].changed += 1
            warnOfSiblings(change.key, merged.siblingCount, &effects)
            persist(change, merged, in: place, at: time, &effects)
        case .remove(let version, let delivery):
            removeHeld(
                change, latest, in: place, ifStill: version, delivery, at: time, &effects)
        case .purge(let version): purge(change, latest, in: place, ifStill: version, &effects)
        }
    }

    /// What there is to store after something has come in; nil when that is nothing, since all of
    /// it was purged everywhere.
    private mutating func merge(
        _ latest: EncodedObject?,
        _ incoming: EncodedObject,
        into key: StoredKey
    ) -> EncodedObject? {
        // Only what home replicas hold is known to have been everywhere.
        guard key.standInFor == nil else { return ObjectMerge.merge(latest, incoming) }
        let watermark = clocks.watermark(of: ring.partition(of: key.token))
        let merged = ObjectMerge.merge(latest, incoming, covered: watermark)
        counters.obsoleteDropped += merged.dropped
        if latest == nil, incoming.siblingCount == 0, watermark.descends(from: incoming.context) {
            return nil  // It says what this replica knows, and it will be purged where it is.
        }
        return merged.object
    }

    mutating func persist(
        _ change: Change,
        _ object: EncodedObject,
        in place: PendingKeys.Place,
        hints: [Hint] = [],
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        var hints = hints
        if let home = change.key.standInFor {
            // The one way by which it will be found again.
            if let hint = hint(home, change.key, isRequired: true, at: time) { hints.append(hint) }
        }
        pending.persisting(place, object)
        let flight = PersistFlight(
            change,
            place,
            weight: RecordWeight(of: object, key: change.key),
            hints: hints,
            epoch: change.isCoordinated ? claims.begun() : 0
        )
        let id = RequestID(.persist, persists.insert(flight))
        if !hints.isEmpty, !hintsToKeep.isEmpty { askToKeepHints(before: hints[0], &effects) }
        let token = StorageToken(id)
        ask(storage: .persist(change.key, object.bytes, hints: hints, token), &effects)
    }

    mutating func changePersisted(
        _ id: RequestID,
        _ failure: StorageFailure?,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let flight = persists.remove(id.index)
        let weight = pending.persisted(
            flight.place,
            weight: flight.weight,
            success: failure == nil
        )
        let partition = ring.partition(of: flight.token)
        if let home = flight.standInFor {
            hints.heldBytesChanged(home, by: weight.bytes)
        } else {
            tallies.add(weight, partition: partition)
            trees.add(weight.fingerprint, at: flight.token)
            if failure != nil { failedToPersist(partition: partition, at: time) }
        }
        if !flight.hints.isEmpty {
            hintsEnded(flight.hints, failure, at: time, &effects)
        }
        let result = failure.map(StoreResult.failed) ?? .durable
        switch flight.purpose {
        case .coordinate(let write):
            // The dot is out with the other replicas but not here: its actor must not be used
            // again.
            if failure != nil { renewActor(of: partition, for: flight.standInFor, &effects) }
            if flight.standInFor == nil { claims.ended(flight.epoch) }
            guard writes.contains(write.index, write.generation),
                let slot = writes[write.index].replicas.slot(of: node)
            else { return }
            stored(write, slot, result, at: time, &effects)
        case .merge(let sender, let id): stored(id, result, for: sender, at: time, &effects)
        case .repair(let read): ownRepairEnded(read, result, at: time, &effects)
        case .handedOff(let batch): handOffRecordEnded(batch, failure, at: time, &effects)
        case .remove(let wasDropped, let delivery):
            heldRemoved(wasDropped: wasDropped, failure, delivery, at: time, &effects)
        case .purge: if failure == nil { counters.purged += 1 }
        }
    }

    /// Tells a coordinator, which may be this node with a write that it sends again.
    mutating func stored(
        _ id: RequestID,
        _ result: StoreResult,
        for coordinator: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard coordinator == node else {
            return effects.emit(.send(coordinator, .stored(id, result)))
        }
        finishStore(id, result, from: node, at: time, &effects)
    }

    private mutating func ownRepairEnded(
        _ read: RequestID,
        _ result: StoreResult,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard reads.contains(read.index, read.generation),
            let slot = reads[read.index].replicas.slot(of: node)
        else { return }
        if !explanations.isEmpty {
            explanations.note(reads[read.index].origin, .repaired(node, result))
        }
        advance(read: read, .repaired(slot: slot, result), at: time, &effects)
    }

    /// A change whose record can't be loaded.
    private mutating func refuse(
        _ change: Change,
        _ failure: StorageFailure,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch change.kind {
        case .coordinate(let id): coordinationFailed(id, failure, &effects)
        case .merge(_, let sender, let id, _):
            stored(id, .failed(failure), for: sender, at: time, &effects)
        case .repair(_, let read): ownRepairEnded(read, .failed(failure), at: time, &effects)
        case .handedOff(_, let batch): handOffRecordEnded(batch, failure, at: time, &effects)
        case .remove(_, let delivery):
            advance(delivery: delivery, .removed(success: false), at: time, &effects)
        case .purge: break  // It is looked for again.
        }
    }

    mutating func foundRotten(
        _ key: StoredKey,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        counters.rottenRecords += 1
        effects.emit(.note(.rottenRecord(key)))
        renewActor(of: key, &effects)
        guard key.standInFor == nil else { return }
        hasLost(partition: ring.partition(of: key.token), at: time, &effects)
    }

    /// This node may have lost a write of its own to this record, or has given it away.
    mutating func renewActor(
        of key: StoredKey,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        renewActor(of: ring.partition(of: key.token), for: key.standInFor, &effects)
    }

    private mutating func renewActor(
        of partition: Int,
        for home: NodeID?,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if let home { return standInActors.renew(partition: partition, home: home) }
        actors.renew(partition: partition)
        claims.renewed(partition)
        counters.actorRenewals = actors.renewals
        effects.emit(.note(.actorRenewed(partition: partition)))
    }

    // MARK: Serving other coordinators

    /// The sender's ring is too old for what it asks.
    func refuse(_ id: RequestID, of sender: NodeID, _ effects: inout EffectBuffer<ShardEffect>) {
        effects.emit(.send(sender, .staleRing(id, epoch: ring.document.epoch)))
    }

    mutating func serveStore(
        _ id: RequestID,
        _ key: StoredKey,
        _ object: EncodedObject,
        from sender: NodeID,
        deadline: Instant,
        epoch: UInt64,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let partition = ring.partition(of: key.token)
        guard epoch >= ring.fence(of: partition) else {
            return refuse(id, of: sender, &effects)
        }
        if epoch > ring.document.epoch {
            noteNewer(epoch, of: sender, &effects)
            // By a ring that does not name this node it could take the record for one to forget.
            if key.standInFor == nil, !ring.homes(partition: partition).contains(node),
                parked.count < configuration.replicaWorkMax
            {
                let timeout = deadline.since(time.now)
                let message = PeerMessage.store(id, key, object, timeout: timeout, epoch: epoch)
                return park(message, from: sender, deadline, until: epoch)
            }
        }
        counters.replicaStores += 1
        requestedAt = time.now
        let latest = object.latestTimestamp
        guard clock.accepts(latest, wall: time.wall) else {
            counters.clockDriftRefused += 1
            let ahead = latest.wall.milliseconds - time.wall.milliseconds
            effects.emit(.note(.clockDrift(from: sender, aheadMilliseconds: ahead)))
            effects.emit(.send(sender, .stored(id, .clockDrift)))
            return
        }
        guard localWork < configuration.replicaWorkMax, !isStorageBehind,
            mayStandIn(for: key, object.bytes.readableBytes)
        else {
            effects.emit(.send(sender, .stored(id, .overloaded)))
            return
        }
        clock.observe(latest)
        let kind = Change.Kind.merge(object, from: sender, id, deadline: deadline)
        apply(Change(key: key, kind: kind), at: time, &effects)
    }

    mutating func serveFetch(
        _ id: RequestID,
        _ key: StoredKey,
        _ kind: FetchKind,
        from sender: NodeID,
        deadline: Instant,
        epoch: UInt64,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard kind == .inspection || epoch >= ring.fence(of: ring.partition(of: key.token)) else {
            return refuse(id, of: sender, &effects)
        }
        if epoch > ring.document.epoch { noteNewer(epoch, of: sender, &effects) }
        counters.replicaFetches += 1
        requestedAt = time.now
        let mayShow = kind == .inspection || isCompared(key.token)
        guard localWork < configuration.replicaWorkMax, mayShow else {
            effects.emit(.send(sender, .fetched(id, .overloaded)))
            return
        }
        let flight = ReplicaFlight.fetch(sender, id, kind, key, deadline: deadline)
        let own = RequestID(.replica, replicaWork.insert(flight))
        let token = StorageToken(own)
        ask(storage: kind == .digest ? .loadVersion(key, token) : .load(key, token), &effects)
    }

    mutating func fetchLoaded(
        _ own: RequestID,
        _ result: Result<EncodedObject?, StorageFailure>,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard
            case .fetch(let sender, let id, let kind, let key, let deadline) =
                replicaWork.remove(own.index)
        else { preconditionFailure("a load completed for a scan") }
        if case .failure(.corrupt) = result { foundRotten(key, at: time, &effects) }
        guard deadline > time.now else {
            counters.expiredDropped += 1
            return
        }
        switch result {
        case .success(let object):
            let answer: FetchResult =
                kind == .digest ? .digest(VersionDigest(of: object)) : .object(object)
            effects.emit(.send(sender, .fetched(id, answer)))
        case .failure(let failure):
            effects.emit(.send(sender, .fetched(id, .failed(failure))))
        }
    }
}
