package import HengeBase
package import HengeMessages
package import Logging

package import struct NIOCore.ByteBuffer

/// The storage of one node on RocksDB; ``StorageRequest`` states the contract.
///
/// One thread, or one event loop, drives it: it calls ``load(_:token:)``,
/// ``persist(_:_:hints:token:)`` and the like and, at the end of each turn, ``endTurn()``. Writes
/// of one turn go together to a writer thread, and loads that memory can't answer to a small pool.
/// What isn't answered at once comes through `deliver`, on threads of the engine.
///
/// No read returns what isn't durable in `sync`: RocksDB inserts a batch into the memtable, where
/// reads find it, only after its log record was synced (docs/decisions/0002).
///
/// `@unchecked Sendable`: `gathering`, `loads`, `cache`, `recoveriesSeen`, `tallies` and `isClosed`
/// belong to the driver, whose calls never overlap; all else is immutable or guards itself.
package final class RocksDBEngine: @unchecked Sendable {
    /// The answer to a load.
    package enum Immediate: Sendable {
        case done(Result<ByteBuffer?, StorageFailure>)
        /// The answer comes through `deliver`, some time after the next ``endTurn()``.
        case pending
    }

    private let options: Options
    let database: Database
    private let writer: BatchWriter
    let readers: ReadPool
    private let reclaimer: Reclaimer
    let counters: StorageCounters
    let failures: FailureLog
    let deliver: @Sendable ([StorageCompletion]) -> Void
    private let space: SpaceWatch

    // Unchecked, that is without checks at run time: no two accesses overlap, as the driver's calls
    // never do and none of them calls back (NodeDriver has the same).
    @exclusivity(unchecked) private var gathering = GatheredWrites()
    @exclusivity(unchecked) private var loads: [ReadJob.Load] = []
    @exclusivity(unchecked) var cache: RecordMemory
    var recoveriesSeen = 0
    private var tallies: [(count: PartitionCount, thread: WorkerThread)] = []
    private(set) var isClosed = false

    /// What ``closeClean(state:)`` was given when the directory was last closed; nil when the last
    /// stop was not clean, or the directory is new. It was durably removed before `open` returned.
    package let previousCleanState: ByteBuffer?
    /// The cluster that the directory belongs to.
    package let clusterID: UInt64
    /// What was saved last about rings, as of the opening: empty when it can't be read, nil when
    /// nothing was saved yet.
    package let storedRing: ByteBuffer?
    /// What ``saveLives(_:)`` was given last, as of the opening.
    package let storedLives: ByteBuffer?
    /// How often the directory was opened, this time included: at least 1. It rose durably before
    /// `open` returned, so a copy that is put back gets a number that its later life had.
    package let startNumber: UInt64
    /// The hints that were kept at the opening, in the order of the targets; none for a target for
    /// which there is nothing.
    package let hintBacklogs: [HintBacklog]
    /// What ``saveWatermark(partition:_:token:)`` was given last, as of the opening, in the order
    /// of the partitions; none for a partition for which there is nothing, or nothing whole.
    package let watermarks: [(partition: Int, bytes: ByteBuffer)]

    /// What ``saveTransfer(partition:_:token:)`` was given last, in the same way.
    package let transfers: [(partition: Int, bytes: ByteBuffer)]

    /// What the opening found.
    private struct Found {
        let clusterID: UInt64
        let ring: ByteBuffer?
        let lives: ByteBuffer?
        let cleanState: ByteBuffer?
        let startNumber: UInt64
        let watermarks: PartitionRecordWalk
        let transfers: PartitionRecordWalk
        let backlogs: BacklogWalk
        let backlogFailure: EngineError?

        init(_ database: Database, _ identity: StoreIdentity) throws(StoreOpenError) {
            let meta = MetaRecords(database: database)
            clusterID = try meta.claim(for: identity)
            ring = try meta.ring()
            lives = try meta.lives()
            var walk = BacklogWalk()
            backlogFailure = walk.run(on: database)
            backlogs = walk
            watermarks = PartitionRecordWalk(database, MetaRecords.watermarkPrefix)
            transfers = PartitionRecordWalk(database, MetaRecords.transferPrefix)
            let rotten = watermarks.rotten + transfers.rotten
            (cleanState, startNumber) = try meta.begin(removing: rotten)
        }
    }

    /// Opens the data directory, making it when it is missing. Blocks, maybe for seconds after a
    /// crash.
    ///
    /// - Parameter deliver: called on threads of the engine, at times two at once, with completions
    ///   in the order of their persists; it should only pass them on to the driver.
    package static func open(
        _ options: Options,
        identity: StoreIdentity,
        logger: Logger,
        deliver: @escaping @Sendable ([StorageCompletion]) -> Void
    ) throws(StoreOpenError) -> RocksDBEngine {
        let database = try Database.opening(options)
        do throws(StoreOpenError) {
            let found = try Found(database, identity)
            // Without the node's own counts the records must be counted, as they are before any
            // write.
            if found.cleanState == nil { database.takeSnapshot() }
            return RocksDBEngine(options, database, found, logger, deliver)
        } catch {
            database.close()
            throw error
        }
    }

    private init(
        _ options: Options,
        _ database: Database,
        _ found: Found,
        _ logger: Logger,
        _ deliver: @escaping @Sendable ([StorageCompletion]) -> Void
    ) {
        let counters = StorageCounters()
        let failures = FailureLog(logger)
        self.options = options
        self.database = database
        self.counters = counters
        self.failures = failures
        self.deliver = deliver
        previousCleanState = found.cleanState
        clusterID = found.clusterID
        storedRing = found.ring
        storedLives = found.lives
        startNumber = found.startNumber
        hintBacklogs = found.backlogs.backlogs
        watermarks = found.watermarks.records
        transfers = found.transfers.records
        cache = RecordMemory(bytes: options.recordCacheBytes)
        let space = SpaceWatch(options.directory)
        self.space = space
        reclaimer = Reclaimer(database, counters: counters)
        writer = BatchWriter(
            database,
            options: options,
            space: space,
            reclaimer: reclaimer,
            counters: counters,
            failures: failures,
            deliver: deliver
        )
        readers = ReadPool(
            database,
            threadCount: options.readThreadCount,
            counters: counters,
            failures: failures,
            deliver: deliver
        )
        reclaimer.start()
        writer.start()
        readers.start()
        logUnread(found)
    }

    private func logUnread(_ found: Found) {
        let strays = found.backlogs.strayCount
        let stray = EngineError(.corrupt, "\(strays) records are no hints")
        for error in [found.backlogFailure, strays > 0 ? stray : nil].compactMap(\.self) {
            counters.countFailure(error.failure)
            failures.record(error, during: "counting hints")
        }
        for (walk, name) in [(found.watermarks, "watermarks"), (found.transfers, "transfers")] {
            guard let error = walk.failure else { continue }
            counters.countFailure(error.failure)
            failures.record(error, during: "reading \(name)")
        }
    }

    package var metrics: StorageMetrics { counters.snapshot }

    /// From how many unfinished writes, or reads in the pool, on it is backpressured.
    package var pendingOperationsMax: Int { options.pendingOperationsMax }

    /// Whether so much is unfinished that the driver should take no more requests for now.
    package var isBackpressured: Bool {
        counters.pendingWrites.value >= options.pendingOperationsMax
            || counters.pendingReads.value >= options.pendingOperationsMax
            || counters.pendingWriteBytes.value >= options.pendingBytesMax
    }

    /// Whether less than 1 GiB, or than a tenth of a small file system, was free within the last
    /// second or two: time to stop keeping what can be done without.
    package var isSpaceLow: Bool { space.isLow }

    /// Bytes of the data directory's file system, within the last second or two; zeros when that
    /// can't be told.
    package var diskBytes: (free: Int, total: Int) { space.bytes }

    // MARK: Requests

    /// Reads a record: at once when memory has the answer, else in the pool.
    package func load(_ key: StoredKey, token: StorageToken) -> Immediate {
        guard !isClosed else { return .done(.failure(.readOnly)) }
        if let object = recall(key) { return .done(.success(object)) }
        return search(key, token)
    }

    /// The same for one who may not need the values: a record that need not be searched for, or its
    /// version, else what a load finds. Nil where the answer comes through `deliver`.
    package func loadVersion(_ key: StoredKey, token: StorageToken) -> StorageCompletion? {
        guard !isClosed else { return .loaded(token, .failure(.readOnly)) }
        if let object = recall(key) { return .loaded(token, .success(object)) }
        if let version = cache.version(of: key) {
            counters.cachedVersions.count()
            return .versionLoaded(token, version)
        }
        guard case .done(let result) = search(key, token) else { return nil }
        return .loaded(token, result)
    }

    private func search(_ key: StoredKey, _ token: StorageToken) -> Immediate {
        switch database.readCached(key) {
        case .found(let object):
            counters.cachedLoads.count()
            counters.readBytes.count(object.readableBytes)
            cache.loaded(key, object)
            return .done(.success(object))
        case .absent:
            counters.cachedLoads.count()
            return .done(.success(nil))
        case .incomplete, nil:
            loads.append(ReadJob.Load(key: key, token: token))
            return .pending
        case .failed(let error):
            counters.countFailure(error.failure)
            failures.record(error, during: "load")
            return .done(.failure(error.failure))
        }
    }

    /// A record that need not be searched for, as it was read or written last; nil for others.
    package func recall(_ key: StoredKey) -> ByteBuffer? {
        guard !isClosed, let object = cached(key) else { return nil }
        counters.cachedLoads.count()
        counters.readBytes.count(object.readableBytes)
        return object
    }

    /// Takes one write; it starts at the next ``endTurn()``.
    func gather(_ write: PendingWrite) {
        counters.pendingWrites.count()
        counters.pendingWriteBytes.count(write.byteCount)
        gathering.append(write)
    }

    /// The same for a record that ``GatheredWrites`` takes as bytes.
    func gather(_ key: StoredKey, _ object: ByteBuffer, checksum: UInt64, token: StorageToken) {
        counters.pendingWrites.count()
        counters.pendingWriteBytes.count(key.bytes.readableBytes + object.readableBytes)
        gathering.put(key, object, checksum: checksum, token: token)
    }

    /// Hands the writes gathered since the last call to the writer, and the loads to the pool.
    package func endTurn() {
        guard !isClosed else { return }
        if !loads.isEmpty { readers.submit(&loads) }
        if !gathering.isEmpty { writer.submit(&gathering) }
    }

    /// Lists live keys; answered through `deliver`.
    package func scan(_ range: ScanRange, token: StorageToken) {
        guard !isClosed else { return deliver([.scanned(token, .failure(.readOnly))]) }
        readers.scan(range, token)
    }

    /// Lists records for anti-entropy, past what can't be read; answered through `deliver`.
    package func list(_ range: ListRange, token: StorageToken) {
        guard !isClosed else { return deliver([.listed(token, .failure(.readOnly))]) }
        readers.list(range, token)
    }

    /// Reads the hints for a node whose sequence is above `after`, in order; answered through
    /// `deliver`. A page ends at `limit` hints or at 1 MiB, and holds at least one where there is
    /// one that can be read: an empty page is the end.
    package func loadHints(
        _ target: NodeID,
        after: UInt64,
        limit: Int,
        token: StorageToken
    ) {
        guard !isClosed else { return deliver([.hintsLoaded(token, .failure(.readOnly))]) }
        readers.loadHints(target, after: after, limit: limit, token)
    }

    // MARK: Counting

    /// Counts records by partition in the background, as they were at the opening, before any
    /// write, when ``previousCleanState`` is nil; else as they are now. Both calls come on a thread
    /// of the engine; `done` exactly once, also when the engine closes first. Call it once after an
    /// opening without clean state: until the count is done RocksDB keeps the state of the opening.
    ///
    /// - Parameter partitionBits: log₂ of the number of partitions; nil for that of the options.
    package func tally(
        partitionBits: Int? = nil,
        progress: @escaping @Sendable (StorageTally.Progress) -> Void = { _ in },
        done: @escaping @Sendable (Result<StorageTally, StorageFailure>) -> Void
    ) {
        guard !isClosed else { return done(.failure(.readOnly)) }
        let bits = partitionBits ?? options.partitionBits
        let count = PartitionCount(database, partitionBits: bits)
        if previousCleanState != nil { database.takeSnapshot() }
        let thread = WorkerThread("henge-tally") { [counters, failures] in
            switch count.run(progress: progress) {
            case .success(let tally): done(.success(tally))
            case .failure(let error):
                counters.countFailure(error.failure)
                failures.record(error, during: "counting records")
                done(.failure(error.failure))
            }
        }
        tallies.append((count, thread))
    }

    // MARK: End

    /// Finishes what was asked, then closes with a durable mark that the stop was clean; the next
    /// opening gets `state` back. Blocks; completions come through `deliver` before it returns.
    ///
    /// - Parameter isEmpty: whether the caller knows that it needs no record and no hint any more.
    ///   All of them are forgotten then, and what they took on the disk is freed at once.
    /// - Returns: whether the mark was made. Without it the next opening treats the stop as a
    ///   crash.
    @discardableResult
    package func closeClean(state: ByteBuffer, isEmpty: Bool = false) -> Bool {
        guard !isClosed else { return false }
        stopWork()
        let error =
            database.syncLog() ?? (isEmpty ? database.dropRecords() : nil)
            ?? database.flush(isEmpty ? [.meta] : [.objects, .hints, .meta])
            ?? MetaRecords(database: database).saveCleanState(state)
        if let error { failures.record(error, during: "a clean stop") }
        closeDatabase()
        return error == nil
    }

    /// Finishes what was asked and closes without the mark. Blocks.
    package func close() {
        guard !isClosed else { return }
        stopWork()
        closeDatabase()
    }

    private func closeDatabase() {
        database.close()
        reclaimer.join()
    }

    private func stopWork() {
        endTurn()
        isClosed = true
        for tally in tallies { tally.count.cancel() }
        for tally in tallies { tally.thread.join() }
        tallies = []
        readers.stop()
        writer.stop()
        reclaimer.end()
    }
}
