/// Reads integers from bytes that may hold anything; every read is checked against the end.
///
/// Valid only inside the closure that lends the bytes.
struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset: Int

    /// - Parameter offset: where to begin, at most the count of `bytes`.
    init(_ bytes: UnsafeRawBufferPointer, offset: Int = 0) {
        precondition(offset >= 0 && offset <= bytes.count)
        self.bytes = bytes
        self.offset = offset
    }

    var remaining: Int { bytes.count - offset }

    @inline(__always)
    mutating func byte() throws(ObjectDecodeError) -> UInt8 {
        guard offset < bytes.count else { throw .truncated(at: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// A fixed-width big-endian integer.
    @inline(__always)
    mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(ObjectDecodeError) -> T {
        let width = MemoryLayout<T>.size
        guard remaining >= width else { throw .truncated(at: offset) }
        defer { offset += width }
        return T(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// An unsigned LEB128 integer in its shortest form; the form must be the shortest so that equal
    /// versions have equal bytes.
    @inline(__always)
    mutating func varint() throws(ObjectDecodeError) -> UInt64 {
        // Most are of one byte or two, and a header has several.
        guard offset < bytes.count, bytes[offset] & 0x80 == 0 else { return try longVarint() }
        defer { offset += 1 }
        return UInt64(bytes[offset])
    }

    private mutating func longVarint() throws(ObjectDecodeError) -> UInt64 {
        let start = offset
        var result = UInt64(try byte() & 0x7F)
        var shift: UInt64 = 7
        while true {
            let next = try byte()
            // The tenth byte holds bit 63 alone, so the loop ends there at the latest.
            if shift == 63, next > 1 { throw .malformedInteger(at: start) }
            result |= UInt64(next & 0x7F) &<< shift
            if next & 0x80 == 0 {
                if next == 0 { throw .malformedInteger(at: start) }
                return result
            }
            shift += 7
        }
    }

    /// A count of things of at least `unit` bytes, which therefore can't exceed the bytes that are
    /// left.
    @inline(__always)
    mutating func count(ofUnit unit: Int) throws(ObjectDecodeError) -> Int {
        let count = try varint()
        guard count <= UInt64(remaining / unit) else { throw .truncated(at: offset) }
        return Int(count)
    }
}
