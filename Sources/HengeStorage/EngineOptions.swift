package import HengeBase

extension RocksDBEngine {
    /// When a write is acknowledged, and so when reads see it.
    package enum Durability: Hashable, Sendable {
        /// After an fsync, which all writes that gathered meanwhile share.
        case sync
        /// Once the operating system has it: the process may be killed at any moment without loss.
        /// A power failure loses at most the writes of the last interval, always a suffix. 10 ms to
        /// 1 min.
        case interval(Interval)
    }

    package struct Options: Sendable {
        /// Made, with its parents, when missing; mode 0700.
        package var directory: String
        /// log₂ of the number of partitions, 1...14, for ``RocksDBEngine/tally(progress:done:)``.
        package var partitionBits: Int
        package var durability = Durability.sync
        /// Data, index and filter blocks share it.
        package var blockCacheBytes = 64 << 20
        /// For the records that were read or written last, beside the blocks; 0 for none.
        package var recordCacheBytes = 64 << 20
        /// What of the memtables is written out together; at most twice as much is in memory.
        package var writeBufferBytes = 32 << 20
        /// Whether the log has zeros ahead of what is appended (``LogAhead``), which makes
        /// an fsync shorter; only where each commit is synced.
        package var keepsLogAhead = true
        /// Threads that do the reads for which a disk may be needed. At least 1.
        package var readThreadCount = 2
        /// Unfinished writes, and unfinished reads in the pool, from which on the engine says that
        /// it is backpressured.
        package var pendingOperationsMax = 65_536
        /// Bytes of unfinished writes from which on the engine says that it is backpressured.
        package var pendingBytesMax = 64 << 20

        /// Once so many records were removed, and then none for ``flushRemovalsPause``, memtables
        /// are written out, so that the disk shrinks. At least 1.
        package var flushRemovalsMin = 10_000
        package var flushRemovalsPause = Interval.seconds(10)

        package init(directory: String, partitionBits: Int) {
            self.directory = directory
            self.partitionBits = partitionBits
        }
    }
}
