import HengeStorage

/// RocksDB's own properties.
enum EngineMetricList {
    /// A metric that is a property of RocksDB.
    struct Property: Sendable {
        let definition: MetricDefinition
        let property: EngineProperty

        init(
            _ property: EngineProperty, _ name: String, _ help: String,
            _ unit: MetricDefinition.Unit
        ) {
            self.property = property
            let labels = property.isOfFamily ? ["family"] : []
            definition = .gauge("henge_rocksdb_" + name, help, by: labels, unit: unit)
        }
    }

    static let files: [Property] = [
        .init(.liveFileBytes, "live_files_bytes", "Table files in use", .bytes),
        .init(
            .allFileBytes,
            "files_bytes",
            "Table files, with those that are no longer in use and not yet deleted",
            .bytes
        ),
        .init(
            .liveDataBytes,
            "live_data_bytes",
            "What of these is not overwritten or deleted, by RocksDB's estimate",
            .bytes
        ),
    ]
    static let memory: [Property] = [
        .init(.memtableBytes, "memtables_bytes", "Memtables, also those being written out", .bytes),
        .init(
            .tableReaderBytes,
            "table_readers_bytes",
            "Indexes and filters outside the block cache, by RocksDB's estimate",
            .bytes
        ),
        .init(.blockCacheBytes, "block_cache_bytes", "Blocks in the cache", .bytes),
        .init(
            .blockCachePinnedBytes,
            "block_cache_pinned_bytes",
            "Blocks in the cache that are in use",
            .bytes
        ),
        .init(
            .blockCacheCapacityBytes,
            "block_cache_capacity_bytes",
            "What the block cache may take",
            .bytes
        ),
    ]
    static let compaction: [Property] = [
        .init(
            .pendingCompactionBytes,
            "pending_compaction_bytes",
            "What compaction has to rewrite, by RocksDB's estimate",
            .bytes
        ),
        .init(
            .delayedWriteBytes,
            "delayed_write_rate_bytes",
            "Bytes a second that writes are slowed down to, 0 while they are not",
            .bytes
        ),
    ]
    static let work: [Property] = [
        .init(.runningCompactions, "running_compactions", "Compactions that run", .none),
        .init(.runningFlushes, "running_flushes", "Memtables that are being written out", .none),
        .init(
            .immutableMemtables,
            "immutable_memtables",
            "Full memtables; as they are small, up to sixteen are written out together",
            .none
        ),
        .init(.levelZeroFiles, "level_zero_files", "Table files in level 0", .none),
        .init(.writeStopped, "write_stopped", "1 while writes are stopped", .none),
        .init(
            .backgroundErrors,
            "background_errors",
            "Failures of compactions and flushes since RocksDB was opened",
            .none
        ),
    ]
    static let contents: [Property] = [
        .init(.estimatedKeys, "estimated_keys", "Records, by RocksDB's estimate", .none),
        .init(.snapshots, "snapshots", "Snapshots that are held", .none),
    ]

    static let all: [Property] = files + memory + compaction + work + contents

    static let group = MetricGroup(
        "RocksDB",
        """
        Properties of RocksDB, by column family where it keeps them so. Its statistics object is \
        not switched on: it costs each read and write, and Henge's own counters tell how many \
        loads memory answered.
        """,
        [
            MetricPanel("Table files", files.map(\.definition)),
            MetricPanel("Memory of RocksDB", memory.map(\.definition)),
            MetricPanel("Compaction debt", compaction.map(\.definition)),
            MetricPanel("Compactions and flushes", work.map(\.definition)),
            MetricPanel("Contents of RocksDB", contents.map(\.definition)),
        ]
    )
}
