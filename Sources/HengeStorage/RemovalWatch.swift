import HengeBase

/// When to write memtables out after records were removed.
///
/// RocksDB frees the space of a removed record once the removal, written out to a file, meets it in
/// a compaction, and ``DatabaseSettings`` has files full of removals compacted at once. But the
/// last removals of many lie in a memtable, and the log of all of them on the disk, until something
/// else fills that. So it is written out when the removals have paused.
struct RemovalWatch {
    private let removalsMin: Int
    private let pause: Interval
    private var removals = 0
    /// When to write out, unless more is removed before; nil while there is no need to.
    private(set) var due: Instant?
    /// When the memtables that were written out, and the trees and tables of what was removed, are
    /// gone, so that the memory they had can go back to the system.
    private(set) var trimDue: Instant?

    init(_ options: RocksDBEngine.Options) {
        removalsMin = options.flushRemovalsMin
        pause = options.flushRemovalsPause
    }

    mutating func removed(_ count: Int, now: Instant) {
        guard count > 0 else { return }
        removals += count
        if removals >= removalsMin { due = now + pause }
    }

    /// Whole partitions have gone, each by a range, which every read takes into account until it is
    /// written out and compacted away.
    mutating func dropped(now: Instant) {
        due = now + pause
    }

    mutating func flushed(now: Instant) {
        removals = 0
        due = nil
        trimDue = now + pause
    }

    mutating func trimmed() {
        trimDue = nil
    }
}
