import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

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
            for partition in partitions
            where isTakingOver(partition) {
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
            if !isTakingOver(partition) { transfers.retire(known.machine.cursor) }
        }
        transfers.replace(with: planned)
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

    mutating func newIncoming(
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
            quorum: ring.quorum(partition: partition),
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
        var room = configuration.transfersMax * Self.readyFactor - transfers.active.count
        for index in transfers.incoming.indices where room > 0 {
            guard transfers.incoming[index].machine.isWaiting,
                isAdopted(transfers.incoming[index].machine.partition)
            else { continue }
            tick(transfer: index, at: time, &effects)
            if transfers.incoming[index].machine.isActive { room -= 1 }
        }
    }

    mutating func tickTransfers(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        for partition in transfers.active {
            guard let index = transfers.index(of: partition) else { continue }
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
            && budget.isOpen(to: .transfers, now: time.now)
    }

    /// Has those go on that may.
    mutating func allowTransfers(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let active = transfers.active
        guard !active.isEmpty else { return }
        transfers.rotation &+= 1
        for offset in active.indices {
            let partition = active[(offset &+ transfers.rotation) % active.count]
            guard let index = transfers.index(of: partition),
                let source = transfers.incoming[index].machine.wanted
            else { continue }
            guard transfers.runningCount < configuration.transfersMax, mayTakeOver(at: time)
            else { return }
            guard transfers.askedCount(of: source) < configuration.transfersPerSourceMax else {
                continue
            }
            advance(transfer: index, .allowed, at: time, &effects)
        }
    }

    // MARK: The machine

    mutating func advance(
        transfer index: Int,
        _ input: PartitionTransfer.Input,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        // A buffer of its own: what one effect leads to may step this machine again.
        var wanted = EffectBuffer<PartitionTransfer.Effect>()
        transfers.incoming[index].machine.step(input, now: time.now, effects: &wanted)
        transfers.noteActivity(index)
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
            budget.charge(cost, to: .transfers, now: time.now)
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
}
