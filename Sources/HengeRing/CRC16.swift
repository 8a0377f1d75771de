/// CRC-16/XMODEM: polynomial 0x1021, initial value 0, no reflection, no final exclusive or.
///
/// Eight bytes a turn ("slicing by eight"): a byte a turn is bound by the latency of one table load
/// each, and took most of a key look-up.
package enum CRC16 {
    package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt16 {
        tables.withUnsafeBufferPointer { table in
            var crc: UInt16 = 0
            var i = 0
            while i &+ 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self).bigEndian
                let x = word ^ UInt64(crc) &<< 48
                crc =
                    table[1792 &+ Int(x &>> 56)] ^ table[1536 &+ Int(x &>> 48 & 0xFF)]
                    ^ table[1280 &+ Int(x &>> 40 & 0xFF)] ^ table[1024 &+ Int(x &>> 32 & 0xFF)]
                    ^ table[768 &+ Int(x &>> 24 & 0xFF)] ^ table[512 &+ Int(x &>> 16 & 0xFF)]
                    ^ table[256 &+ Int(x &>> 8 & 0xFF)] ^ table[Int(x & 0xFF)]
                i &+= 8
            }
            while i < bytes.count {
                crc = (crc << 8) ^ table[Int(UInt8(crc >> 8) ^ bytes[i])]
                i &+= 1
            }
            return crc
        }
    }

    /// `tables[256 * k + b]` is the checksum of byte `b` followed by `k` zero bytes.
    private static let tables: [UInt16] = {
        var tables = (0..<256).map { byte in
            (0..<8).reduce(UInt16(byte) << 8) { crc, _ in
                crc & 0x8000 != 0 ? (crc << 1) ^ 0x1021 : crc << 1
            }
        }
        for i in 256..<2048 {
            let previous = tables[i - 256]
            tables.append((previous << 8) ^ tables[Int(previous >> 8)])
        }
        return tables
    }()
}
