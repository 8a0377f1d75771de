import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

/// Handing a partition to a node that takes it over, a page at a time.
extension Shard {
    /// Pages that are read for other nodes at a time.
    private static let transferPagesMax = 16
    /// Records of one page: what the receiver merges in one go.
    static let transferRecordsMax = 1_024
    private static let transferRecordsMin = 64
    /// How long a page may wait for the budget; a fraction of the asker's patience.
    private static let transferWaitMax = Interval.seconds(5)
    private static let transferBytesMax = 4 * 1_024 * 1_024

    mutating func serveTransfer(
        _ id: RequestID,
        _ request: TransferRequest,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let flight = TransferPageFlight(asker: sender, id: id, request: request)
        if let refusal = refusal(of: request) ?? busyness(&effects) {
            refuse(flight, refusal, &effects)
        } else if budget.isOpen(to: .transfers, now: time.now) {
            listTransfer(flight, &effects)
        } else {
            transfers.asked.append((flight, time.now))
        }
    }

    /// Has those go on that waited for the budget. What this node's clients suffer from is here,
    /// and the node that takes over may have none, so it is here that transfers yield to them.
    mutating func serveWaitingTransfers(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        while let (flight, since) = transfers.asked.first {
            if let refusal = refusal(of: flight.request) {
                refuse(flight, refusal, &effects)
            } else if budget.isOpen(to: .transfers, now: time.now) {
                listTransfer(flight, &effects)
            } else if time.now.since(since) >= Self.transferWaitMax {
                refuse(flight, .overloaded, &effects)
            } else {
                return
            }
            transfers.asked.removeFirst()
        }
    }

    private func refuse(
        _ flight: TransferPageFlight,
        _ refusal: TransferResult,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        effects.emit(.sendBulk(flight.asker, .transferred(flight.id, refusal)))
    }

    private mutating func listTransfer(
        _ flight: TransferPageFlight,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let request = flight.request
        let tokens = ring.tokenRange(partition: request.partition)
        let range = ListRange(
            from: request.from ?? tokens.lowerBound,
            through: tokens.upperBound,
            kind: .objects(except: []),
            examinedMax: budget.batch(
                of: Self.transferRecordsMax,
                least: Self.transferRecordsMin
            ),
            bytesMax: max(1, min(request.bytesMax, Self.transferBytesMax))
        )
        let own = RequestID(.transferSource, transferPages.insert(flight))
        ask(storage: .list(range, StorageToken(own)), &effects)
    }

    /// Why the records may not be handed out; nil when they may.
    private func refusal(of request: TransferRequest) -> TransferResult? {
        let stale = TransferResult.staleRing(epoch: ring.document.epoch)
        guard partitions.contains(request.partition),
            // An older ring than the asker's may not know yet that writes count there as well, and
            // by a newer one the asker asks for what has gone elsewhere.
            ring.document.epoch >= request.epoch,
            ring.fence(of: request.partition) == request.epoch,
            ring.readPreferenceList(partition: request.partition).contains(node)
        else { return stale }
        let tokens = ring.tokenRange(partition: request.partition)
        guard request.from.map({ tokens.contains($0) }) ?? true else { return stale }
        return isCompared(tokens.lowerBound) ? nil : .overloaded
    }

    private mutating func busyness(
        _ effects: inout EffectBuffer<ShardEffect>
    ) -> TransferResult? {
        let hasRoom =
            transferPages.count + transfers.asked.count < Self.transferPagesMax
            && localWork <= configuration.replicaWorkMax / 2
        return passesBarrier(&effects) && hasRoom ? nil : .overloaded
    }

    mutating func transferListed(
        _ own: RequestID,
        _ result: Result<ListPage, StorageFailure>,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let flight = transferPages.remove(own.index)
        if case .success(let page) = result { foundUnreadable(page, at: time, &effects) }
        var answer = refusal(of: flight.request)
        switch result {
        case .failure(let failure): answer = answer ?? .failed(failure)
        case .success(let page): answer = answer ?? .page(transferPage(page, flight.request))
        }
        guard let answer else { return }
        if case .page(let page) = answer {
            // The asker pays for merging them, out of a budget that knows of no requests as a rule.
            // What it takes of the machines' time shows here, in the requests that wait for it.
            let bytes = page.records.reduce(0) {
                $0 + $1.key.bytes.readableBytes + $1.object.bytes.readableBytes
            }
            let cost = HintThrottle.cost(records: page.records.count, bytes: bytes)
            budget.charge(cost, to: .transfers, now: time.now)
            counters.transferPagesServed += 1
            counters.transferRecordsSkipped += page.skipped.count
        }
        effects.emit(.sendBulk(flight.asker, .transferred(flight.id, answer)))
    }

    private func transferPage(_ page: ListPage, _ request: TransferRequest) -> TransferPage {
        let tokens = ring.tokenRange(partition: request.partition)
        let records = page.records.compactMap { listed in
            listed.object.map { HandedRecord(key: listed.key, object: $0) }
        }
        let rotten = page.rotten.map { $0.token...$0.token }
        // Tokens are spread evenly.
        let width = Double(tokens.upperBound.rawValue - tokens.lowerBound.rawValue)
        let rest = page.next.map { Double(tokens.upperBound.rawValue - $0.rawValue) / width } ?? 0
        let weight = tallies.weights[request.partition]
        return TransferPage(
            records: records,
            next: page.next,
            skipped: rotten + page.unreadable.map { $0.clamped(to: tokens) },
            keysLeft: Int(Double(max(0, weight.keys)) * rest),
            bytesLeft: Int(Double(max(0, weight.bytes)) * rest)
        )
    }

    // MARK: What was taken in by the ring before

    /// A newer ring is served by from now on.
    mutating func raiseBarrier() {
        var loads: [RequestID] = []
        for index in 0..<keyLoads.indexBound {
            guard let generation = keyLoads.generation(at: index) else { continue }
            loads.append(RequestID(.keyLoad, (index, generation)))
        }
        transfers.barrier.loads = loads
        transfers.barrier.question &+= 1
        transfers.barrier.isAsked = false
        transfers.barrier.isPassed = loads.isEmpty && persists.count == 0
    }

    /// Whether all changes have ended that were begun by the ring before. Changes that wait for the
    /// load of their record ask for their persist when it is there, and persists end in order; so
    /// one that is asked for then ends after all of them.
    private mutating func passesBarrier(_ effects: inout EffectBuffer<ShardEffect>) -> Bool {
        if transfers.barrier.isPassed { return true }
        var loads = transfers.barrier.loads
        loads.removeAll { !keyLoads.contains($0.index, $0.generation) }
        transfers.barrier.loads = loads
        guard loads.isEmpty, !transfers.barrier.isAsked else { return false }
        transfers.barrier.isAsked = true
        let id = RequestID(.transferSource, (0, transfers.barrier.question))
        ask(storage: .keepHints([], StorageToken(id)), &effects)
        return false
    }

    mutating func barrierPassed(_ id: RequestID, _ failure: StorageFailure?) {
        guard id.generation == transfers.barrier.question else { return }
        transfers.barrier.isAsked = false
        transfers.barrier.isPassed = failure == nil
    }
}
