import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Looking after this node's own records in the background.
extension Shard {
    /// The rest between two pages while requests come.
    private static let upkeepRest = Interval.milliseconds(100)

    enum UpkeepQuestion: Int {
        /// A page of records, or that a watermark be saved.
        case page = 0
        case held
        /// That the watermark of partition 0 be forgotten; those of the others follow.
        case forget
    }

    /// Whether a task goes on without being asked to.
    var isUpkeepRunning: Bool { upkeep.running != nil }

    /// Due now and then.
    mutating func beginUpkeep(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        for partition in upkeep.resets { forgetWatermark(partition, &effects) }
        guard trees.isReady else { return }
        wantScrub(at: time)
        wantPurges(at: time)
        wantGrowth()
        goOnWithUpkeep(at: time, &effects)
    }

    /// So many partitions as keep the pass over all in its time.
    private mutating func wantScrub(at time: ClockReading) {
        let began = upkeep.scrubBegan ?? time.now
        upkeep.scrubBegan = began
        let share =
            Double(time.now.since(began).nanoseconds)
            / Double(max(1, configuration.scrubInterval.nanoseconds))
        let due = partitions.lowerBound + Int(min(1, share) * Double(partitions.count))
        while upkeep.scrubPartition < due {
            if clocks.isHome(upkeep.scrubPartition) { upkeep.want(.scan(upkeep.scrubPartition)) }
            upkeep.scrubPartition += 1
        }
        guard upkeep.scrubPartition >= partitions.upperBound, upkeep.tasks.isEmpty,
            upkeep.running == nil
        else { return }
        upkeep.scrubEnded = time.now
        upkeep.scrubBegan = time.now
        upkeep.scrubPartition = partitions.lowerBound
    }

    /// Partitions with dead records of which more may go than at the last look.
    private mutating func wantPurges(at time: ClockReading) {
        let often = Interval(nanoseconds: configuration.compareInterval.nanoseconds / 10)
        for partition in partitions
        where clocks.isHome(partition) && !isMoving(partition) {
            let weight = tallies.weights[partition]
            guard weight.records > weight.keys || weight.expiring > 0 else {
                upkeep.dead[partition] = nil
                continue
            }
            if let last = upkeep.dead[partition] {
                let isNew = clocks.watermark(of: partition) != last.watermark
                let pause = isNew ? often : configuration.compareInterval
                guard time.now.since(last.lookedAt) >= pause else { continue }
            }
            upkeep.want(.purge(partition))
        }
    }

    private mutating func wantGrowth() {
        for partition in partitions where clocks.isHome(partition) {
            let records = tallies.weights[partition].records
            trees.adjust(partition: partition, records: records)
            if trees.needsGrowth(partition: partition, records: records) != nil {
                upkeep.want(.scan(partition))
            }
        }
    }

    // MARK: Tasks

    mutating func goOnWithUpkeep(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard trees.isReady, !isBusy(time) || time.now >= upkeep.restUntil else { return }
        if upkeep.running == nil, !upkeep.tasks.isEmpty { begin(upkeep.tasks.removeFirst()) }
        guard let running = upkeep.running, upkeep.isResting,
            budget.isOpen(to: .scrub, now: time.now)
        else { return }
        upkeep.isResting = false
        nextPage(of: running, at: time, &effects)
    }

    private mutating func begin(_ task: Upkeep.Task) {
        upkeep.running = task
        upkeep.isResting = true
        switch task {
        case .scan(let partition):
            let records = tallies.weights[partition].records
            let bits = trees.needsGrowth(partition: partition, records: records)
            trees.beginScan(partition: partition, bits: bits)
        case .purge(let partition):
            upkeep.purge = Upkeep.Purge(
                partition: partition,
                watermark: clocks.watermark(of: partition),
                next: ring.tokenRange(partition: partition).lowerBound
            )
        }
    }

