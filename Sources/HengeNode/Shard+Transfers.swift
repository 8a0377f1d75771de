import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

import struct NIOCore.ByteBuffer

/// Taking over the partitions that this node is to hold next.
extension Shard {
    /// More of them are not made ready to go than this times what may go at once.
    private static let readyFactor = 4

    /// Whether the partition is on its way from some nodes to others.
    func isMoving(_ partition: Int) -> Bool {
        let step = ring.step(of: partition)
        return step == .writeBoth || step == .readNext
    }

    /// Whether this node is to hold the partition once the change is through, and did not before.
    func joins(_ partition: Int) -> Bool {
        ring.nextPreferenceList(partition: partition).contains(node)
            && !ring.preferenceList(partition: partition).contains(node)
    }

    /// Works out what is to be taken over by the ring of now.
    mutating func planTransfers(_ effects: inout EffectBuffer<ShardEffect>) {
        transfers.mustPlan = false
        var planned: [Transfers.Incoming] = []
        if ring.document.transition != nil {
            for partition in 0..<ring.partitions
            where ring.step(of: partition) == .writeBoth && joins(partition) {
                if transfers.dropping.contains(partition) {
                    // A record that is seen here now may be gone in a moment.
                    transfers.mustPlan = true
                } else {
                    planned.append(incoming(partition))
                }
            }
        }
        for known in transfers.incoming {
            let partition = known.machine.partition
            let stays = ring.step(of: partition) == .writeBoth && joins(partition)
            if !stays { transfers.retire(known.machine.cursor) }
        }
        transfers.incoming = planned
        if ring.document.transition == nil { transfers.forgetProgress() }
        for partition in transfers.savedPartitions
        where !isMoving(partition) && ring.homes(partition: partition).contains(node) {
            forgetTransfer(partition, &effects)
        }
    }

    /// The one that goes on, or a new one from where the storage says.
    private mutating func incoming(_ partition: Int) -> Transfers.Incoming {
        let fence = ring.fence(of: partition)
        if let index = transfers.index(of: partition),
            transfers.incoming[index].machine.cursor.fence == fence
        {
            return transfers.incoming[index]
        }
        return newIncoming(partition, saved: transfers.saved[partition])
    }

    private mutating func newIncoming(
        _ partition: Int,
        saved: TransferCursor?
    ) -> Transfers.Incoming {
        let current = ring.preferenceList(partition: partition)
        let next = ring.nextPreferenceList(partition: partition)
        var limits = PartitionTransfer.Limits()
        limits.pageBytes = configuration.transferPageBytes
        let machine = PartitionTransfer(
            partition: partition,
            tokens: ring.tokenRange(partition: partition),
            fence: ring.fence(of: partition),
            current: current,
            replaced: current.replaced(by: node, in: next),
            saved: saved,
            limits: limits
        )
        let life = transfers.nextQuestion()
        return Transfers.Incoming(machine: machine, life: life, question: life)
    }

    /// Whether no coordinator can reach a quorum any more that knows nothing of the step.
    func isAdopted(_ partition: Int) -> Bool {
        let fence = ring.fence(of: partition)
        return hasMajority(of: ring.preferenceList(partition: partition), adopted: fence)
            && hasMajority(of: ring.nextPreferenceList(partition: partition), adopted: fence)
    }

    // MARK: Time

    /// Due now and then.
    mutating func keepTransfersGoing(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        if transfers.mustPlan { planTransfers(&effects) }
        if ring.document.transition != nil { transfers.sample(now: time.now) }
        wakeTransfers(at: time, &effects)
        allowTransfers(at: time, &effects)
        dropForeign(&effects)
    }

    /// Makes more of those ready to go that wait.
    private mutating func wakeTransfers(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        var room = configuration.transfersMax * Self.readyFactor - transfers.activeCount
        for index in transfers.incoming.indices where room > 0 {
            let machine = transfers.incoming[index].machine
            guard !machine.isDone, !machine.isActive, isAdopted(machine.partition) else {
                continue
            }
            tick(transfer: index, at: time, &effects)
            if transfers.incoming[index].machine.isActive { room -= 1 }
        }
    }

