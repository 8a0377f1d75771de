import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication

/// Delivering hints: one page a node at a time, all nodes together within the throttle.
extension Shard {
    /// How often hints that are too old are looked for.
    private static let sweepInterval = Interval.seconds(60)
    /// How long after a request, a client's or another node's, more are expected.
    static let busyMemory = Interval.milliseconds(500)

    /// Deliveries that can go on.
    var activeDeliveries: Int {
        var active = 0
        for index in deliveries.indices where !deliveries[index].machine.isIdle { active += 1 }
        return active
    }

    /// The delivery to a node, made when it is first needed.
    mutating func delivery(to target: NodeID) -> Int {
        if let index = deliveries.firstIndex(where: { $0.target == target }) { return index }
        let limits = HintDelivery.Limits(ageMax: configuration.hintAgeMax)
        let machine = HintDelivery(limits: limits)
        deliveries.append(TargetDelivery(target: target, machine: machine, page: firstGeneration))
        return deliveries.count - 1
    }

    /// Something may be there for this node, or it has just come up.
    mutating func deliverHints(
        to target: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard target != node, mayDeliver(to: target), hints.mayHold(target) else { return }
        beginPage(delivery(to: target), at: time, &effects)
    }

    mutating func stopDelivery(
        to target: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard let index = deliveries.firstIndex(where: { $0.target == target }) else { return }
        advance(delivery: index, .stop, at: time, &effects)
        // One that has left is not waited for.
        beginPage(index, at: time, &effects)
    }

    /// Begins the next page for a node, if there is anything to do and nothing is being done.
    mutating func beginPage(
        _ index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard deliveries[index].machine.isIdle else { return }
        let target = deliveries[index].target
        let purpose: HintDelivery.Purpose
        if let through = deliveries[index].discardThrough {
            purpose = .discard(through: through)
        } else if mayDeliver(to: target), !areHintsPaused, hints.mayHold(target) {
            purpose = .deliver
        } else if deliveries[index].isSweeping {
            purpose = .expire
        } else {
            return
        }
        deliveries[index].page &+= 1
        deliveries[index].mark = hints.keptMark(target)
        advance(delivery: index, .begin(purpose, isBusy: isBusy(time)), at: time, &effects)
    }

    /// Steps a delivery and carries out what it wants.
    mutating func advance(
        delivery index: Int,
        _ input: HintDelivery.Input,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        // A buffer of its own: what one effect leads to may step this delivery again.
        var wanted = EffectBuffer<HintDelivery.Effect>()
        deliveries[index].machine.step(
            input,
            now: time.now,
            wall: time.wall,
            effects: &wanted
        )
        for position in 0..<wanted.count {
            carryOut(wanted[position], of: index, at: time, &effects)
        }
    }

    private mutating func carryOut(
        _ effect: HintDelivery.Effect,
        of index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let target = deliveries[index].target
        switch effect {
        case .loadHints(let limit):
            let token = StorageToken(pageID(index))
            ask(storage: .loadHints(target, after: 0, limit: limit, token), &effects)
        case .load(let key):
            let load = HintLoad(delivery: index, page: deliveries[index].page, key: key)
            let id = RequestID(.hintLoad, hintLoads.insert(load))
            ask(storage: .load(key, StorageToken(id)), &effects)
        case .ready: sendBatch(index, at: time, &effects)
        case .handOff(let records):
            effects.emit(.sendBulk(target, .handOff(pageID(index), records)))
        case .moveToEnd(let moving):
            // Those that wait have lower sequences.
            if !hintsToKeep.isEmpty { askToKeepHints(&effects) }
            var moved: [Hint] = []
            for hint in moving {
                let last = hints.moveToEnd(hint)
                settling.moved(hint, to: last)
                moved.append(last)
            }
            let id = RequestID(.hintWrite, hintWrites.insert(.keep(moved, movedBy: index)))
            ask(storage: .keepHints(moved, StorageToken(id)), &effects)
        case .remove(let key, let version):
            let kind = Change.Kind.remove(version, delivery: index)
            apply(Change(key: key, kind: kind), at: time, &effects)
        case .drop(let through, let tally):
            let drop = HintWrite.drop(delivery: index, through: through, tally)
            let id = RequestID(.hintWrite, hintWrites.insert(drop))
            ask(storage: .dropHints(target, through: through, StorageToken(id)), &effects)
        case .finish(let outcome): finished(index, outcome, at: time, &effects)
        }
    }

    private func pageID(_ index: Int) -> RequestID {
        RequestID(.delivery, (index, deliveries[index].page))
    }

    private mutating func finished(
        _ index: Int,
        _ outcome: HintDelivery.Outcome,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        // What is still under way for this page finds nothing.
        deliveries[index].page &+= 1
        switch (deliveries[index].machine.purpose, outcome) {
        case (.discard, .nothing): deliveries[index].discardThrough = nil
        case (.expire, .nothing), (.expire, .retry): deliveries[index].isSweeping = false
        case (.deliver, _), (.discard, _), (.expire, _): break
        }
        beginPage(index, at: time, &effects)
    }

