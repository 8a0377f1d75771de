import CRocksDB
import HengeBase

/// The RocksDB option objects of one engine, made once and used for every opening and every call.
///
/// `@unchecked Sendable`: after `init` the pointers never change and RocksDB only reads what they
/// point at.
final class DatabaseSettings: @unchecked Sendable {
    /// For the database and the column family of the objects.
    let objects: OpaquePointer
    /// For column families of a few small records.
    let small: OpaquePointer
    let hints: OpaquePointer
    let cacheReads: OpaquePointer
    let fullReads: OpaquePointer
    let syncedWrites: OpaquePointer
    let unsyncedWrites: OpaquePointer
    private let objectMemtables: MemtableSlices
    private let hintMemtables: MemtableSlices
    private let cache: OpaquePointer
    private let tables: OpaquePointer

    /// `kBlockCacheTier` of `rocksdb/options.h`: memtables and block cache, never a file.
    private static let readTierCache: CInt = 1
    /// `kTwoLevelIndexSearch` of `rocksdb/table.h`: an index in blocks, and one of these blocks.
    private static let twoLevelIndex: CInt = 2
    /// As many as RocksDB has by default.
    private static let levels = 7
    /// A table file with as many removals among as many records in a row is compacted soon, so that
    /// what was removed leaves the disk.
    private static let removalsWindow = 1_024
    private static let removalsInWindowMax = 256
    /// Hints come while a node is away, then at the rate of a third of the writes or less.
    private static let hintBufferBytesMax = 8 << 20

    init(_ options: RocksDBEngine.Options) throws(EngineError) {
        guard let objects = rocksdb_options_create(), let small = rocksdb_options_create(),
            let hints = rocksdb_options_create(),
            let cacheReads = rocksdb_readoptions_create(),
            let fullReads = rocksdb_readoptions_create(),
            let syncedWrites = rocksdb_writeoptions_create(),
            let unsyncedWrites = rocksdb_writeoptions_create(),
            let cache = rocksdb_cache_create_lru(options.blockCacheBytes),
            let tables = rocksdb_block_based_options_create()
        else { throw EngineError(.io, "RocksDB has no memory for its options") }
        self.objects = objects
        self.small = small
        self.hints = hints
        self.cacheReads = cacheReads
        self.fullReads = fullReads
        self.syncedWrites = syncedWrites
        self.unsyncedWrites = unsyncedWrites
        self.cache = cache
        self.tables = tables
        objectMemtables = MemtableSlices(writeBufferBytes: options.writeBufferBytes)
        hintMemtables = MemtableSlices(
            writeBufferBytes: min(Self.hintBufferBytesMax, options.writeBufferBytes)
        )

        rocksdb_readoptions_set_read_tier(cacheReads, Self.readTierCache)
        rocksdb_readoptions_set_verify_checksums(cacheReads, 1)
        rocksdb_readoptions_set_verify_checksums(fullReads, 1)
        rocksdb_writeoptions_set_sync(syncedWrites, 1)
        rocksdb_writeoptions_set_sync(unsyncedWrites, 0)
        setTables()
        setDatabase(objects, objectMemtables)
        rocksdb_options_set_max_total_wal_size(objects, UInt64(4 * options.writeBufferBytes))
        rocksdb_options_add_compact_on_deletion_collector_factory(
            objects,
            Self.removalsWindow,
            Self.removalsInWindowMax
        )
        setDatabase(small, MemtableSlices(writeBufferBytes: 1 << 20))
        setDatabase(hints, hintMemtables)
    }

    deinit {
        rocksdb_block_based_options_destroy(tables)
        rocksdb_cache_destroy(cache)
        rocksdb_writeoptions_destroy(unsyncedWrites)
        rocksdb_writeoptions_destroy(syncedWrites)
        rocksdb_readoptions_destroy(fullReads)
        rocksdb_readoptions_destroy(cacheReads)
        rocksdb_options_destroy(hints)
        rocksdb_options_destroy(small)
        rocksdb_options_destroy(objects)
    }

    /// For a RocksDB that was built without LZ4.
    func disableCompression() {
        for options in [objects, small, hints] {
            setCompression(of: options, CInt(rocksdb_no_compression))
        }
    }

    /// Forgets the blocks that are cached; those of files that are gone would stay until others
    /// push them out.
    func dropCachedBlocks() {
        let bytes = rocksdb_cache_get_capacity(cache)
        rocksdb_cache_set_capacity(cache, 0)
        rocksdb_cache_set_capacity(cache, bytes)
    }

    /// Read options of an iterator: they carry its bound, so each needs its own.
    ///
    /// A long walk must not push what the requests need out of the cache.
    func makeIteratorReads(snapshot: OpaquePointer?) -> OpaquePointer? {
        guard let reads = rocksdb_readoptions_create() else { return nil }
        rocksdb_readoptions_set_verify_checksums(reads, 1)
        rocksdb_readoptions_set_fill_cache(reads, 0)
        if let snapshot { rocksdb_readoptions_set_snapshot(reads, snapshot) }
        return reads
    }

    private func setTables() {
        rocksdb_block_based_options_set_block_cache(tables, cache)
        // So that memory is bounded by the cache, not by the number of keys.
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(tables, 1)
        rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(tables, 1)
        rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(tables, 1)
        // Whole, a table file's filter and its index have half a megabyte each, as much as a shard
        // of the cache has room for; with a few dozen files each load would read one anew.
        rocksdb_block_based_options_set_index_type(tables, Self.twoLevelIndex)
        rocksdb_block_based_options_set_partition_filters(tables, 1)
        // The table options own the filter policy from here on.
        rocksdb_block_based_options_set_filter_policy(
            tables,
            rocksdb_filterpolicy_create_bloom_full(10)
        )
    }

    /// Once a database is open.
    func cutMemtables(of open: Database.Open) throws(EngineError) {
        try objectMemtables.cut(open.database, open.objects)
        try hintMemtables.cut(open.database, open.hints)
    }

    /// Level 0 has none: what is written out is compacted soon, and until then to have compressed
    /// it has only taken time from requests.
    private func setCompression(of options: OpaquePointer, _ compression: CInt) {
        var levels = [CInt](repeating: compression, count: Self.levels)
        levels[0] = CInt(rocksdb_no_compression)
        rocksdb_options_set_compression_per_level(options, &levels, levels.count)
    }

    private func setDatabase(_ options: OpaquePointer, _ memtables: MemtableSlices) {
        rocksdb_options_set_create_if_missing(options, 1)
        rocksdb_options_set_create_missing_column_families(options, 1)
        rocksdb_options_set_paranoid_checks(options, 1)
        rocksdb_options_set_block_based_table_factory(options, tables)
        setCompression(of: options, CInt(rocksdb_lz4_compression))
        rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
        memtables.set(in: options)
        rocksdb_options_set_max_background_jobs(options, 2)
        rocksdb_options_set_max_open_files(options, 512)
        rocksdb_options_set_bytes_per_sync(options, 1 << 20)
        // RocksDB's own log must stay empty. Debian builds the library with assertions on, and a
        // message that finds the disk full aborts the process: writable_file_writer.h asserts that
        // a file isn't used after a failed write, and the log is. The engine logs what fails
        // itself.
        rocksdb_options_set_info_log_level(options, Self.logLevelFatal)
        rocksdb_options_set_keep_log_file_num(options, 1)
        rocksdb_options_set_stats_dump_period_sec(options, 0)
        rocksdb_options_set_stats_persist_period_sec(options, 0)
    }

    /// `FATAL_LEVEL` of `rocksdb/env.h`, which no message has.
    private static let logLevelFatal: CInt = 4
}
