/// Reads integers from bytes that may hold anything; every read is checked against the end.
///
/// Valid only inside the closure that lends the bytes.
struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - offset }

    mutating func move(to offset: Int) {
        precondition(offset >= 0 && offset <= bytes.count)
        self.offset = offset
    }

    mutating func byte() throws(ObjectDecodeError) -> UInt8 {
        guard offset < bytes.count else { throw .truncated(at: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// A fixed-width big-endian integer.
    mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(ObjectDecodeError) -> T {
        let width = MemoryLayout<T>.size
        guard remaining >= width else { throw .truncated(at: offset) }
        defer { offset += width }
        return T(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// An unsigned LEB128 integer in its shortest form; the form must be the shortest so that equal
    /// versions have equal bytes.
    mutating func varint() throws(ObjectDecodeError) -> UInt64 {
        let start = offset
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            if shift == 63, next > 1 { throw .malformedInteger(at: start) }
            result |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 {
                if next == 0, shift > 0 { throw .malformedInteger(at: start) }
                return result
            }
            shift += 7
            if shift > 63 { throw .malformedInteger(at: start) }
        }
    }
}
