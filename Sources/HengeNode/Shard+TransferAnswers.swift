import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

import struct NIOCore.ByteBuffer

/// What comes back to a node that takes partitions over, and what is lost of that.
extension Shard {
    // MARK: Answers

    mutating func transferred(
        _ id: RequestID,
        _ result: TransferResult,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard id.kind == .transfer, let index = transfers.index(of: id.index),
            transfers.incoming[index].question == id.generation,
            transfers.incoming[index].machine.asked == sender
        else {
            counters.lateAnswers += 1
            return
        }
        advance(transfer: index, .answered(result), at: time, &effects)
        allowTransfers(at: time, &effects)
    }

    /// The records of a page are durable, or could not be made so.
    mutating func transferMerged(
        _ flight: HandOffFlight,
        _ id: RequestID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        counters.recordsTakenOver += flight.changed
        guard let index = transfers.index(of: id.index),
            transfers.incoming[index].question == id.generation
        else { return }
        transfers.throttle.acknowledged(
            after: time.now.since(transfers.incoming[index].askedAt),
            isBusy: isBusy(time),
            share: Double(flight.records) / Double(Self.transferRecordsMax),
            restFactor: budget.restFactor,
            now: time.now
        )
        let merged = PartitionTransfer.Input.merged(refused: flight.refused, flight.failure)
        advance(transfer: index, merged, at: time, &effects)
        allowTransfers(at: time, &effects)
    }

    mutating func transferSaved(
        _ id: RequestID,
        _ failure: StorageFailure?,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard let index = transfers.index(of: id.index),
            transfers.incoming[index].life == id.generation
        else { return }
        advance(transfer: index, .saved(success: failure == nil), at: time, &effects)
        allowTransfers(at: time, &effects)
    }

    mutating func transferSourceLost(
        _ peer: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        transfers.asked.removeAll { $0.page.asker == peer }
        for partition in transfers.active {
            guard let index = transfers.index(of: partition),
                transfers.incoming[index].machine.asked == peer
            else { continue }
            advance(transfer: index, .lost, at: time, &effects)
        }
    }

    // MARK: Losses

    mutating func forgetTransfer(
        _ partition: Int,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        transfers.save(nil, of: partition)
        let id = RequestID(.transfer, (partition, transfers.nextQuestion()))
        let nothing = ByteBuffer()
        ask(storage: .saveTransfer(partition: partition, nothing, StorageToken(id)), &effects)
    }

    /// This node has lost something of a partition: it is taken over from its begin once more.
    mutating func transferLost(_ partition: Int, _ effects: inout EffectBuffer<ShardEffect>) {
        guard let index = transfers.index(of: partition) else { return }
        transfers.replace(index, with: newIncoming(partition, saved: nil))
        forgetTransfer(partition, &effects)
    }

    /// The disk is an old copy, and so is what it says of transfers.
    mutating func transfersLost(_ effects: inout EffectBuffer<ShardEffect>) {
        for partition in transfers.savedPartitions { forgetTransfer(partition, &effects) }
        for index in transfers.incoming.indices {
            let partition = transfers.incoming[index].machine.partition
            transfers.replace(index, with: newIncoming(partition, saved: nil))
        }
    }
}