    mutating func tickTransfers(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        for index in transfers.incoming.indices where transfers.incoming[index].machine.isActive {
            tick(transfer: index, at: time, &effects)
        }
        allowTransfers(at: time, &effects)
    }

    private mutating func tick(
        transfer index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let partition = transfers.incoming[index].machine.partition
        let up = aliveSlots(of: ring.preferenceList(partition: partition))
        advance(transfer: index, .tick(up: up), at: time, &effects)
    }

    /// Whether clients' requests and the disk leave room.
    private mutating func mayTakeOver(at time: ClockReading) -> Bool {
        !isStorageTight && !isStorageBehind && localWork <= configuration.replicaWorkMax / 2
            && transfers.throttle.isOpen(now: time.now)
    }

    /// Has those go on that may.
    mutating func allowTransfers(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let count = transfers.incoming.count
        guard transfers.activeCount > 0 else { return }
        transfers.rotation &+= 1
        for offset in 0..<count {
            let index = (offset &+ transfers.rotation) % count
            guard let source = transfers.incoming[index].machine.wanted else { continue }
            guard transfers.runningCount < configuration.transfersMax, mayTakeOver(at: time)
            else { return }
            let asked = transfers.incoming.count { $0.machine.asked == source }
            guard asked < configuration.transfersPerSourceMax else { continue }
            advance(transfer: index, .allowed, at: time, &effects)
        }
    }

    // MARK: The machine

    private mutating func advance(
        transfer index: Int,
        _ input: PartitionTransfer.Input,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        // A buffer of its own: what one effect leads to may step this machine again.
        var wanted = EffectBuffer<PartitionTransfer.Effect>()
        transfers.incoming[index].machine.step(input, now: time.now, effects: &wanted)
        let partition = transfers.incoming[index].machine.partition
        for position in 0..<wanted.count {
            carryOut(wanted[position], partition, at: time, &effects)
        }
    }

    private mutating func carryOut(
        _ effect: PartitionTransfer.Effect,
        _ partition: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard let index = transfers.index(of: partition) else { return }
        switch effect {
        case .ask(let source, let request):
            let question = transfers.nextQuestion()
            transfers.incoming[index].question = question
            transfers.incoming[index].askedAt = time.now
            let id = RequestID(.transfer, (partition, question))
            effects.emit(.sendBulk(source, .transfer(id, request)))
        case .merge(let records, let source):
            let id = RequestID(.transfer, (partition, transfers.incoming[index].question))
            let bytes = records.reduce(0) {
                $0 + $1.key.bytes.readableBytes + $1.object.bytes.readableBytes
            }
            let cost = HintThrottle.cost(records: records.count, bytes: bytes)
            transfers.throttle.charge(cost, now: time.now)
            beginHandOff(records, from: source, .transfer(id), at: time, &effects)
        case .save(let bytes):
            transfers.save(transfers.incoming[index].machine.cursor, of: partition)
            let id = RequestID(.transfer, (partition, transfers.incoming[index].life))
            ask(
                storage: .saveTransfer(partition: partition, bytes, StorageToken(id)),
                &effects
            )
        case .finish:
            counters.partitionsTakenOver += 1
            wakeTransfers(at: time, &effects)
        }
    }

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
        for index in transfers.incoming.indices
        where transfers.incoming[index].machine.asked == peer {
            advance(transfer: index, .lost, at: time, &effects)
        }
    }

    // MARK: Losses

    private mutating func forgetTransfer(
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
        transfers.incoming[index] = newIncoming(partition, saved: nil)
        forgetTransfer(partition, &effects)
    }

    /// The disk is an old copy, and so is what it says of transfers.
    mutating func transfersLost(_ effects: inout EffectBuffer<ShardEffect>) {
        for partition in transfers.savedPartitions { forgetTransfer(partition, &effects) }
        for index in transfers.incoming.indices {
            let partition = transfers.incoming[index].machine.partition
            transfers.incoming[index] = newIncoming(partition, saved: nil)
        }
    }
}
