import HengeBase

/// When to reopen RocksDB after writes have failed.
///
/// RocksDB refuses every write after a failed one. It resumes by itself after some failures (a full
/// disk met while a memtable is written out) but not after others (a full disk met while the log
/// is), and its C API has no call for it; so the database is opened anew, once there is space for
/// what an opening writes.
struct Recovery: Sendable {
    private static let delayMin = Interval.milliseconds(500)
    private static let delayMax = Interval.seconds(30)

    /// Bytes that must be free: the opening writes the log's records out as tables.
    private let spaceNeeded: UInt64
    /// When to try next; nil while writes succeed.
    private(set) var due: Instant?
    private var delay = Recovery.delayMin

    init(spaceNeeded: UInt64) {
        self.spaceNeeded = spaceNeeded
    }

    mutating func succeeded() {
        due = nil
        delay = Self.delayMin
    }

    mutating func failed(now: Instant) {
        if due == nil { due = now + delay }
    }

    mutating func attempt(
        _ database: Database,
        now: Instant,
        counters: StorageCounters,
        failures: FailureLog
    ) {
        guard DataDirectory.freeBytes(database.directory) >= spaceNeeded else {
            due = now + Self.delayMin
            return
        }
        // Until a write succeeds each attempt waits longer: a broken device must not keep a node
        // busy.
        delay = min(Interval(nanoseconds: 2 * delay.nanoseconds), Self.delayMax)
        counters.recoveries.count()
        if let error = database.reopen() {
            failures.record(error, during: "reopening after failed writes")
            due = Instant.monotonicNow() + delay
        } else {
            failures.note("storage was reopened after failed writes")
            due = nil
        }
    }
}
