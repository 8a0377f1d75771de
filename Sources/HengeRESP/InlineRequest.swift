import NIOCore

/// Splits an inline request into its arguments by the rules of Redis's `sdssplitargs` (`sds.c`).
///
/// Blanks separate. Between double quotes `\n \r \t \b \a`, `\xHH` and `\` before any other byte
/// are escapes; between single quotes only `\'` is. A closing quote ends its argument: a blank or
/// the end must follow. Unlike there, a zero byte is a byte as any other.
struct InlineRequest {
    private enum Mode { case blank, bare, double, single, closed }

    private var output: ByteBuffer
    private var bounds = ArgumentBounds()
    private var mode = Mode.blank
    private var start = 0

    /// The arguments, none for a blank line; nil when quotes don't balance.
    ///
    /// - Parameter line: without its line feed.
    static func split(_ line: ByteBuffer) -> RESPCommand? {
        var request = InlineRequest(capacity: line.readableBytes)
        guard request.read(line.readableBytesUInt8Span) else { return nil }
        return RESPCommand(bytes: request.output, bounds: request.bounds)
    }

    private init(capacity: Int) {
        output = ByteBufferAllocator().buffer(capacity: capacity)
    }

    private mutating func read(_ bytes: Span<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            switch mode {
            case .blank, .bare, .closed:
                guard readOutside(bytes[index]) else { return false }
                index += 1
            case .double:
                index += readDouble(bytes, at: index)
            case .single:
                index += readSingle(bytes, at: index)
            }
        }
        guard mode != .double, mode != .single else { return false }
        if mode != .blank { finishArgument() }
        return true
    }

    /// Takes a byte outside of quotes; false when one follows a closing quote.
    private mutating func readOutside(_ byte: UInt8) -> Bool {
        if mode == .bare ? InlineRequest.endsBare(byte) : Ascii.isSpace(byte) {
            if mode != .blank { finishArgument() }
            mode = .blank
            return true
        }
        guard mode != .closed else { return false }
        switch byte {
        case UInt8(ascii: "\""): mode = .double
        case UInt8(ascii: "'"): mode = .single
        default:
            mode = .bare
            output.writeInteger(byte)
        }
        return true
    }

    /// Takes what is at `index` between double quotes and returns the number of bytes taken.
    private mutating func readDouble(_ bytes: Span<UInt8>, at index: Int) -> Int {
        let byte = bytes[index]
        let left = bytes.count - index
        if byte == UInt8(ascii: "\\"), left >= 2 {
            if left >= 4, bytes[index + 1] == UInt8(ascii: "x"),
                let high = Ascii.hexDigit(bytes[index + 2]),
                let low = Ascii.hexDigit(bytes[index + 3])
            {
                output.writeInteger(high << 4 | low)
                return 4
            }
            output.writeInteger(InlineRequest.unescaped(bytes[index + 1]))
            return 2
        }
        if byte == UInt8(ascii: "\"") { mode = .closed } else { output.writeInteger(byte) }
        return 1
    }

    /// Takes what is at `index` between single quotes and returns the number of bytes taken.
    private mutating func readSingle(_ bytes: Span<UInt8>, at index: Int) -> Int {
        let quote = UInt8(ascii: "'")
        let byte = bytes[index]
        if byte == UInt8(ascii: "\\"), bytes.count - index >= 2, bytes[index + 1] == quote {
            output.writeInteger(quote)
            return 2
        }
        if byte == quote { mode = .closed } else { output.writeInteger(byte) }
        return 1
    }

    private mutating func finishArgument() {
        bounds.append(start: start, length: output.writerIndex - start)
        start = output.writerIndex
    }

    /// A vertical tab and a form feed separate arguments but don't end one: Redis's rule.
    private static func endsBare(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == Ascii.carriageReturn || byte == Ascii.lineFeed
    }

    private static func unescaped(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "a"): 0x07
        default: byte
        }
    }
}
