import HengeBase
import HengeMessages
import HengeRing

/// The thread that writes: takes all that has gathered, writes it as one batch, makes it durable
/// with one fsync, and reports it in one call. What arrives meanwhile is the next batch (group
/// commit).
///
/// Batches are put together here and not by the event loop: the loop only appends the bytes of each
/// record with the checksum that its cache needs as well (``GatheredWrites``), while they are put
/// in order, and larger records are copied, where the time is lost to the fsync anyway.
///
/// `@unchecked Sendable`: the members that change belong to the writer's thread alone, except
/// `thread`, which `start` sets before any other call and `stop` reads; everything shared is in
/// `inbox`.
final class BatchWriter: @unchecked Sendable {
    private struct Inbox {
        var writes = GatheredWrites()
        var isWriterAsleep = false
        var isClosing = false
    }

    private enum Work {
        case batch
        case timer
        case stop
    }

    /// A batch is copied several times on its way, so that very large ones are cut. A single object
    /// may be larger.
    private static let batchBytesMax = 16 << 20

    private let inbox = Monitor(Inbox())
    private let database: Database
    private let durability: RocksDBEngine.Durability
    private let counters: StorageCounters
    private let failures: FailureLog
    private let deliver: @Sendable ([StorageCompletion]) -> Void
    private var thread: WorkerThread?

    private var taken = GatheredWrites()
    /// When the log must be synced; nil while all is durable. Only in `interval`.
    private var syncDue: Instant?
    private var recovery: Recovery
    private var drops = HintDrops()
    private var removals: RemovalWatch
    private let reclaimer: Reclaimer
    /// Tokens of partitions that were forgotten since the reclaimer was told.
    private var forgotten: [ClosedRange<Token>] = []
    private let space: SpaceWatch
    private var spaceDue: Instant
    /// Where each commit is synced.
    private var ahead: LogAhead?

    init(
        _ database: Database,
        options: RocksDBEngine.Options,
        space: SpaceWatch,
        reclaimer: Reclaimer,
        counters: StorageCounters,
        failures: FailureLog,
        deliver: @escaping @Sendable ([StorageCompletion]) -> Void
    ) {
        self.database = database
        self.durability = options.durability
        self.space = space
        self.reclaimer = reclaimer
        removals = RemovalWatch(options)
        spaceDue = space.look()
        let keepsAhead = options.keepsLogAhead && options.durability == .sync
        ahead = keepsAhead ? LogAhead(directory: options.directory) : nil
        self.counters = counters
        self.failures = failures
        self.deliver = deliver
        recovery = Recovery(spaceNeeded: UInt64(2 * options.writeBufferBytes))
    }

    func start() {
        thread = WorkerThread("henge-writer") { self.run() }
    }

    /// Hands writes over, in order, and leaves `writes` empty with capacity. Any one thread.
    func submit(_ writes: inout GatheredWrites) {
        let mustWake = inbox.withLock { inbox in
            if inbox.writes.isEmpty {
                swap(&inbox.writes, &writes)
            } else {
                inbox.writes.append(writes)
            }
            defer { inbox.isWriterAsleep = false }
            return inbox.isWriterAsleep
        }
        writes.removeAll()
        if mustWake { inbox.signal() }
    }

    /// Carries out what was submitted, then ends the thread.
    func stop() {
        inbox.withLock { $0.isClosing = true }
        inbox.signal()
        thread?.join()
    }

    // MARK: The writer's thread

    private func run() {
        while true {
            switch nextWork() {
            case .batch: commit()
            case .timer: keepTime()
            case .stop:
                if syncDue != nil { syncLog() }
                return
            }
        }
    }

    private func nextWork() -> Work {
        let take = { (inbox: inout Inbox) -> Work? in
            guard inbox.writes.isEmpty else {
                swap(&inbox.writes, &self.taken)
                inbox.isWriterAsleep = false
                return .batch
            }
            if inbox.isClosing { return .stop }
            inbox.isWriterAsleep = true
            return nil
        }
        let due = timerDue
        // Under load the queue is never empty, but time goes on.
        if Instant.monotonicNow() >= due { return .timer }
        return inbox.wait(until: due, take) ?? .timer
    }

    private var timerDue: Instant {
        var due = spaceDue
        if let syncDue { due = min(due, syncDue) }
        if let retry = recovery.due { due = min(due, retry) }
        if let flush = removals.due { due = min(due, flush) }
        if let trim = removals.trimDue { due = min(due, trim) }
        return due
    }

