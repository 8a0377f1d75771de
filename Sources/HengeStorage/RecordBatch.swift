import CRocksDB
import HengeBase
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// A RocksDB write batch: all of it takes effect, or nothing.
struct RecordBatch: ~Copyable {
    let pointer: OpaquePointer
    private var scratch = RecordScratch()
    /// Reused from hint to hint.
    private var hintKey = ByteBuffer()
    private var hintValue = ByteBuffer()

    static let noMemory = EngineError(.io, "RocksDB has no memory for a batch")

    /// Nil when there is no memory.
    init?() {
        guard let pointer = rocksdb_writebatch_create() else { return nil }
        self.pointer = pointer
    }

    deinit {
        rocksdb_writebatch_destroy(pointer)
    }

    /// What the log gets of it, without the headers of its records.
    var byteCount: Int {
        var count = 0
        _ = rocksdb_writebatch_data(pointer, &count)
        return count
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

    /// - Parameter value: the object with its checksum, as ``RecordForm`` has it.
    func put(
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer,
        into family: OpaquePointer
    ) {
        rocksdb_writebatch_put_cf(
            pointer,
            family,
            key.characters,
            key.count,
            value.characters,
            value.count
        )
    }

    mutating func delete(_ key: ByteBuffer, from family: OpaquePointer) {
        key.withUnsafeReadableBytes {
            rocksdb_writebatch_delete_cf(pointer, family, $0.characters, $0.count)
        }
    }

    mutating func put(_ hint: Hint, into family: OpaquePointer) {
        hintKey.clear()
        hintValue.clear()
        HintForm.writeKey(hint.target, hint.sequence, into: &hintKey)
        HintForm.writeValue(of: hint, into: &hintValue)
        put(hintKey, hintValue, into: family)
    }

    /// Removes the hints for a node of these sequences, both ends included.
    mutating func dropHints(
        _ target: NodeID,
        from first: UInt64,
        through last: UInt64,
        in family: OpaquePointer
    ) {
        hintKey.clear()
        HintForm.writeKey(target, first, into: &hintKey)
        // RocksDB leaves the end of a range out. What comes right after a key is that key and a
        // zero.
        hintValue.clear()
        HintForm.writeKey(target, last, into: &hintValue)
        hintValue.writeInteger(0, as: UInt8.self)
        deleteRange(from: hintKey, to: hintValue, in: family)
    }

    /// Removes the records of these tokens, both ends included.
    mutating func drop(_ tokens: ClosedRange<Token>, from family: OpaquePointer) {
        let bounds = TokenBounds(tokens)
        deleteRange(from: bounds.start, to: bounds.end, in: family)
    }

    private func deleteRange(
        from start: ByteBuffer,
        to end: ByteBuffer,
        in family: OpaquePointer
    ) {
        let pointer = self.pointer
        start.withUnsafeReadableBytes { start in
            end.withUnsafeReadableBytes { end in
                rocksdb_writebatch_delete_range_cf(
                    pointer,
                    family,
                    start.characters,
                    start.count,
                    end.characters,
                    end.count
                )
            }
        }
    }

    /// An entry for the log alone, so that the batch isn't empty.
    mutating func putNothing() {
        rocksdb_writebatch_put_log_data(pointer, "", 0)
    }
}
