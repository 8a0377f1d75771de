import CRocksDB

/// What RocksDB counts for each thread that calls it: each comparison of two keys, among others.
///
/// Henge reads none of it, and as RocksDB is a shared library, each count is a call to find the
/// thread's own memory: a fifth of what writing a batch takes (docs/decisions/0045).
package enum PerfContext {
    /// Has RocksDB count nothing for the thread that calls this.
    package static func disable() {
        rocksdb_set_perf_level(CInt(rocksdb_disable))
    }
}