    private func keepTime() {
        let now = Instant.monotonicNow()
        if now >= spaceDue { spaceDue = space.look() }
        if let due = syncDue, now >= due { syncLog() }
        if let due = recovery.due, now >= due {
            recovery.attempt(database, now: now, counters: counters, failures: failures)
        }
        if let due = removals.due, now >= due { writeRemovalsOut(now) }
        if let due = removals.trimDue, now >= due { returnMemory() }
    }

    private func returnMemory() {
        removals.trimmed()
        database.returnMemory()
    }

    /// All families, or the records of the others would hold the log.
    private func writeRemovalsOut(_ now: Instant) {
        removals.flushed(now: now)
        // RocksDB must take writes, and is seen to only when one has succeeded.
        let error = database.syncLog() ?? database.startFlush(of: [.objects, .hints, .meta])
        if let error { return fail(error, during: "writing removals out", operations: 1) }
        counters.removalFlushes.count()
        reclaimer.reclaim(forgotten)
        forgotten = []
    }

    private func syncLog() {
        syncDue = nil
        counters.logSyncs.count()
        if let error = database.syncLog() { fail(error, during: "log sync", operations: 1) }
    }

    private func commit() {
        var batch = taken.batch(after: GatheredWrites.Batch(), bytesMax: Self.batchBytesMax)
        while !batch.entries.isEmpty {
            commit(batch)
            batch = taken.batch(after: batch, bytesMax: Self.batchBytesMax)
        }
        taken.removeAll()
    }

    /// Writes these of what was taken. Others than records are looked at in place: to iterate over
    /// them would copy each, with all that it refers to counted.
    private func commit(_ batch: GatheredWrites.Batch) {
        let count = batch.entries.count
        let error = write(batch)
        if let error {
            counters.countFailure(error.failure, operations: count)
            fail(error, during: "write", operations: count)
            drops.failed()
        } else {
            recovery.succeeded()
            counters.batches.count()
            counters.writes.count(count)
            counters.writtenBytes.count(batch.byteCount)
            if !batch.others.isEmpty { noteRemovals(batch.others) }
        }
        counters.pendingWrites.count(-count)
        counters.pendingWriteBytes.count(-batch.byteCount)
        var answers: [StorageCompletion] = []
        answers.reserveCapacity(count)
        for index in batch.entries where taken.entries[index].isAnswered {
            answers.append(.persisted(taken.entries[index].token, error?.failure))
        }
        if !answers.isEmpty { deliver(answers) }
        for index in batch.others { taken.others[index].tell(error?.failure) }
        if error == nil, drops.takeFlush(), let error = database.startFlush(of: [.hints]) {
            fail(error, during: "writing hints out", operations: 1)
        }
        // Last, so that nobody's answer waits for it.
        if ahead?.isDue == true, !space.isLow { database.withoutAppending { ahead?.extend() } }
    }

    private func noteRemovals(_ others: Range<Int>) {
        var removed = 0
        var hasDropped = false
        for index in others {
            if taken.others[index].isRemoval { removed += 1 }
            if let tokens = taken.others[index].droppedTokens {
                forgotten.append(tokens)
                hasDropped = true
            }
        }
        removals.removed(removed, now: .monotonicNow())
        if hasDropped { removals.dropped(now: .monotonicNow()) }
    }

    private func write(_ batch: GatheredWrites.Batch) -> EngineError? {
        guard var records = RecordBatch() else { return RecordBatch.noMemory }
        let hints = database.withFamilies { taken.add(batch, to: &records, $0, &drops) }
        guard let hints else { return Database.closed }
        let error: EngineError?
        switch durability {
        case .sync:
            counters.logSyncs.count()
            error = database.write(records, synced: true)
            if error == nil { ahead?.appended(records.byteCount) }
        case .interval where batch.others.contains { taken.others[$0].isUrgent }:
            // This syncs what was written before, too.
            counters.logSyncs.count()
            error = database.write(records, synced: true)
            if error == nil { syncDue = nil }
        case .interval(let interval):
            if syncDue == nil { syncDue = Instant.monotonicNow() + interval }
            error = database.write(records, synced: false)
        }
        if error == nil { counters.hintsWritten.count(hints) }
        return error
    }

    private func fail(_ error: EngineError, during action: String, operations: Int) {
        failures.record(error, during: action, operations: operations)
        recovery.failed(now: .monotonicNow())
    }
}
