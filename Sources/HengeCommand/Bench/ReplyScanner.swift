/// Finds where replies end and which of them are errors, and makes nothing of the rest.
///
/// A load generator must cost less than what it measures. This keeps no bytes but the first of an
/// error: it goes on in the middle of a reply wherever the last read has ended, and steps over a
/// string in one addition. Attributes (`|`) and streamed strings, which neither Redis nor Henge
/// sends, are refused.
///
/// Source: the Redis serialization protocol specification, with RESP3.
package struct ReplyScanner: Sendable {
    /// A whole reply.
    package struct Reply: Equatable, Sendable {
        /// The byte that it begins with.
        package var type: UInt8
        /// The integer, length or count behind the type; 0 for other types.
        package var number: Int

        package var isError: Bool { type == UInt8(ascii: "-") || type == UInt8(ascii: "!") }

        package var isNull: Bool {
            switch type {
            case UInt8(ascii: "_"): true
            case UInt8(ascii: "$"), UInt8(ascii: "*"): number == -1
            default: false
            }
        }
    }

    /// What arrives is not RESP; nothing behind it means anything.
    package enum Fault: Error, Equatable, Sendable {
        case unknownType(UInt8)
        case malformedNumber
        case missingLineFeed
    }

    private enum Phase {
        case type
        case text
        case number
        case lineFeed
        case body
    }

    /// How much of an error's text is kept.
    package static let errorBytesMax = 200

    /// A number of more digits could overflow; Int64 has at most 19.
    private static let digitsMax = 18

    private var phase = Phase.type
    private var type: UInt8 = 0
    private var number = 0
    private var digits = 0
    private var isNegative = false
    /// Bytes of a string, its CRLF included, still to step over.
    private var bodyLeft = 0
    /// Elements that the present reply still lacks, itself included; 0 between replies.
    private var elementsLeft = 0
    private var first = Reply(type: 0, number: 0)
    private var isFirstLine = false

    /// The text of the last error, cut to ``errorBytesMax``.
    package private(set) var errorText: [UInt8] = []

    package init() {}

    /// The next reply that ends in `bytes`, or nil when all are looked at.
    ///
    /// - Parameter index: where to go on in `bytes`.
    package mutating func next(
        _ bytes: borrowing Span<UInt8>,
        at index: inout Int
    ) throws(Fault) -> Reply? {
        while index < bytes.count {
            switch phase {
            case .type:
                try begin(bytes[index])
                index += 1
            case .text:
                skipText(bytes, at: &index)
            case .number:
                try readNumber(bytes, at: &index)
            case .lineFeed:
                guard bytes[index] == UInt8(ascii: "\n") else { throw .missingLineFeed }
                index += 1
                if try endLine() { return first }
            case .body:
                if skipBody(bytes, at: &index) { return first }
            }
        }
        return nil
    }

    private mutating func begin(_ byte: UInt8) throws(Fault) {
        switch byte {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ","), UInt8(ascii: "#"),
            UInt8(ascii: "("), UInt8(ascii: "_"):
            phase = .text
        case UInt8(ascii: ":"), UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"),
            UInt8(ascii: "*"), UInt8(ascii: "%"), UInt8(ascii: "~"), UInt8(ascii: ">"):
            phase = .number
        default:
            throw .unknownType(byte)
        }
        type = byte
        number = 0
        digits = 0
        isNegative = false
        if elementsLeft == 0 {
            elementsLeft = 1
            first = Reply(type: byte, number: 0)
            isFirstLine = true
            if first.isError { errorText.removeAll(keepingCapacity: true) }
        }
    }

    private mutating func skipText(_ bytes: borrowing Span<UInt8>, at index: inout Int) {
        let keeps = type == UInt8(ascii: "-") && first.isError
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\r") {
                phase = .lineFeed
                return
            }
            if keeps, errorText.count < Self.errorBytesMax { errorText.append(byte) }
        }
    }

    private mutating func readNumber(
        _ bytes: borrowing Span<UInt8>,
        at index: inout Int
    ) throws(Fault) {
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                number = number &* 10 &+ Int(byte &- UInt8(ascii: "0"))
                digits += 1
                guard digits <= Self.digitsMax || type == UInt8(ascii: ":") else {
                    throw .malformedNumber
                }
            case UInt8(ascii: "-") where digits == 0 && !isNegative:
                isNegative = true
            case UInt8(ascii: "+") where digits == 0 && type == UInt8(ascii: ":"):
                continue
            case UInt8(ascii: "\r") where digits > 0:
                if isNegative { number = 0 &- number }
                phase = .lineFeed
                return
            default:
                throw .malformedNumber
            }
        }
    }

    /// A line is over. True if the reply is, too.
    private mutating func endLine() throws(Fault) -> Bool {
        phase = .type
        if isFirstLine {
            isFirstLine = false
            first.number = number
        }
        switch type {
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            guard number >= 0 else { return try endNull() }
            bodyLeft = number + 2
            phase = .body
            return false
        case UInt8(ascii: "*"), UInt8(ascii: "~"), UInt8(ascii: ">"):
            guard number >= 0 else { return try endNull() }
            return try add(number)
        case UInt8(ascii: "%"):
            guard number >= 0 else { throw .malformedNumber }
            return try add(2 * number)
        default:
            return endElement()
        }
    }

    /// RESP2's null string and null array.
    private mutating func endNull() throws(Fault) -> Bool {
        let isNullable = type == UInt8(ascii: "$") || type == UInt8(ascii: "*")
        guard number == -1, isNullable else { throw .malformedNumber }
        return endElement()
    }

    /// An aggregate has been announced: its elements are still to come.
    private mutating func add(_ elements: Int) throws(Fault) -> Bool {
        let (sum, overflow) = elementsLeft.addingReportingOverflow(elements)
        guard !overflow else { throw .malformedNumber }
        elementsLeft = sum
        return endElement()
    }

    private mutating func endElement() -> Bool {
        elementsLeft -= 1
        return elementsLeft == 0
    }

    /// True if the reply ends with this string.
    private mutating func skipBody(_ bytes: borrowing Span<UInt8>, at index: inout Int) -> Bool {
        let count = min(bodyLeft, bytes.count - index)
        if type == UInt8(ascii: "!"), first.isError {
            for offset in 0..<min(count, max(0, bodyLeft - 2))
            where errorText.count < Self.errorBytesMax {
                errorText.append(bytes[index + offset])
            }
        }
        index += count
        bodyLeft -= count
        guard bodyLeft == 0 else { return false }
        phase = .type
        return endElement()
    }
}