    /// Sends the batch that is ready, once the throttle lets it go.
    private mutating func sendBatch(
        _ index: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard deliveries[index].machine.isReady, hintThrottle.isOpen(now: time.now),
            budget.isOpen(to: .hints, now: time.now)
        else { return }
        hintThrottle.charge(deliveries[index].machine.cost, now: time.now)
        budget.charge(deliveries[index].machine.cost, to: .hints, now: time.now)
        deliveries[index].sentAt = time.now
        advance(delivery: index, .allowed, at: time, &effects)
    }

    /// Time has passed.
    mutating func tickDeliveries(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard !deliveries.isEmpty else { return }
        // Each in turn is the first, so that one with much to send does not starve the others.
        rotation &+= 1
        for offset in deliveries.indices {
            let index = (offset &+ rotation) % deliveries.count
            guard !deliveries[index].machine.isIdle else { continue }
            sendBatch(index, at: time, &effects)
            advance(delivery: index, .tick, at: time, &effects)
        }
    }

    /// Drops hints that are too old of nodes that stay away.
    mutating func sweepHints(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard time.now.since(sweptAt) >= Self.sweepInterval else { return }
        sweptAt = time.now
        let ageMax = configuration.hintAgeMax.milliseconds
        for backlog in hints.backlogs {
            guard let oldest = backlog.oldest, oldest.milliseconds < time.wall.milliseconds,
                time.wall.milliseconds - oldest.milliseconds > ageMax
            else { continue }
            let index = delivery(to: backlog.target)
            deliveries[index].isSweeping = true
            beginPage(index, at: time, &effects)
        }
    }

    // MARK: Answers

    mutating func hintsLoaded(
        _ id: RequestID,
        _ result: Result<[Hint], StorageFailure>,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard deliveries[id.index].page == id.generation else { return }
        let target = deliveries[id.index].target
        if case .success(let page) = result {
            hints.found(page.count, for: target, since: deliveries[id.index].mark)
            for passed in page {
                let isShared = hints.passed(passed)
                guard isShared, pending.isPersisting(passed.key) else { continue }
                // A write that left no hint because of this one may not be seen by the load of
                // the record that comes now.
                keepHint(target, passed.key, isRequired: passed.isOfStandIn, at: time)
            }
        }
        advance(delivery: id.index, .hintsLoaded(result), at: time, &effects)
    }

    mutating func hintedRecordLoaded(
        _ id: RequestID,
        _ result: Result<EncodedObject?, StorageFailure>,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let load = hintLoads.remove(id.index)
        if case .failure(.corrupt) = result { foundRotten(load.key, at: time, &effects) }
        guard deliveries[load.delivery].page == load.page else { return }
        if case .success(let object?) = result {
            deliver(object, of: load, at: time, &effects)
        } else {
            advance(delivery: load.delivery, .recordLoaded(load.key, result), at: time, &effects)
        }
    }

    mutating func handedOff(
        _ id: RequestID,
        _ result: HandOffResult,
        from sender: NodeID,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard id.kind == .delivery, id.index < deliveries.count,
            deliveries[id.index].page == id.generation, deliveries[id.index].target == sender,
            deliveries[id.index].machine.isSent
        else {
            counters.lateAnswers += 1
            return
        }
        if case .durable(let refused) = result {
            let (sum, overflow) = counters.handOffsRefused.addingReportingOverflow(refused)
            counters.handOffsRefused = overflow ? .max : sum
        }
        hintThrottle.acknowledged(
            after: time.now.since(deliveries[id.index].sentAt),
            isBusy: isBusy(time),
            now: time.now
        )
        advance(delivery: id.index, .answered(result), at: time, &effects)
    }
}

/// The delivery of hints to one node.
struct TargetDelivery: Sendable {
    let target: NodeID
    var machine: HintDelivery
    /// Names what is asked for one page; another when it is done with.
    var page: UInt32
    /// ``HintLedger/keptMark(_:)`` of when the page was asked for.
    var mark = 0
    var sentAt = Instant(nanoseconds: 0)
    /// An operator wants all hints up to this sequence gone.
    var discardThrough: UInt64?
    /// Whether hints that are too old are looked for.
    var isSweeping = false

    /// - Parameter page: from when on to count; another in each incarnation.
    init(target: NodeID, machine: HintDelivery, page: UInt32) {
        self.page = page
        self.target = target
        self.machine = machine
    }
}

/// A record that is loaded to be handed over.
struct HintLoad: Sendable {
    let delivery: Int
    let page: UInt32
    let key: StoredKey
}

/// A write of hints alone.
enum HintWrite: Sendable {
    case keep([Hint], movedBy: Int?)
    case drop(delivery: Int, through: UInt64, HintTally)
}
