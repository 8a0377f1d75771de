package import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

/// Which replicas to ask first, and when to ask one more because those are late.
extension Shard {
    /// Estimates that differ by less are taken as equal, so that reads still spread.
    private static let latencyToleranceMin: UInt64 = 500_000
    /// The same as a part of the best estimate: a quarter.
    private static let latencyToleranceShift: UInt64 = 2

    // MARK: Order

    /// This node's own replica first if it may be read from, since it costs no message; then those
    /// that answer fastest, and of those that are as good as the best the one that the reads before
    /// it asked in this turn.
    mutating func order(
        _ replicas: PreferenceList,
        _ alive: ReplicaSet,
        at now: Instant
    ) -> SlotOrder {
        var order = SlotOrder()
        let own = replicas.slot(of: node)
        if let own, alive.contains(own) { order.append(own) }
        let shared = company.peer(at: now).flatMap { replicas.slot(of: $0) }
        var others = SlotOrder()
        if let shared, alive.contains(shared) { others.append(shared) }
        for offset in 0..<replicas.count {
            let slot = (offset + company.turns) % replicas.count
            if slot != own, slot != shared, alive.contains(slot) { others.append(slot) }
        }
        let ownCount = order.count
        rank(others, of: replicas, at: now, into: &order)
        if order.count > ownCount { company.asks(replicas[order[ownCount]]) }
        return order
    }

    /// The replica to hand a request on to: the first of the preference list, unless another one
    /// answers faster.
    func forwardSlot(
        _ alive: ReplicaSet,
        of replicas: PreferenceList,
        at now: Instant
    ) -> Int? {
        var slots = SlotOrder()
        var ranked = SlotOrder()
        for slot in 0..<replicas.count where alive.contains(slot) { slots.append(slot) }
        rank(slots, of: replicas, at: now, into: &ranked)
        return ranked.count > 0 ? ranked[0] : nil
    }

    /// Appends the slots by their estimates; equal ones keep their order.
    private func rank(
        _ slots: SlotOrder,
        of replicas: PreferenceList,
        at now: Instant,
        into ranked: inout SlotOrder
    ) {
        guard slots.count > 1 else {
            if slots.count == 1 { ranked.append(slots[0]) }
            return
        }
        var best = UInt64.max
        for index in 0..<slots.count {
            let peer = Int(replicas[slots[index]].rawValue)
            best = min(best, hedging.latencies[peer].latest(at: now))
        }
        let tolerance = max(best >> Self.latencyToleranceShift, Self.latencyToleranceMin)
        var estimates = SIMD16<UInt64>(repeating: 0)
        for index in 0..<slots.count {
            let peer = Int(replicas[slots[index]].rawValue)
            let estimate = hedging.latencies[peer].estimate(at: now, best: best)
            estimates[index] = estimate > best + tolerance ? estimate : 0
        }
        var rest = ReplicaSet.first(slots.count)
        while var first = rest.lowest {
            for index in first..<slots.count
            where rest.contains(index) && estimates[index] < estimates[first] { first = index }
            rest.remove(first)
            ranked.append(slots[first])
        }
    }

    // MARK: Hedges

    /// When the next hedge is due, or more of what was handed over is to be merged, and with that a
    /// `tick`; nil while neither is.
    package var nextWake: Instant? {
        mutating get {
            forgetEnded()
            guard let hedge = hedging.waiting.first?.due else { return merging.due }
            return min(hedge, merging.due ?? hedge)
        }
    }

    /// Has a read hedged once it takes longer than nearly all of its kind.
    ///
    /// - Parameter times: of reads of its kind.
    mutating func awaitHedge(of id: RequestID, _ times: LatencyQuantile, _ now: Instant) {
        guard configuration.hedgesReads else { return }
        forgetEnded()
        let delay = max(
            times.p95 ?? configuration.hedgeDelayDefault,
            configuration.hedgeDelayMin
        )
        // In order, also when reads have just become faster: a queue is all that it takes then.
        let due = max(now + delay, hedging.waiting.last?.due ?? now)
        hedging.waiting.append(Hedging.Waiting(due: due, id: id))
    }

    private mutating func forgetEnded() {
        while let first = hedging.waiting.first, !isInFlight(first.id) {
            hedging.waiting.removeFirst()
        }
        while let last = hedging.waiting.last, !isInFlight(last.id) {
            hedging.waiting.removeLast()
        }
    }

    private func isInFlight(_ id: RequestID) -> Bool {
        id.kind == .read
            ? reads.contains(id.index, id.generation) : forwards.contains(id.index, id.generation)
    }

    /// Hedges what is due; false when nothing was.
    mutating func hedgeLagging(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) -> Bool {
        var wasDue = false
        while let first = hedging.waiting.first, first.due <= time.now {
            hedging.waiting.removeFirst()
            guard isInFlight(first.id) else { continue }
            wasDue = true
            if first.id.kind == .read {
                hedge(read: first.id, at: time, &effects)
            } else {
                hedge(forward: first.id, at: time, &effects)
            }
        }
        return wasDue
    }

    private mutating func hedge(
        read id: RequestID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let late = reads[id.index].coordinator.outstanding
        let replicas = reads[id.index].replicas
        for slot in 0..<replicas.count where late.contains(slot) && replicas[slot] != node {
            let since = reads[id.index].asked(slot)
            hedging.lags(replicas[slot], id, since: since, at: time.now)
        }
        guard reads[id.index].coordinator.canHedge, mayHedge() else { return }
        reads[id.index].hedgedAt = time.now
        if !explanations.isEmpty { explanations.note(reads[id.index].origin, .hedges) }
        advance(read: id, .hedge, at: time, &effects)
    }

    /// Hands a read to a second replica. A write is not: it would be carried out twice.
    private mutating func hedge(
        forward id: RequestID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let flight = forwards[id.index]
        invariant(!flight.request.isWrite && flight.hedge == nil)
        hedging.lags(flight.target, id, since: flight.began, at: time.now)
        let (replicas, rest) = untried(flight)
        guard let slot = forwardSlot(rest, of: replicas, at: time.now), mayHedge() else { return }
        forwards[id.index].tried.insert(slot)
        forwards[id.index].hedge = replicas[slot]
        forwards[id.index].hedgedAt = time.now
        sendForward(id, to: replicas[slot], at: time, &effects)
    }

    private mutating func mayHedge() -> Bool {
        guard hedging.budget.spend() else {
            counters.hedgesSuppressed += 1
            return false
        }
        counters.hedges += 1
        return true
    }

    /// A read has its answer. What a hedge brought counts from the hedge on: with the wait for it,
    /// each hedge would put off the next ones.
    mutating func noteTime(ofRead index: Int, _ now: Instant) {
        guard reads[index].coordinator.required > 1 else { return }
        let won = reads[index].coordinator.wonByHedge
        let since = won ? reads[index].hedgedAt ?? reads[index].began : reads[index].began
        hedging.readTimes.record(now.since(since))
    }
}
