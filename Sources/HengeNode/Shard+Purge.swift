import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

import struct NIOCore.ByteBuffer

/// Purging records that are dead: that hold only tombstones, and siblings that expired some time
/// ago. One goes when every home replica has taken in all that its context names, which is what the
/// watermark says (docs/decisions/0012).
extension Shard {
    mutating func purgeListed(
        _ page: ListPage,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard let partition = upkeep.purge?.partition, let watermark = upkeep.purge?.watermark
        else { return }
        upkeep.purge?.next = page.next
        for record in page.records {
            guard let object = record.object else { continue }
            let context = object.context
            if watermark.descends(from: context) {
                let version = VersionDigest(of: object)
                upkeep.purgeable.append(Upkeep.Purgeable(key: record.key, version: version))
            } else {
                upkeep.purge?.waiting += 1
                for dot in context.entries where !watermark.covers(dot) {
                    upkeep.purge?.blocking.record(dot)
                }
            }
        }
        foundUnreadable(page, at: time, &effects)
        if upkeep.purgeable.isEmpty { return purgePageEnded(at: time, &effects) }
        if upkeep.saved[partition] == watermark { return purgePage(at: time, &effects) }
        let token = StorageToken(nextUpkeepQuestion())
        ask(
            storage: .saveWatermark(partition: partition, watermark.stored, token),
            &effects
        )
    }

    mutating func watermarkSaved(
        _ id: RequestID,
        _ failure: StorageFailure?,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if id.index >= UpkeepQuestion.forget.rawValue {
            let partition = id.index - UpkeepQuestion.forget.rawValue
            if failure == nil { upkeep.resets.removeAll { $0 == partition } }
            return
        }
        guard id.generation == upkeep.question, let purge = upkeep.purge else { return }
        // Nothing is left to purge when the partition has lost something meanwhile.
        if failure == nil, !upkeep.purgeable.isEmpty {
            upkeep.saved[purge.partition] = purge.watermark
            purgePage(at: time, &effects)
        } else {
            upkeep.purgeable = []
            purgePageEnded(at: time, &effects)
        }
    }

    mutating func forgetWatermark(_ partition: Int, _ effects: inout EffectBuffer<ShardEffect>) {
        let place = (UpkeepQuestion.forget.rawValue + partition, firstGeneration)
        let token = StorageToken(RequestID(.upkeep, place))
        ask(storage: .saveWatermark(partition: partition, ByteBuffer(), token), &effects)
    }

    /// Takes the records of the page away, now that the watermark is on the disk.
    private mutating func purgePage(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        var records: [Upkeep.Purgeable] = []
        swap(&records, &upkeep.purgeable)
        for record in records {
            apply(Change(key: record.key, kind: .purge(record.version)), at: time, &effects)
        }
        purgePageEnded(at: time, &effects)
    }

    private mutating func purgePageEnded(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if let purge = upkeep.purge, purge.next == nil {
            upkeep.purge = nil
            upkeep.dead[purge.partition] = Upkeep.Dead(
                lookedAt: time.now,
                watermark: purge.watermark,
                waiting: purge.waiting
            )
            if !purge.blocking.isEmpty { settle(purge.blocking, of: purge.partition, at: time) }
        }
        upkeepPageEnded(at: time, &effects)
    }

    // MARK: One record

    mutating func purge(
        _ change: Change,
        _ latest: EncodedObject?,
        in place: PendingKeys.Place,
        ifStill version: VersionDigest?,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard VersionDigest(of: latest) == version ?? .absent,
            pending.isDurable(place), version == nil || mayPurge(change.key, latest)
        else { return }
        pending.removing(place)
        let flight = PersistFlight(change, place)
        let id = RequestID(.persist, persists.insert(flight))
        ask(storage: .remove(change.key, StorageToken(id)), &effects)
    }

    /// Whether the watermark on the disk covers all of a record.
    private func mayPurge(_ key: StoredKey, _ latest: EncodedObject?) -> Bool {
        guard let latest, !isMoving(ring.partition(of: key.token)) else { return false }
        return upkeep.saved[ring.partition(of: key.token)].descends(from: latest.context)
    }
}
