import HengeMessages
import Synchronization

/// What the engine has done since it was opened. Counts only rise, except those of what is pending.
package struct StorageMetrics: Hashable, Sendable {
    package var batches = 0
    package var writes = 0
    /// Bytes of keys, objects and hints written.
    package var writtenBytes = 0
    /// Fsyncs of the log that the engine asked for: one a batch in `sync`, one an interval
    /// otherwise.
    package var logSyncs = 0
    /// Loads answered from memory, on the caller's thread.
    package var cachedLoads = 0
    /// The same with the version of a record alone.
    package var cachedVersions = 0
    /// Loads for which a thread of the pool may have waited for the disk.
    package var pooledLoads = 0
    package var readBytes = 0
    package var scans = 0
    /// Pages of records for anti-entropy.
    package var lists = 0
    package var hintsWritten = 0
    /// Removals of hints, each of any number of them.
    package var hintDrops = 0
    package var hintPagesRead = 0
    /// Times that memtables were written out after many removals, so that the disk shrinks.
    package var removalFlushes = 0
    /// Times that the tables with records of partitions that were given away had all been
    /// compacted, the compactions that it took, and the bytes that went with them.
    package var reclaims = 0
    package var reclaimCompactions = 0
    package var reclaimedBytes = 0
    /// Times that RocksDB was reopened in place after it had stopped taking writes.
    package var recoveries = 0
    /// Failed operations by kind; the writes of a failed batch count one each.
    package var failuresNoSpace = 0
    package var failuresIO = 0
    package var failuresCorrupt = 0
    package var failuresReadOnly = 0
    package var pendingWrites = 0
    package var pendingReads = 0

    package init() {}

    /// Writes of a mean batch; zero before the first.
    package var batchSizeMean: Double { batches == 0 ? 0 : Double(writes) / Double(batches) }
}

/// The counters behind ``StorageMetrics``, raised from any thread.
final class StorageCounters: Sendable {
    let batches = Atomic<Int>(0)
    let writes = Atomic<Int>(0)
    let writtenBytes = Atomic<Int>(0)
    let logSyncs = Atomic<Int>(0)
    let cachedLoads = Atomic<Int>(0)
    let cachedVersions = Atomic<Int>(0)
    let pooledLoads = Atomic<Int>(0)
    let readBytes = Atomic<Int>(0)
    let scans = Atomic<Int>(0)
    let lists = Atomic<Int>(0)
    let hintsWritten = Atomic<Int>(0)
    let hintDrops = Atomic<Int>(0)
    let hintPagesRead = Atomic<Int>(0)
    let removalFlushes = Atomic<Int>(0)
    let reclaims = Atomic<Int>(0)
    let reclaimCompactions = Atomic<Int>(0)
    let reclaimedBytes = Atomic<Int>(0)
    let recoveries = Atomic<Int>(0)
    let pendingWrites = Atomic<Int>(0)
    let pendingWriteBytes = Atomic<Int>(0)
    let pendingReads = Atomic<Int>(0)
    private let failuresNoSpace = Atomic<Int>(0)
    private let failuresIO = Atomic<Int>(0)
    private let failuresCorrupt = Atomic<Int>(0)
    private let failuresReadOnly = Atomic<Int>(0)

    func countFailure(_ failure: StorageFailure, operations: Int = 1) {
        switch failure {
        case .noSpace: failuresNoSpace.count(operations)
        case .io: failuresIO.count(operations)
        case .corrupt: failuresCorrupt.count(operations)
        case .readOnly: failuresReadOnly.count(operations)
        }
    }

    var snapshot: StorageMetrics {
        var metrics = StorageMetrics()
        metrics.batches = batches.value
        metrics.writes = writes.value
        metrics.writtenBytes = writtenBytes.value
        metrics.logSyncs = logSyncs.value
        metrics.cachedLoads = cachedLoads.value
        metrics.cachedVersions = cachedVersions.value
        metrics.pooledLoads = pooledLoads.value
        metrics.readBytes = readBytes.value
        metrics.scans = scans.value
        metrics.lists = lists.value
        metrics.hintsWritten = hintsWritten.value
        metrics.hintDrops = hintDrops.value
        metrics.hintPagesRead = hintPagesRead.value
        metrics.removalFlushes = removalFlushes.value
        metrics.reclaims = reclaims.value
        metrics.reclaimCompactions = reclaimCompactions.value
        metrics.reclaimedBytes = reclaimedBytes.value
        metrics.recoveries = recoveries.value
        metrics.failuresNoSpace = failuresNoSpace.value
        metrics.failuresIO = failuresIO.value
        metrics.failuresCorrupt = failuresCorrupt.value
        metrics.failuresReadOnly = failuresReadOnly.value
        metrics.pendingWrites = pendingWrites.value
        metrics.pendingReads = pendingReads.value
        return metrics
    }
}

extension Atomic where Value == Int {
    var value: Int { load(ordering: .relaxed) }

    func count(_ amount: Int = 1) {
        wrappingAdd(amount, ordering: .relaxed)
    }
}
