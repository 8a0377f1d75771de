import HengeBase
import HengeCausality
package import HengeMessages
import HengeReplication
import HengeRing

/// Keeping hints: what other nodes have missed, by the names of the records.
///
/// A hint is a promise to try and no part of what was acknowledged, except that of a record held
/// in another's place. So want of room and failures cost hints, never clients' writes.
extension Shard {
    /// What is kept for other nodes, by node.
    package var hintBacklogs: [HintBacklog] { hints.backlogs }

    /// A hint to keep now; nil when none is needed or possible.
    mutating func hint(
        _ target: NodeID,
        _ key: StoredKey,
        isRequired: Bool,
        at time: ClockReading
    ) -> Hint? {
        if isStorageTight, !isRequired {
            dropped(hintsFor: target)
            return nil
        }
        let admission = hints.admit(
            target,
            key,
            at: time.wall,
            bytesMax: configuration.hintBytesMax,
            isRequired: isRequired
        )
        switch admission {
        case .keep(let hint): return hint
        case .covered: return nil
        case .refused:
            dropped(hintsFor: target)
            return nil
        }
    }

    /// Nobody will remember what the target misses, so it is to be compared with.
    private mutating func dropped(hintsFor target: NodeID, count: Int = 1) {
        counters.hintsDropped += count
        guard count > 0, let index = entropyPeer(target) else { return }
        entropyPeers[index].lacksHints = true
    }

    /// Keeps a hint with others of this step, if one is needed and possible.
    mutating func keepHint(
        _ target: NodeID,
        _ key: StoredKey,
        isRequired: Bool,
        at time: ClockReading
    ) {
        guard let hint = hint(target, key, isRequired: isRequired, at: time) else { return }
        hintsToKeep.append(hint)
    }

    /// Hints for home replicas that a write of this node can't be sent to, to be kept with it.
    mutating func hintsFor(
        _ missing: ReplicaSet,
        of homes: PreferenceList,
        _ key: StoredKey,
        _ origin: Origin,
        at time: ClockReading
    ) -> [Hint] {
        guard !missing.isEmpty else { return [] }
        var made: [Hint] = []
        for slot in 0..<homes.count where missing.contains(slot) {
            let dropped = counters.hintsDropped
            let hint = hint(homes[slot], key, isRequired: false, at: time)
            if !explanations.isEmpty {
                explain(hint: hint, homes[slot], origin, dropped: dropped)
            }
            if let hint { made.append(hint) }
        }
        return made
    }

    /// A write has ended: hints for the replicas that were sent it and may not have it. Where a
    /// stand-in failed the hint is for the home replica.
    mutating func keepHints(
        of flight: WriteFlight,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let missing = flight.coordinator.hintable
        // One that was sent again by a newer ring may not be for this node any more.
        guard !missing.isEmpty, let slot = flight.replicas.slot(of: node) else { return }
        let own = flight.key(at: slot)
        for slot in 0..<flight.replicas.count
        where missing.contains(slot) && flight.replicas[slot] != node {
            let dropped = counters.hintsDropped
            let hint = hint(flight.homes[slot], own, isRequired: false, at: time)
            if !explanations.isEmpty {
                explain(hint: hint, flight.homes[slot], flight.origin, dropped: dropped)
            }
            if let hint { hintsToKeep.append(hint) }
        }
    }

    /// Asks for the hints that have gathered to be kept.
    ///
    /// - Parameter next: a hint that is kept after this. Hints reach the storage in the order of
    ///   their sequence, since delivery drops all up to the last that it has seen.
    mutating func askToKeepHints(
        before next: Hint? = nil,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        invariant(next.map { hintsToKeep[hintsToKeep.count - 1].sequence < $0.sequence } ?? true)
        let kept = hintsToKeep
        hintsToKeep.removeAll(keepingCapacity: true)
        let id = RequestID(.hintWrite, hintWrites.insert(.keep(kept, movedBy: nil)))
        ask(storage: .keepHints(kept, StorageToken(id)), &effects)
    }

    /// A write that carried hints has ended.
    mutating func hintsEnded(
        _ ended: [Hint],
        _ failure: StorageFailure?,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if failure == nil {
            counters.hintsStored += ended.count
        } else {
            for hint in ended { dropped(hintsFor: hint.target) }
        }
        let shared = hints.ended(ended, success: failure == nil)
        for lost in shared {
            keepHint(lost.target, lost.key, isRequired: lost.isOfStandIn, at: time)
        }
        for hint in ended { deliverHints(to: hint.target, at: time, &effects) }
    }

    /// Hints were kept or dropped by a request of their own.
    mutating func hintsWritten(
        _ id: RequestID,
        _ failure: StorageFailure?,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch hintWrites.remove(id.index) {
        case .keep(let kept, movedBy: nil): hintsEnded(kept, failure, at: time, &effects)
        case .keep(let kept, movedBy: let delivery?):
            _ = hints.ended(kept, success: failure == nil)
            advance(delivery: delivery, .moved(success: failure == nil), at: time, &effects)
        case .drop(let delivery, let through, let tally):
            if failure == nil {
                count(tally, through: through, of: delivery)
            } else {
                hints.dropFailed(deliveries[delivery].target)
            }
            advance(delivery: delivery, .dropped(success: failure == nil), at: time, &effects)
        }
    }

    private mutating func count(_ tally: HintTally, through: UInt64, of delivery: Int) {
        hints.dropped(
            tally.count,
            bytes: tally.bytes,
            for: deliveries[delivery].target,
            through: through,
            oldest: tally.oldest
        )
        counters.hintsDelivered += tally.delivered
        counters.hintBytesDelivered += tally.recordBytes
        counters.hintsExpired += tally.expired
        dropped(hintsFor: deliveries[delivery].target, count: tally.discarded)
        counters.hintsGone += tally.gone
    }

    // MARK: Operators

    mutating func obey(
        _ command: HintCommand,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch command {
        case .pause:
            areHintsPaused = true
            for index in deliveries.indices {
                advance(delivery: index, .stop, at: time, &effects)
            }
        case .resume:
            areHintsPaused = false
            for backlog in hints.backlogs { deliverHints(to: backlog.target, at: time, &effects) }
        case .drop(let target):
            for backlog in hints.backlogs where target == nil || backlog.target == target {
                let index = delivery(to: backlog.target)
                deliveries[index].discardThrough = hints.lastSequence
                advance(delivery: index, .stop, at: time, &effects)
                beginPage(index, at: time, &effects)
            }
        }
    }
}
