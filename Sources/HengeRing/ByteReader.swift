/// Reads numbers and short texts from bytes that nobody has checked.
struct ByteReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    var remaining: Int { rest.count }
    var isAtEnd: Bool { rest.isEmpty }

    /// The next number, big endian.
    mutating func integer<T: FixedWidthInteger & UnsignedInteger>() throws(RingDecodeError) -> T {
        var value: T = 0
        for byte in try take(T.bitWidth / 8) { value = value << 8 | T(byte) }
        return value
    }

    /// The next number of 1 to 10 bytes, seven bits each, lowest first (LEB128). A number has only
    /// its shortest form.
    mutating func varint() throws(RingDecodeError) -> UInt64 {
        var value: UInt64 = 0
        for place in UInt64(0)..<10 {
            let byte: UInt8 = try integer()
            let bits = UInt64(byte & 0x7F)
            guard place < 9 || bits <= 1, place == 0 || byte > 0 else { throw .invalidRun }
            value |= bits << (7 * place)
            if byte < 0x80 { return value }
        }
        throw .invalidRun
    }

    /// The next text: its length in two bytes, then that many ASCII characters.
    mutating func text() throws(RingDecodeError) -> String {
        let length: UInt16 = try integer()
        let bytes = try take(Int(length))
        guard bytes.allSatisfy({ $0 < 0x80 }) else { throw .invalidText }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Takes bytes off the end.
    mutating func takeLast(_ count: Int) throws(RingDecodeError) -> ByteReader {
        try check(count)
        defer { rest = rest.dropLast(count) }
        return ByteReader(rest.suffix(count))
    }

    private mutating func take(_ count: Int) throws(RingDecodeError) -> ArraySlice<UInt8> {
        try check(count)
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private func check(_ count: Int) throws(RingDecodeError) {
        guard rest.count >= count else {
            throw .truncated(needed: count, available: rest.count)
        }
    }
}

extension [UInt8] {
    /// Appends a number as ``ByteReader/varint()`` reads it.
    mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    /// Appends a number, big endian.
    mutating func appendInteger<T: FixedWidthInteger & UnsignedInteger>(_ value: T) {
        var shift = T.bitWidth
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: value >> T(shift)))
        }
    }
}
