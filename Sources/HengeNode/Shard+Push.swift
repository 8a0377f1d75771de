import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Moving the records that a comparison has found to be different.
extension Shard {
    private static let pushLoads = 16

    // MARK: To this node

    /// Merges what another node has sent in answer to a comparison.
    mutating func merge(
        _ records: [HandedRecord],
        for index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let peer = entropyPeers[index].id
        let id = RequestID(.comparison, (index, entropyPeers[index].question))
        beginHandOff(records, from: peer, .comparison(id), at: time, &effects)
    }

    mutating func comparisonMerged(
        _ flight: HandOffFlight,
        _ id: RequestID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        counters.entropyReceived += flight.changed
        guard let index = comparison(id) else { return }
        advance(
            comparison: index,
            .merged(
                changed: flight.changed,
                refused: flight.refused,
                obsolete: flight.obsolete,
                success: flight.failure == nil
            ),
            at: time,
            &effects
        )
    }

    // MARK: To the other node

    /// Loads some of the records that are to go, and sends a batch once it is full.
    mutating func goOnPushing(
        _ index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard var push = entropyPeers[index].push, push.loading == 0, !push.isSent else { return }
        let limits = EntropyLimits()
        let isFull = push.bytes >= limits.batchBytes || push.batch.count >= limits.batchRecords
        if push.wanted.isEmpty || isFull {
            guard !push.batch.isEmpty else {
                entropyPeers[index].push = nil
                return advance(
                    comparison: index,
                    .pushed(.durable(refused: push.refused)),
                    at: time,
                    &effects
                )
            }
            return sendBatch(of: &push, index, at: time, &effects)
        }
        let count = min(Self.pushLoads, push.wanted.count)
        var loads: [PushLoad] = []
        for wanted in push.wanted.suffix(count).reversed() {
            if let object = wanted.object {
                push.add(HandedRecord(key: wanted.key, object: object))
            } else {
                let question = entropyPeers[index].question
                loads.append(PushLoad(index: index, question: question, wanted: wanted))
            }
        }
        push.wanted.removeLast(count)
        push.loading = loads.count
        entropyPeers[index].push = push
        for load in loads {
            let id = RequestID(.pushLoad, pushLoads.insert(load))
            ask(storage: .load(load.wanted.key, StorageToken(id)), &effects)
        }
        if loads.isEmpty { goOnPushing(index, at: time, &effects) }
    }

    private mutating func sendBatch(
        of push: inout RecordPush,
        _ index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let records = push.batch
        push.batch = []
        push.bytes = 0
        push.isSent = true
        push.sent = records.count
        counters.entropySent += records.count
        entropyPeers[index].push = push
        entropyPeers[index].askedAt = time.now
        entropyPeers[index].question &+= 1
        let id = RequestID(.comparison, (index, entropyPeers[index].question))
        effects.emit(.sendBulk(entropyPeers[index].id, .handOff(id, records)))
    }

    mutating func pushLoaded(
        _ id: RequestID,
        _ result: Result<EncodedObject?, StorageFailure>,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let load = pushLoads.remove(id.index)
        if case .failure(.corrupt) = result { foundRotten(load.wanted.key, at: time, &effects) }
        guard entropyPeers[load.index].question == load.question,
            var push = entropyPeers[load.index].push
        else { return }
        push.loading -= 1
        switch result {
        case .success(let object?):
            let key = load.wanted.key
            // What the other node sent may have been all there is.
            guard RecordFingerprint.of(key, object) != load.wanted.known else { break }
            push.add(HandedRecord(key: key, object: object))
        case .success(nil): break  // Purged meanwhile.
        case .failure: push.refused += 1
        }
        entropyPeers[load.index].push = push
        goOnPushing(load.index, at: time, &effects)
    }

    /// The other node has answered a batch; false when that was no batch of a comparison.
    mutating func pushAnswered(
        _ id: RequestID,
        _ result: HandOffResult,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard let index = comparison(id, with: sender), entropyPeers[index].push?.isSent == true
        else {
            counters.lateAnswers += 1
            return
        }
        let records = entropyPeers[index].push?.sent ?? 0
        noteAcknowledged(index, share: Self.share(of: records), at: time)
        guard case .durable(let refused) = result else {
            entropyPeers[index].push = nil
            return advance(comparison: index, .pushed(result), at: time, &effects)
        }
        entropyPeers[index].push?.isSent = false
        entropyPeers[index].push?.refused += refused
        goOnPushing(index, at: time, &effects)
    }

    // MARK: What is obsolete

    /// Another home replica has sent siblings that were purged or replaced everywhere: it learns
    /// so by a record that covers them and holds none.
    mutating func tellObsolete(
        _ key: StoredKey,
        _ object: EncodedObject,
        _ batch: RequestID,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let peer = handOffs[batch.index].sender
        guard ring.homes(of: key.token).contains(peer) else { return }
        let record = HandedRecord(key: key, object: object.withoutSiblings)
        switch handOffs[batch.index].origin {
        case .comparison: handOffs[batch.index].obsolete.append(record)
        case .peer:
            // The two are not equal before the sender has heard it.
            handOffs[batch.index].refused += 1
            effects.emit(.sendBulk(peer, .handOff(.notice, [record])))
        case .transfer: break  // The source learns of it when the two are compared.
        case .bequest: break  // Nobody else holds it.
        }
    }

    /// Whether another node says that siblings are obsolete that this one knows to be current: it
    /// has taken in all that the others have, and has lost nothing since. Dead ones are no matter
    /// of dispute: the other has purged them a moment earlier.
    func isDisputed(
        _ incoming: EncodedObject,
        _ latest: EncodedObject?,
        _ key: StoredKey,
        at time: ClockReading
    ) -> Bool {
        guard key.standInFor == nil, incoming.siblingCount == 0, let latest,
            latest.isLive(at: time.wall), isCompared(key.token)
        else { return false }
        let partition = ring.partition(of: key.token)
        let context = incoming.context
        let watermark = clocks.watermark(of: partition)
        return latest.decoded().siblings.contains {
            context.covers($0.dot) && watermark.covers($0.dot)
        }
    }

    /// Keeps what another node says is obsolete. Whether this node says so depends on whether it
    /// knows that its data is not an old copy, of which the other would be right.
    mutating func dispute(
        _ key: StoredKey,
        _ batch: RequestID,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        handOffs[batch.index].refused += 1
        guard isLifeKnown, handOffs[batch.index].sender != node else { return }
        let id = RequestID(.upkeep, (0, 0))
        effects.emit(.sendBulk(handOffs[batch.index].sender, .entropy(id, .disputed(key))))
    }

    /// Another node holds siblings that this one took for obsolete. So this one has lost them.
    mutating func disputed(
        _ key: StoredKey,
        by peer: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let homes = ring.homes(of: key.token)
        guard homes.contains(node), homes.contains(peer), isCompared(key.token) else { return }
        counters.disputes += 1
        renewActor(of: key, &effects)
        hasLost(partition: ring.partition(of: key.token), at: time, &effects)
    }
}

/// A record that is loaded for another node that lacks it.
struct PushLoad: Sendable {
    let index: Int
    let question: UInt32
    let wanted: Comparison.Push
}
