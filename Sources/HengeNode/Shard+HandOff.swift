import DequeModule
import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Taking over what other nodes kept for this one.
extension Shard {
    mutating func serveHandOff(
        _ id: RequestID,
        _ records: [HandedRecord],
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        // Requests come first: what is handed over waits for as long as half the room is taken.
        // One batch is always taken by a node at rest, however small its bound.
        let isOfHolder = id.kind == .delivery || id.kind == .relay
        if isOfHolder, mustWait(records, from: sender) {
            return effects.emit(.sendBulk(sender, .handedOff(id, .overloaded)))
        }
        let hasRoom = localWork + records.count <= configuration.replicaWorkMax / 2
        guard localWork == 0 || (hasRoom && !isStorageBehind) else {
            effects.emit(.sendBulk(sender, .handedOff(id, .overloaded)))
            return
        }
        counters.handOffsReceived += records.count
        beginHandOff(records, from: sender, .peer(id), at: time, &effects)
    }

    /// Merges records that another node has sent, some at a time, and says so when all are durable.
    mutating func beginHandOff(
        _ records: [HandedRecord],
        from sender: NodeID,
        _ origin: HandOffFlight.Origin,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let flight = HandOffFlight(
            sender: sender, origin: origin, records: records.count, rest: records[...])
        merging.batches.append(RequestID(.handOff, handOffs.insert(flight)))
        merging.records += records.count
        mergeHandedOver(at: time, &effects)
    }

    /// Merges some of what waits for it, if it is time to; the rest comes with the next `tick`,
    /// which ``nextWake`` asks for.
    ///
    /// - Returns: whether it was time to.
    @discardableResult
    mutating func mergeHandedOver(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) -> Bool {
        guard let due = merging.due, due <= time.now else { return false }
        let isBusy = isBusy(time)
        merging.openAt = isBusy ? time.now + MergeQueue.pause : time.now
        var room = isBusy ? MergeQueue.sliceWhileBusy : MergeQueue.slice
        while room > 0, let batch = merging.batches.first {
            guard let record = handOffs[batch.index].rest.popFirst() else {
                merging.batches.removeFirst()
                handOffRecordEnded(batch, nil, at: time, &effects)
                continue
            }
            room -= 1
            merging.records -= 1
            merge(record, of: batch, at: time, &effects)
        }
        return true
    }

    private mutating func merge(
        _ record: HandedRecord,
        of batch: RequestID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let sender = handOffs[batch.index].sender
        guard accept(record, from: sender, batch, at: time, &effects) else {
            return handOffRecordEnded(batch, nil, at: time, &effects)
        }
        clock.observe(record.object.latestTimestamp)
        let kind = Change.Kind.handedOff(record.object, batch: batch)
        if handOffs[batch.index].isNotice, hints.backlog(sender).count > 0 {
            // The sender will refuse them for ever if they are held in its place, too.
            handOffs[batch.index].waiting += 1
            let held = record.key.standingIn(for: sender)
            apply(Change(key: held, kind: kind), at: time, &effects)
        }
        apply(Change(key: record.key, kind: kind), at: time, &effects)
    }

    /// Whether the record belongs here and its timestamps are believable.
    private mutating func accept(
        _ record: HandedRecord,
        from sender: NodeID,
        _ batch: RequestID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) -> Bool {
        guard record.key.standInFor == nil,
            ring.homes(of: record.key.token).contains(node)
        else {
            counters.handOffsForeign += 1
            handOffs[batch.index].refused += 1
            return false
        }
        let latest = record.object.latestTimestamp
        guard clock.accepts(latest, wall: time.wall) else {
            counters.clockDriftRefused += 1
            handOffs[batch.index].refused += 1
            let ahead = latest.wall.milliseconds - time.wall.milliseconds
            effects.emit(.note(.clockDrift(from: sender, aheadMilliseconds: ahead)))
            return false
        }
        return true
    }

    /// A record of a batch is durable, has failed, or was refused; the last one answers.
    mutating func handOffRecordEnded(
        _ batch: RequestID,
        _ failure: StorageFailure?,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if let failure, handOffs[batch.index].failure == nil {
            handOffs[batch.index].failure = failure
        }
        handOffs[batch.index].waiting -= 1
        guard handOffs[batch.index].waiting == 0 else { return }
        let flight = handOffs.remove(batch.index)
        switch flight.origin {
        case .peer(let id):
            let result =
                flight.failure.map(HandOffResult.failed) ?? .durable(refused: flight.refused)
            effects.emit(.sendBulk(flight.sender, .handedOff(id, result)))
        case .comparison(let id): comparisonMerged(flight, id, at: time, &effects)
        case .transfer(let id): transferMerged(flight, id, at: time, &effects)
        case .bequest(let bequest): bequeathed(bequest, flight.failure, at: time, &effects)
        }
    }
}

/// What was handed over and waits for being merged, oldest first.
///
/// A page is up to a thousand records, and merging them takes tens of milliseconds in which no
/// request is served, here or by whom the processor is shared with. So while requests come they are
/// merged a few at a time, with pauses in which the loop and the processor are free.
struct MergeQueue: Sendable {
    /// Records that are merged in one go while no requests come.
    static let slice = 64
    /// While they come: some hundred microseconds' worth.
    static let sliceWhileBusy = 8
    /// Until the next slice while requests come.
    static let pause = Interval.microseconds(500)

    var batches = Deque<RequestID>()
    /// In all batches.
    var records = 0
    /// When the next slice may be merged.
    var openAt = Instant(nanoseconds: 0)

    /// When something is to be merged; nil while nothing waits.
    var due: Instant? { batches.isEmpty ? nil : openAt }
}

/// Records that were handed over and are not all durable yet.
struct HandOffFlight: Sendable {
    /// Who waits for the end.
    enum Origin: Sendable {
        /// The sender, under this id.
        case peer(RequestID)
        /// A comparison of this node.
        case comparison(RequestID)
        /// A partition that this node takes over.
        case transfer(RequestID)
        /// What this node held in the place of another.
        case bequest(HintBequest)
    }

    let sender: NodeID
    let origin: Origin
    let records: Int
    /// What is not merged yet.
    var rest: ArraySlice<HandedRecord>
    var waiting: Int
    /// Records that were news.
    var changed = 0
    var refused = 0
    /// What the sender is to be told of siblings that were purged or replaced everywhere.
    var obsolete: [HandedRecord] = []
    var failure: StorageFailure?

    /// Whether it tells what is obsolete, in answer to something that was handed over.
    var isNotice: Bool {
        if case .peer(.notice) = origin { true } else { false }
    }

    init(sender: NodeID, origin: Origin, records: Int, rest: ArraySlice<HandedRecord> = []) {
        self.sender = sender
        self.origin = origin
        self.records = records
        self.rest = rest
        // One more than there are, so that it can't end before all have begun.
        waiting = records + 1
    }
}
