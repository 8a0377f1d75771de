import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

import struct NIOCore.ByteBuffer

/// What no more than the version of a record is needed for, of which memory holds many more than of
/// records: changes that replace all that is here, as most do, and digests.
extension Shard {
    /// Whether the change may turn out to need no more than the version of what it finds.
    func mayReplace(_ change: borrowing Change) -> Bool {
        switch change.kind {
        case .coordinate(let id):
            writes.contains(id.index, id.generation) && writes[id.index].found == nil
                && MutationPlan.needsNoValue(writes[id.index].mutation)
        case .merge: true
        case .repair, .handedOff, .remove, .purge: false
        }
    }

    /// The version is at hand. Where that is not enough the record is asked for after all.
    mutating func keyVersionLoaded(
        _ id: RequestID,
        _ bytes: ByteBuffer,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let place = keyLoads[id.index].place
        guard let version = try? EncodedVersion(bytes), !pending.isWaitedFor(place),
            replacesAll(of: version, keyLoads[id.index].change)
        else {
            return ask(storage: .load(keyLoads[id.index].change.key, StorageToken(id)), &effects)
        }
        let change = keyLoads.remove(id.index).change
        pending.loaded(place, version)
        counters.changesByVersion += 1
        switch change.kind {
        case .coordinate(let write):
            coordinate(write, replacing: version, in: place, at: time, &effects)
        case .merge(let object, let sender, let request, let deadline):
            if deadline <= time.now {
                counters.expiredDropped += 1
            } else if version.isVersion(of: object) {
                stored(request, .durable, for: sender, at: time, &effects)
            } else {
                warnOfSiblings(change.key, object.siblingCount, &effects)
                persist(change, object, in: place, at: time, &effects)
            }
        case .repair, .handedOff, .remove, .purge:
            preconditionFailure("a version came for who did not ask for it")
        }
        pending.release(place)
    }

    /// The version of a record was at hand, for who asked for a digest.
    mutating func fetchVersionLoaded(
        _ own: RequestID,
        _ bytes: ByteBuffer,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard
            case .fetch(let sender, let id, .digest, let key, let deadline) =
                replicaWork[own.index]
        else { preconditionFailure("a version came for who did not ask for it") }
        guard let version = try? EncodedVersion(bytes) else {
            return ask(storage: .load(key, StorageToken(own)), &effects)
        }
        _ = replicaWork.remove(own.index)
        guard deadline > time.now else {
            counters.expiredDropped += 1
            return
        }
        effects.emit(.send(sender, .fetched(id, .digest(VersionDigest(of: version)))))
    }

    /// Whether nothing of a record of this version is left beside what the change makes of it.
    private func replacesAll(of version: EncodedVersion, _ change: Change) -> Bool {
        switch change.kind {
        case .coordinate(let id):
            guard writes.contains(id.index, id.generation) else { return true }
            return MutationPlan.replacesAll(of: version, writes[id.index].mutation)
        case .merge(let object, _, _, _):
            guard !version.isVersion(of: object) else { return true }
            // As in ``merge(_:_:into:)``.
            let watermark =
                change.key.standInFor == nil
                ? clocks.watermark(of: ring.partition(of: change.key.token)) : VersionVector()
            return ObjectMerge.replaces(version, by: object, covered: watermark)
        case .repair, .handedOff, .remove, .purge: return false
        }
    }
}
