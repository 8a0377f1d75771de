package import NIOCore

/// A command or keyword of 1 to 16 ASCII characters, folded to upper case and packed into two
/// words: it compares without an allocation.
package struct CommandName: Equatable, Sendable {
    /// The longest name, in bytes.
    package static let lengthMax = 16

    private let high: UInt64
    private let low: UInt64

    /// Nil for what is empty, longer than 16 bytes, or not made of printable ASCII characters.
    package init?(_ bytes: Span<UInt8>) {
        let count = bytes.count
        guard count > 0, count <= CommandName.lengthMax else { return nil }
        var words: (high: UInt64, low: UInt64) = (0, 0)
        for index in 0..<count {
            let byte = bytes[index]
            // With zero bytes refused, the padding keeps names of different lengths apart.
            guard byte > 0x20, byte < 0x7F else { return nil }
            if index < 8 {
                words.high |= UInt64(CommandName.uppercased(byte)) << UInt64(8 * (7 - index))
            } else {
                words.low |= UInt64(CommandName.uppercased(byte)) << UInt64(8 * (15 - index))
            }
        }
        high = words.high
        low = words.low
    }

    /// Nil for what the other initialiser refuses.
    package init?(_ bytes: ByteBuffer) {
        self.init(bytes.readableBytesUInt8Span)
    }

    /// One word of all its characters, to look it up by: only our own names are ever in a table.
    package var folded: UInt64 { high ^ low }

    private static func uppercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") ? byte & 0xDF : byte
    }
}

extension CommandName: ExpressibleByStringLiteral {
    /// For the names written in source; traps on one that could never match.
    package init(stringLiteral text: StaticString) {
        guard let name = CommandName(ByteBuffer(staticString: text)) else {
            preconditionFailure("not a command name: \(text)")
        }
        self = name
    }
}

extension CommandName: CustomStringConvertible {
    /// The name in upper case.
    package var description: String {
        var text = ""
        for word in [high, low] {
            for shift in stride(from: 56, through: 0, by: -8) {
                let byte = UInt8(truncatingIfNeeded: word >> UInt64(shift))
                if byte != 0 { text.unicodeScalars.append(UnicodeScalar(byte)) }
            }
        }
        return text
    }
}
