/// The hash slots of Redis Cluster, by which its clients choose the node that they ask.
///
/// Source: Redis Cluster specification, "Key distribution model" and "Hash tags".
package enum HashSlot {
    package static let count = 16384

    /// CRC16 of `key` modulo 16384, or of what stands between its first `{` and the next `}` when
    /// something does.
    package static func of(_ key: UnsafeRawBufferPointer) -> UInt16 {
        of(hashed: tag(of: key) ?? key)
    }

    /// The slot of keys whose hashed part this is.
    static func of(hashed part: UnsafeRawBufferPointer) -> UInt16 {
        CRC16.checksum(part) & UInt16(count - 1)
    }

    /// What stands between the first `{` of `key` and the next `}`; nil where nothing does.
    package static func tag(of key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let open = index(of: UInt8(ascii: "{"), in: key, from: 0),
            let close = index(of: UInt8(ascii: "}"), in: key, from: open + 1),
            close > open + 1
        else { return nil }
        return UnsafeRawBufferPointer(rebasing: key[(open + 1)..<close])
    }

    /// The first `byte` from `start` on; eight at a time, for most keys have no braces to find.
    private static func index(
        of byte: UInt8,
        in key: UnsafeRawBufferPointer,
        from start: Int
    ) -> Int? {
        let lowBits: UInt64 = 0x0101_0101_0101_0101
        let pattern = lowBits &* UInt64(byte)
        var i = start
        while i &+ 8 <= key.count {
            let word = key.loadUnaligned(fromByteOffset: i, as: UInt64.self).littleEndian ^ pattern
            // The lowest high bit set is that of the lowest zero byte.
            let zeros = (word &- lowBits) & ~word & (lowBits &<< 7)
            if zeros != 0 { return i &+ zeros.trailingZeroBitCount / 8 }
            i &+= 8
        }
        while i < key.count {
            if key[i] == byte { return i }
            i &+= 1
        }
        return nil
    }
}
