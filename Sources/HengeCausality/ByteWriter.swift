package import struct NIOCore.ByteBuffer

/// Writes integers into memory of a known size: the counterpart of ``ByteCursor``.
///
/// Several times faster than a `ByteBuffer`'s own writes, each of which checks uniqueness and
/// capacity. Valid only inside the closure that lends the memory; writing past its end traps.
@usableFromInline
package struct ByteWriter {
    @usableFromInline let memory: UnsafeMutableRawBufferPointer
    @usableFromInline package private(set) var offset = 0

    @inlinable
    package init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    @inlinable
    package mutating func byte(_ value: UInt8) {
        precondition(offset < memory.count)
        memory[offset] = value
        offset += 1
    }

    /// Big-endian, of fixed width.
    @inlinable
    package mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        set(value, at: offset)
        offset += MemoryLayout<T>.size
    }

    /// Unsigned LEB128 in its shortest form.
    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            byte(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest &>>= 7
        }
        byte(UInt8(truncatingIfNeeded: rest))
    }

    package mutating func bytes(of buffer: ByteBuffer) {
        buffer.withUnsafeReadableBytes { source in
            precondition(source.count <= memory.count - offset)
            UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: source)
            offset += source.count
        }
    }

    /// Writes over what is already there.
    @inlinable
    package func set<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
        precondition(offset >= 0 && MemoryLayout<T>.size <= memory.count - offset)
        memory.storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
    }
}
