/// The outcome of reading `<decimal>CRLF`, the form of every length and count.
enum LengthLine: Equatable {
    case value(Int, end: Int)
    case incomplete
    case malformed

    /// A length of more digits is no length; so at most this many bytes and three more are ever
    /// looked at again when the line arrives in pieces.
    static let digitsMax = 18

    /// Reads the line that begins at `start`; `end` is the offset behind its line feed.
    ///
    /// As strict as Redis's `string2ll`: no plus sign, no leading zeros, no blanks.
    @inline(__always)
    static func read(_ bytes: borrowing Span<UInt8>, from start: Int) -> LengthLine {
        let count = bytes.count
        var index = start
        var isNegative = false
        if index < count, bytes[index] == Ascii.minus {
            isNegative = true
            index += 1
        }
        let firstDigit = index
        var value = 0
        while index < count, let digit = Ascii.digit(bytes[index]) {
            guard index - firstDigit < digitsMax else { return .malformed }
            value = value &* 10 &+ digit
            index += 1
        }
        guard index < count else { return .incomplete }
        let digits = index - firstDigit
        guard digits > 0, bytes[index] == Ascii.carriageReturn else { return .malformed }
        if bytes[firstDigit] == Ascii.zero, digits > 1 || isNegative { return .malformed }
        guard index + 1 < count else { return .incomplete }
        guard bytes[index + 1] == Ascii.lineFeed else { return .malformed }
        return .value(isNegative ? -value : value, end: index + 2)
    }
}
