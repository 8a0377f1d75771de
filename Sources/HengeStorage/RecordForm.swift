import HengeRing

import struct NIOCore.ByteBuffer

/// How a record lies in RocksDB: the object's bytes, then eight bytes of checksum.
///
/// The checksum covers the key too, so a value that turns up under another key is found. RocksDB
/// checks its blocks when it reads them from a file; this one also covers what happens between.
enum RecordForm {
    static let checksumLength = 8

    static func checksum(key: UnsafeRawBufferPointer, object: UnsafeRawBufferPointer) -> UInt64 {
        XXH3.hash64(object, seed: XXH3.hash64(key))
    }

    static func checksum(key: ByteBuffer, object: ByteBuffer) -> UInt64 {
        key.withUnsafeReadableBytes { key in
            object.withUnsafeReadableBytes { checksum(key: key, object: $0) }
        }
    }

    /// The object inside a stored value, or nil when the checksum doesn't fit.
    static func object(
        in value: UnsafeRawBufferPointer,
        key: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        let length = value.count - checksumLength
        guard length >= 0 else { return nil }
        let object = UnsafeRawBufferPointer(rebasing: value[..<length])
        let stored = value.loadUnaligned(fromByteOffset: length, as: UInt64.self)
        guard UInt64(bigEndian: stored) == checksum(key: key, object: object) else { return nil }
        return object
    }
}

/// Memory in which stored values are put together, reused from one to the next.
struct RecordScratch: ~Copyable {
    /// Above this it is given back after use; values that large are rare.
    private static let keptBytesMax = 1 << 20
    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 16)

    /// Lends the stored form of `object` under `key`.
    mutating func withValue(
        key: UnsafeRawBufferPointer,
        object: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        let length = object.count + RecordForm.checksumLength
        if memory.count < length { resize(to: max(length, 2 * memory.count)) }
        memory.copyMemory(from: object)
        let checksum = RecordForm.checksum(key: key, object: object).bigEndian
        memory.storeBytes(of: checksum, toByteOffset: object.count, as: UInt64.self)
        body(UnsafeRawBufferPointer(rebasing: memory[..<length]))
        if memory.count > Self.keptBytesMax { resize(to: 4_096) }
    }

    private mutating func resize(to length: Int) {
        memory.deallocate()
        memory = .allocate(byteCount: length, alignment: 16)
    }

    deinit {
        memory.deallocate()
    }
}
