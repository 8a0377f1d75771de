import CRocksDB

import struct NIOCore.ByteBuffer

/// A RocksDB write batch: all of it takes effect, or nothing.
struct RecordBatch: ~Copyable {
    let pointer: OpaquePointer
    private var scratch = RecordScratch()

    static let noMemory = EngineError(.io, "RocksDB has no memory for a batch")

    /// Nil when there is no memory.
    init?() {
        guard let pointer = rocksdb_writebatch_create() else { return nil }
        self.pointer = pointer
    }

    deinit {
        rocksdb_writebatch_destroy(pointer)
    }

    mutating func put(_ key: ByteBuffer, _ object: ByteBuffer, into family: OpaquePointer) {
        let pointer = self.pointer
        key.withUnsafeReadableBytes { keyBytes in
            object.withUnsafeReadableBytes { objectBytes in
                scratch.withValue(key: keyBytes, object: objectBytes) { value in
                    rocksdb_writebatch_put_cf(
                        pointer,
                        family,
                        keyBytes.characters,
                        keyBytes.count,
                        value.characters,
                        value.count
                    )
                }
            }
        }
    }

    mutating func delete(_ key: ByteBuffer, from family: OpaquePointer) {
        key.withUnsafeReadableBytes {
            rocksdb_writebatch_delete_cf(pointer, family, $0.characters, $0.count)
        }
    }

    /// An entry for the log alone, so that the batch isn't empty.
    mutating func putNothing() {
        rocksdb_writebatch_put_log_data(pointer, "", 0)
    }
}
