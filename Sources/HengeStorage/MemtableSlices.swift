import CRocksDB

/// How the memtables of one column family are cut: small, so that searching one for the place of an
/// insertion stays in the processor's caches, and written out many at a time, as one table file of
/// the size that one large memtable would give (docs/decisions/0037).
struct MemtableSlices {
    /// A slice of this size fits a core's own cache.
    private static let bytesMin = 2 << 20
    /// A read that finds nothing in memory looks at the bloom filter of each.
    private static let countMax = 16
    /// RocksDB's share for the parts that a memtable's memory is made of.
    private static let blocksInSlice = 8
    /// Of a slice's bytes, for a bloom filter over its keys: ten bits or more for each, unless
    /// records have less than fifty bytes.
    private static let bloomShare = 0.02

    private let bytes: Int
    private let count: Int

    /// - Parameter writeBufferBytes: what is written out together.
    init(writeBufferBytes: Int) {
        count = max(1, min(Self.countMax, writeBufferBytes / Self.bytesMin))
        bytes = writeBufferBytes / count
    }

    /// For the opening, while which each memtable has all of the bytes: RocksDB writes out each one
    /// that the log of the last run fills by itself, and as many small files would hold up writes.
    func set(in options: OpaquePointer) {
        rocksdb_options_set_write_buffer_size(options, bytes * count)
        rocksdb_options_set_min_write_buffer_number_to_merge(options, CInt(count))
        // While some are being written out, as many may fill.
        rocksdb_options_set_max_write_buffer_number(options, CInt(2 * count))
        guard count > 1 else { return }
        rocksdb_options_set_arena_block_size(options, bytes / Self.blocksInSlice)
        rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, Self.bloomShare)
        rocksdb_options_set_memtable_whole_key_filtering(options, 1)
    }

    /// Once the database is open.
    func cut(_ database: OpaquePointer, _ family: OpaquePointer) throws(EngineError) {
        guard count > 1 else { return }
        var slot = StatusSlot()
        "write_buffer_size".withCString { name in
            "\(bytes)".withCString { value in
                var name: UnsafePointer<CChar>? = name
                var value: UnsafePointer<CChar>? = value
                rocksdb_set_options_cf(database, family, 1, &name, &value, &slot.pointer)
            }
        }
        if let error = slot.take() { throw error }
    }
}
