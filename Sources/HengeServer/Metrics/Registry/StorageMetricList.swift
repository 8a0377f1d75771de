import HengeStorage

/// What Henge asks of its storage.
enum StorageMetricList {
    static let pending: [MeasuredNumber<StorageMetrics>] = [
        .init(
            .gauge("henge_storage_writes_pending", "Writes that the disk has not confirmed")
        ) { $0.pendingWrites },
        .init(
            .gauge("henge_storage_reads_pending", "Reads that wait for the disk, or their turn")
        ) { $0.pendingReads },
    ]
    static let limit = MetricDefinition.gauge(
        "henge_storage_pending_limit",
        "From how many of these on writes are refused"
    )
    static let shardWork = MetricDefinition.gauge(
        "henge_shard_work",
        "All that the shard holds for work in flight, also for other nodes and in the background"
    )
    static let failures = MetricDefinition.counter(
        "henge_storage_failures_total",
        "Failed operations; the writes of a failed batch count one each",
        by: ["kind"]
    )
    static let diskBytes = MetricDefinition.gauge(
        "henge_disk_bytes",
        "The file system of the data directory",
        by: ["state"],
        unit: .bytes
    )

    static let operations: [MeasuredNumber<StorageMetrics>] = [
        .init(.counter("henge_storage_batches_total", "Batches of writes")) { $0.batches },
        .init(.counter("henge_storage_writes_total", "Writes in these batches")) { $0.writes },
        .init(
            .counter("henge_storage_log_syncs_total", "Times that the log was made durable")
        ) { $0.logSyncs },
        .init(
            .counter("henge_storage_loads_cached_total", "Loads answered from memory, at once")
        ) { $0.cachedLoads },
        .init(
            .counter(
                "henge_storage_loads_versions_total",
                "Loads answered from memory with the version of a record alone"
            )
        ) { $0.cachedVersions },
        .init(
            .counter(
                "henge_storage_loads_pooled_total",
                "Loads for which a thread of the pool may have waited for the disk"
            )
        ) { $0.pooledLoads },
        .init(.counter("henge_storage_scans_total", "Pages of keys")) { $0.scans },
        .init(.counter("henge_storage_lists_total", "Pages of records for anti-entropy")) {
            $0.lists
        },
    ]
    static let bytes: [MeasuredNumber<StorageMetrics>] = [
        .init(
            .counter(
                "henge_storage_written_bytes_total",
                "Keys, objects and hints written",
                unit: .bytes
            )
        ) { $0.writtenBytes },
        .init(
            .counter("henge_storage_read_bytes_total", "Objects read", unit: .bytes)
        ) { $0.readBytes },
    ]
    static let hints: [MeasuredNumber<StorageMetrics>] = [
        .init(.counter("henge_storage_hints_written_total", "Hints written")) {
            $0.hintsWritten
        },
        .init(
            .counter(
                "henge_storage_hint_drops_total",
                "Removals of hints, each of any number of them"
            )
        ) { $0.hintDrops },
        .init(.counter("henge_storage_hint_pages_total", "Pages of hints read")) {
            $0.hintPagesRead
        },
    ]
    static let rare: [MeasuredNumber<StorageMetrics>] = [
        .init(
            .counter(
                "henge_storage_removal_flushes_total",
                "Times that memtables were written out after many removals"
            )
        ) { $0.removalFlushes },
        .init(
            .counter(
                "henge_storage_reclaims_total",
                "Times that all tables with records of partitions given away were compacted"
            )
        ) { $0.reclaims },
        .init(
            .counter(
                "henge_storage_reclaim_compactions_total",
                "Compactions of tables with records of partitions that were given away"
            )
        ) { $0.reclaimCompactions },
        .init(
            .counter(
                "henge_storage_reclaimed_bytes_total",
                "Bytes of tables freed by them",
                unit: .bytes
            )
        ) { $0.reclaimedBytes },
        .init(
            .counter(
                "henge_storage_recoveries_total",
                "Times that RocksDB was reopened in place after it had stopped taking writes"
            )
        ) { $0.recoveries },
    ]
    /// By the label of ``failures``.
    static let kinds: [(kind: String, read: @Sendable (StorageMetrics) -> Int)] = [
        ("no_space", { $0.failuresNoSpace }),
        ("io", { $0.failuresIO }),
        ("corrupt", { $0.failuresCorrupt }),
        ("read_only", { $0.failuresReadOnly }),
    ]

    static let group = MetricGroup(
        "Storage",
        "What this node asks of its storage, and what waits for it.",
        [
            MetricPanel("Waiting for the storage", pending.map(\.definition) + [limit, shardWork]),
            MetricPanel("Operations a second", operations.map(\.definition)),
            MetricPanel("Bytes of records a second", bytes.map(\.definition)),
            MetricPanel("Hint operations a second", hints.map(\.definition)),
            MetricPanel("Storage failures a second", [failures] + rare.map(\.definition)),
            MetricPanel("Disk", [diskBytes]),
        ]
    )
}
