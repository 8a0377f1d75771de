import NIOCore

/// The line that begins every element of a reply: a type byte and what stands behind it.
struct ReplyLine {
    let type: UInt8
    private let text: ByteBuffer

    /// - Parameter line: at least the type, without CRLF.
    init(_ line: ByteBuffer) {
        var text = line
        guard let type = text.readInteger(as: UInt8.self) else {
            preconditionFailure("a line has a type")
        }
        self.type = type
        self.text = text
    }

    /// The text as a 64-bit integer, nil if it isn't one.
    var integer: Int64? {
        let bytes = text.readableBytesUInt8Span
        guard !bytes.isEmpty else { return nil }
        let isNegative = bytes[0] == Ascii.minus
        let firstDigit = isNegative || bytes[0] == Ascii.plus ? 1 : 0
        guard firstDigit < bytes.count else { return nil }
        var value: Int64 = 0
        for index in firstDigit..<bytes.count {
            guard let digit = Ascii.digit(bytes[index]) else { return nil }
            let (product, productOverflow) = value.multipliedReportingOverflow(by: 10)
            // Downwards, as the least integer has no positive counterpart.
            let (next, overflow) = product.subtractingReportingOverflow(Int64(digit))
            guard !productOverflow, !overflow else { return nil }
            value = next
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    /// The value of a type that is complete with its line.
    func scalar() throws(RESPReplyError) -> RESPValue {
        switch type {
        case UInt8(ascii: "+"): return .simpleString(String(buffer: text))
        case UInt8(ascii: "-"): return .error(String(buffer: text))
        case UInt8(ascii: ":"): if let integer { return .integer(integer) }
        case UInt8(ascii: ","): if let double { return .double(double) }
        case UInt8(ascii: "#"): if let boolean { return .boolean(boolean) }
        case UInt8(ascii: "("): if let bigNumber { return .bigNumber(bigNumber) }
        case UInt8(ascii: "_"): if text.readableBytes == 0 { return .null }
        default: throw .unknownType(type)
        }
        throw .malformedLine(type: type)
    }

    private var double: Double? {
        let string = String(buffer: text)
        switch string {
        case "inf", "+inf": return .infinity
        case "-inf": return -.infinity
        case "nan": return .nan
        default:
            // `Double` reads hexadecimal and its own words, too, which the protocol doesn't have.
            let isDecimal = string.utf8.allSatisfy { byte in
                Ascii.digit(byte) != nil || "+-.eE".utf8.contains(byte)
            }
            return isDecimal ? Double(string) : nil
        }
    }

    private var boolean: Bool? {
        switch String(buffer: text) {
        case "t": true
        case "f": false
        default: nil
        }
    }

    private var bigNumber: String? {
        let string = String(buffer: text)
        let digits =
            string.hasPrefix("-") || string.hasPrefix("+") ? string.dropFirst() : string[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ Ascii.digit($0) != nil }) else {
            return nil
        }
        return string
    }
}
