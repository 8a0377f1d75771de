package import struct NIOCore.ByteBuffer

/// Numbers and bytes as people read them.
package enum Wording {
    /// `1234567` as `1,234,567`.
    package static func grouped(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }

    /// Bytes in powers of 1024, with three digits at least: `0 B`, `1.50 KiB`, `12.3 MiB`.
    package static func bytes(_ count: Int) -> String {
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(decimal(value, places: value < 10 ? 2 : value < 100 ? 1 : 0)) \(units[unit])"
    }

    /// A fraction as a percentage with one place.
    package static func percent(_ fraction: Double) -> String {
        "\(decimal(fraction * 100, places: 1)) %"
    }

    /// - Parameter places: after the point, 0 to 6.
    package static func decimal(_ value: Double, places: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % scale)
        let zeros = String(repeating: "0", count: places - fraction.count)
        return "\(sign)\(scaled / scale).\(zeros)\(fraction)"
    }

    /// Bytes for a terminal: UTF-8 as it is, but what could steer the terminal or isn't UTF-8
    /// escaped, and no more than `limit` characters.
    package static func printable(_ bytes: ByteBuffer, limit: Int = 200) -> String {
        let view = bytes.readableBytesView
        guard let text = String(validating: view, as: UTF8.self) else {
            let hex = view.prefix(limit / 4).map { "\\x" + hexByte($0) }.joined()
            return hex + (view.count > limit / 4 ? "…" : "")
        }
        return printable(text, limit: limit)
    }

    package static func printable(_ text: String, limit: Int = 200) -> String {
        var out = ""
        for (index, character) in text.enumerated() {
            guard index < limit else { return out + "…" }
            if character.unicodeScalars.contains(where: steers) {
                for scalar in character.unicodeScalars { out += escaped(scalar) }
            } else {
                out.append(character)
            }
        }
        return out
    }

    /// Control characters, and those that turn the writing direction.
    private static func steers(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default:
            steers(scalar) ? "\\u{" + String(scalar.value, radix: 16) + "}" : String(scalar)
        }
    }

    private static func hexByte(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
