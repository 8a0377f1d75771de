/// Unpadded base64 in the URL-safe alphabet (RFC 4648, section 5), which survives shells, URLs and
/// logs.
///
/// Foundation's would do, but pure targets don't import it.
package enum Base64URL {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
    )

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var out: [UInt8] = []
        var bits: UInt32 = 0
        var pending: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            pending += 8
            while pending >= 6 {
                pending -= 6
                out.append(alphabet[Int(bits >> pending & 0x3F)])
            }
        }
        if pending > 0 { out.append(alphabet[Int(bits << (6 - pending) & 0x3F)]) }
        return String(decoding: out, as: UTF8.self)
    }

    package static func decode(_ text: some Sequence<UInt8>) throws(ObjectDecodeError) -> [UInt8] {
        var out: [UInt8] = []
        var bits: UInt32 = 0
        var pending: UInt32 = 0
        for character in text {
            let value = values[Int(character)]
            guard value != 0xFF else { throw .notBase64 }
            bits = bits << 6 | UInt32(value)
            pending += 6
            if pending >= 8 {
                pending -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> pending))
            }
        }
        // Bits that are left over must be zero, so that every context has one spelling.
        guard pending < 6, bits & ((1 << pending) - 1) == 0 else { throw .notBase64 }
        return out
    }
}