    /// Rests while requests come, then goes on with the task or the next one.
    mutating func upkeepPageEnded(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        upkeep.isResting = true
        upkeep.restUntil = time.now + Self.upkeepRest
        goOnWithUpkeep(at: time, &effects)
    }

    private mutating func taskEnded(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        upkeep.running = nil
        upkeep.isResting = false
        goOnWithUpkeep(at: time, &effects)
    }

    private mutating func nextPage(
        of task: Upkeep.Task,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let range: ListRange
        switch task {
        case .scan:
            guard let tokens = trees.nextScanRange() else { return taskEnded(at: time, &effects) }
            range = ListRange(
                from: tokens.lowerBound,
                through: tokens.upperBound,
                kind: .versions
            )
        case .purge(let partition):
            guard let from = upkeep.purge?.next else { return taskEnded(at: time, &effects) }
            let grace = min(configuration.purgeGrace.milliseconds, time.wall.milliseconds)
            range = ListRange(
                from: from,
                through: ring.tokenRange(partition: partition).upperBound,
                kind: .dead(at: WallTime(milliseconds: time.wall.milliseconds - grace))
            )
        }
        ask(storage: .list(range, StorageToken(nextUpkeepQuestion())), &effects)
    }

    mutating func nextUpkeepQuestion() -> RequestID {
        upkeep.question &+= 1
        return RequestID(.upkeep, (UpkeepQuestion.page.rawValue, upkeep.question))
    }

    mutating func upkeepListed(
        _ id: RequestID,
        _ result: Result<ListPage, StorageFailure>,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard id.generation == upkeep.question, let task = upkeep.running else { return }
        guard case .success(let page) = result else {
            // It is wanted again when it is next due.
            if case .scan(let partition) = task {
                trees.cancelScan()
                if upkeep.isUntrusted[partition] { upkeep.want(task) }
            }
            upkeep.running = nil
            upkeep.isResting = false
            return
        }
        // Reading is all of it: a record costs no more than its bytes.
        budget.charge(max(0, page.weight.bytes), to: .scrub, now: time.now)
        switch task {
        case .scan(let partition): scanned(page, of: partition, at: time, &effects)
        case .purge: purgeListed(page, at: time, &effects)
        }
    }

    // MARK: Scans

    private mutating func scanned(
        _ page: ListPage,
        of partition: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        counters.scrubbed += page.weight.records
        // Counts that came with an old copy of the disk may know of no dead records.
        if page.weight.records > page.weight.keys { upkeep.want(.purge(partition)) }
        let tokens = ring.tokenRange(partition: partition)
        let progress = trees.scanned(page, pending: persisting(in: tokens))
        switch progress {
        case .none: break
        case .going(let mended), .done(let mended): counters.leavesMended += mended
        }
        if case .done = progress, !upkeep.tasks.contains(.scan(partition)) {
            upkeep.isUntrusted[partition] = false
        }
        // This may begin the scan anew.
        foundUnreadable(page, at: time, &effects)
        if case .going = progress {
            upkeepPageEnded(at: time, &effects)
        } else {
            taskEnded(at: time, &effects)
        }
    }

    private func persisting(in tokens: ClosedRange<Token>) -> [DurableFingerprint] {
        pending.durable(in: tokens).map {
            DurableFingerprint(key: $0.key, fingerprint: $0.weight.fingerprint)
        }
    }

    /// Drops what could not be read. The other home replicas have it.
    mutating func foundUnreadable(
        _ page: ListPage,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        for key in page.rotten {
            apply(Change(key: key, kind: .purge(nil)), at: time, &effects)
        }
        for tokens in page.unreadable {
            counters.unreadableRanges += 1
            effects.emit(.note(.unreadable(tokens)))
            let last = ring.partition(of: tokens.upperBound)
            for partition in ring.partition(of: tokens.lowerBound)...last
            where clocks.isHome(partition) {
                actors.renew(partition: partition)
                claims.renewed(partition)
                hasLost(partition: partition, at: time, &effects)
            }
        }
    }
}
