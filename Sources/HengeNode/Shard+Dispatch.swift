import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication

import struct NIOCore.ByteBuffer

/// Whom a message of another node, or a completion of the storage, is for.
extension Shard {
    mutating func receive(
        _ message: consuming PeerMessage,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch consume message {
        case .store(let id, let key, let object, let timeout, let epoch):
            let deadline = deadline(timeout, time)
            serveStore(
                id,
                key,
                object,
                from: sender,
                deadline: deadline,
                epoch: epoch,
                at: time,
                &effects
            )
        case .stored(let id, let result):
            finishStore(id, result, from: sender, at: time, &effects)
        case .fetch(let id, let key, let kind, let timeout, let epoch):
            let deadline = deadline(timeout, time)
            serveFetch(
                id, key, kind, from: sender, deadline: deadline, epoch: epoch, at: time, &effects)
        case .fetched(let id, let result):
            finishFetch(id, result, from: sender, at: time, &effects)
        case .forward(let id, let request, let epoch):
            counters.forwardsServed += 1
            noteNewer(epoch, of: sender, &effects)
            begin(request, from: .peer(sender, id), by: epoch, at: time, &effects)
        case .forwarded(let id, let response):
            finishForward(id, response, from: sender, at: time, &effects)
        case .explained(let id, let explanation):
            if !explanations.isEmpty { explanations.told(id, by: sender, explanation) }
        case .scan(let id, let range, _, let epoch):
            serveScan(id, range, from: sender, epoch: epoch, &effects)
        case .scanned(let id, let result):
            finishScan(id, result, &effects)
        case .count(let id, let epoch): serveCount(id, from: sender, epoch: epoch, &effects)
        case .counted(let id, let keys):
            finishCount(id, keys, from: sender, &effects)
        case .handOff(let id, let records):
            serveHandOff(id, records, from: sender, at: time, &effects)
        case .handedOff(let id, let result):
            switch id.kind {
            case .comparison: pushAnswered(id, result, from: sender, at: time, &effects)
            case .relay: relayAnswered(id, result, from: sender, at: time, &effects)
            default: handedOff(id, result, from: sender, at: time, &effects)
            }
        case .entropy(let id, let message):
            serveEntropy(id, message, from: sender, at: time, &effects)
        case .staleRing(let id, let epoch):
            refusedForRing(id, epoch, by: sender, at: time, &effects)
        case .transfer(let id, let request):
            serveTransfer(id, request, from: sender, at: time, &effects)
        case .transferred(let id, let result):
            transferred(id, result, from: sender, at: time, &effects)
        case .gossip, .ring, .ringReport, .facts, .clock: break
        }
    }

    mutating func complete(
        _ completion: consuming StorageCompletion,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        invariant(storageInFlight > 0, "the storage completed more than it was asked for")
        storageInFlight -= 1
        switch consume completion {
        case .loaded(let token, let result):
            switch token.id.kind {
            case .read: localFetched(token.id, decode(result), at: time, &effects)
            case .inspect: inspectLoaded(token.id, decode(result), &effects)
            case .replica: fetchLoaded(token.id, decode(result), at: time, &effects)
            case .keyLoad: keyLoaded(token.id, decode(result), at: time, &effects)
            case .hintLoad: hintedRecordLoaded(token.id, decode(result), at: time, &effects)
            case .pushLoad: pushLoaded(token.id, decode(result), at: time, &effects)
            case .write, .forward, .coverage, .persist, .delivery, .hintWrite, .handOff,
                .comparison, .listing, .upkeep, .transfer, .transferSource, .partitionDrop, .relay,
                nil:
                preconditionFailure("a load completed that was never asked for")
            }
        case .versionLoaded(let token, let bytes):
            switch token.id.kind {
            case .keyLoad: keyVersionLoaded(token.id, bytes, at: time, &effects)
            case .replica: fetchVersionLoaded(token.id, bytes, at: time, &effects)
            default: preconditionFailure("a version came for who did not ask for it")
            }
        case .persisted(let token, let failure):
            persisted(token.id, failure, at: time, &effects)
        case .scanned(let token, let result):
            scanLoaded(token.id, result, &effects)
        case .hintsLoaded(let token, let result):
            hintsLoaded(token.id, result, at: time, &effects)
        case .listed(let token, let result):
            switch token.id.kind {
            case .listing: versionsListed(token.id, result, at: time, &effects)
            case .upkeep: upkeepListed(token.id, result, at: time, &effects)
            case .transferSource: transferListed(token.id, result, at: time, &effects)
            default: comparisonListed(token.id, result, at: time, &effects)
            }
        }
    }

    private mutating func persisted(
        _ id: RequestID,
        _ failure: StorageFailure?,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        switch id.kind {
        case .hintWrite: hintsWritten(id, failure, at: time, &effects)
        case .upkeep: watermarkSaved(id, failure, at: time, &effects)
        case .transfer: transferSaved(id, failure, at: time, &effects)
        case .transferSource: barrierPassed(id, failure)
        case .partitionDrop: partitionDropped(id, failure)
        default:
            invariant(id.kind == .persist)
            changePersisted(id, failure, at: time, &effects)
        }
    }

    /// A record that does not decode is as rotten as one that fails its checksum.
    private func decode(
        _ result: consuming Result<ByteBuffer?, StorageFailure>
    ) -> Result<EncodedObject?, StorageFailure> {
        switch consume result {
        case .failure(let failure): return .failure(failure)
        case .success(nil): return .success(nil)
        case .success(let bytes?):
            do throws(ObjectDecodeError) {
                return .success(try EncodedObject(bytes))
            } catch {
                return .failure(.corrupt)
            }
        }
    }
}
