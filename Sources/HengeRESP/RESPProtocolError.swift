/// Why a request could not be read.
///
/// Two cases leave the framing intact and are thrown once the whole request was skipped; after any
/// other the stream means nothing and the connection must close (``closesConnection``).
package enum RESPProtocolError: Error, Equatable, Sendable {
    /// The count after `*` isn't a decimal number of a line's length.
    case invalidMultibulkLength
    case tooManyArguments(count: Int, limit: Int)
    /// An argument doesn't begin with `$`.
    case expectedBulk(got: UInt8)
    /// The length after `$` isn't a decimal number of a line's length, or it is negative.
    case invalidBulkLength
    /// An argument isn't followed by CRLF, so its length was wrong.
    case unterminatedBulk
    case inlineTooLong(limit: Int)
    case unbalancedQuotes
    /// An argument, or the request up to it, is longer than even the bound for skipping, in bytes.
    case unskippable(size: Int, limit: Int)

    /// An argument was over the limit, in bytes. The request was skipped; the connection is sound.
    case argumentTooLarge(size: Int, limit: Int)
    /// The request was over the limit, in bytes. It was skipped; the connection is sound.
    case requestTooLarge(size: Int, limit: Int)

    /// Whether the connection must close after the error was sent.
    package var closesConnection: Bool {
        switch self {
        case .argumentTooLarge, .requestTooLarge: false
        case .invalidMultibulkLength, .tooManyArguments, .expectedBulk, .invalidBulkLength,
            .unterminatedBulk, .inlineTooLong, .unbalancedQuotes, .unskippable:
            true
        }
    }

    /// The error reply, its code first and without the leading `-`. Where Redis 7 has the error,
    /// its words (`networking.c`, `processMultibulkBuffer` and `processInlineBuffer`).
    package var message: String {
        switch self {
        case .invalidMultibulkLength, .tooManyArguments:
            "ERR Protocol error: invalid multibulk length"
        case .expectedBulk(let got):
            "ERR Protocol error: expected '$', got '\(RESPProtocolError.printable(got))'"
        case .invalidBulkLength, .unskippable:
            "ERR Protocol error: invalid bulk length"
        case .unterminatedBulk:
            "ERR Protocol error: expected CRLF after bulk"
        case .inlineTooLong:
            "ERR Protocol error: too big inline request"
        case .unbalancedQuotes:
            "ERR Protocol error: unbalanced quotes in request"
        case .argumentTooLarge(let size, let limit):
            "TOOLARGE argument of \(size) bytes exceeds the limit of \(limit) bytes"
        case .requestTooLarge(let size, let limit):
            "TOOLARGE request of \(size) bytes exceeds the limit of \(limit) bytes"
        }
    }

    private static func printable(_ byte: UInt8) -> String {
        guard byte < 0x20 || byte > 0x7E else { return String(UnicodeScalar(byte)) }
        let digits = String(byte, radix: 16)
        return digits.utf8.count == 1 ? "\\x0\(digits)" : "\\x\(digits)"
    }
}
