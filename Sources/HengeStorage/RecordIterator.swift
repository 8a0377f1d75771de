import CRocksDB
import HengeBase

import struct NIOCore.ByteBuffer

/// Walks the records of a column family in the order of their keys.
struct RecordIterator: ~Copyable {
    private let iterator: OpaquePointer
    private let reads: OpaquePointer
    /// The bound's bytes, which RocksDB reads as long as the iterator lives.
    private let bound: UnsafeMutablePointer<UInt64>

    /// - Parameter last: the last token to walk to, inclusive.
    init?(
        _ open: Database.Open,
        _ family: Database.Family,
        settings: DatabaseSettings,
        through last: UInt64,
        snapshot: OpaquePointer?
    ) {
        guard let reads = settings.makeIteratorReads(snapshot: snapshot) else { return nil }
        let bound = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
        let (end, overflow) = last.addingReportingOverflow(1)
        bound.initialize(to: end.bigEndian)
        if !overflow {
            rocksdb_readoptions_set_iterate_upper_bound(
                reads,
                UnsafeRawPointer(bound).assumingMemoryBound(to: CChar.self),
                MemoryLayout<UInt64>.size
            )
        }
        guard let iterator = rocksdb_create_iterator_cf(open.database, reads, open.handle(family))
        else {
            rocksdb_readoptions_destroy(reads)
            bound.deallocate()
            return nil
        }
        self.iterator = iterator
        self.reads = reads
        self.bound = bound
    }

    deinit {
        rocksdb_iter_destroy(iterator)
        rocksdb_readoptions_destroy(reads)
        bound.deallocate()
    }

    /// Goes to the first record whose key is not below `key`.
    mutating func seek(_ key: UnsafeRawBufferPointer) {
        rocksdb_iter_seek(iterator, key.characters, key.count)
    }

    mutating func seek(token: UInt64) {
        withUnsafeBytes(of: token.bigEndian) { seek($0) }
    }

    mutating func seek(hintsOf target: NodeID, from sequence: UInt64) {
        var key = ByteBuffer()
        HintForm.writeKey(target, sequence, into: &key)
        key.withUnsafeReadableBytes { seek($0) }
    }

    mutating func next() {
        rocksdb_iter_next(iterator)
    }

    /// Lends key and stored value of the current record; nil at the end or after a failure.
    mutating func withRecord<R>(
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> R
    ) -> R? {
        guard rocksdb_iter_valid(iterator) != 0 else { return nil }
        var keyLength = 0
        var valueLength = 0
        let key = rocksdb_iter_key(iterator, &keyLength)
        let value = rocksdb_iter_value(iterator, &valueLength)
        return body(
            UnsafeRawBufferPointer(start: key, count: keyLength),
            UnsafeRawBufferPointer(start: value, count: valueLength)
        )
    }

    /// Why the walk ended, when it wasn't at the end.
    var failure: EngineError? {
        var status = StatusSlot()
        rocksdb_iter_get_error(iterator, &status.pointer)
        return status.take()
    }
}
