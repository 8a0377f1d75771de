import HengeBase
import HengeRESP
import NIOCore

/// A request or the error in its place, for comparing whole runs.
enum Parsed: Equatable {
    case command([[UInt8]])
    case error(RESPProtocolError)
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func command(_ arguments: String...) -> Parsed { .command(arguments.map(bytes)) }

func encoded(_ arguments: [[UInt8]]) -> [UInt8] {
    var out = ByteBuffer()
    RESPRequestEncoder.encode(arguments.map { ByteBuffer(bytes: $0) }, into: &out)
    return Array(out.readableBytesView)
}

/// Feeds `input` in pieces and collects all that comes out, until the first error that closes.
/// `peak` hears the bytes held after every piece.
func parse(
    _ input: some Collection<UInt8>,
    pieces: (Int) -> Int = { _ in .max },
    limits: RESPLimits = RESPLimits(),
    peak: (Int) -> Void = { _ in }
) -> (results: [Parsed], parser: RESPRequestParser) {
    var parser = RESPRequestParser(limits: limits)
    var inbox = ReceiveBuffer()
    var results: [Parsed] = []
    var rest = input[...]
    while !rest.isEmpty {
        let length = min(max(1, pieces(rest.count)), rest.count)
        inbox.append(ByteBuffer(bytes: rest.prefix(length)))
        rest = rest.dropFirst(length)
        while true {
            do {
                guard let command = try parser.next(&inbox.bytes) else { break }
                results.append(.command(command.arguments.map { Array($0.readableBytesView) }))
            } catch {
                results.append(.error(error))
                if error.closesConnection { return (results, parser) }
            }
        }
        inbox.settle()
        peak(inbox.bytes.readableBytes)
    }
    return (results, parser)
}

func parse(_ text: String, limits: RESPLimits = RESPLimits()) -> [Parsed] {
    parse(bytes(text), limits: limits).results
}

/// Feeds `input` in pieces to a reply parser.
func parseReplies(
    _ input: some Collection<UInt8>,
    pieces: (Int) -> Int = { _ in .max },
    limits: RESPReplyLimits = RESPReplyLimits()
) -> (values: [RESPValue], error: RESPReplyError?, parser: RESPValueParser) {
    var parser = RESPValueParser(limits: limits)
    var inbox = ReceiveBuffer()
    var values: [RESPValue] = []
    var rest = input[...]
    while !rest.isEmpty {
        let length = min(max(1, pieces(rest.count)), rest.count)
        inbox.append(ByteBuffer(bytes: rest.prefix(length)))
        rest = rest.dropFirst(length)
        do {
            while let value = try parser.next(&inbox.bytes) { values.append(value) }
        } catch {
            return (values, error, parser)
        }
        inbox.settle()
    }
    return (values, nil, parser)
}

extension SeededGenerator {
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    /// Bytes of which most mean something to the protocol.
    mutating func protocolBytes(_ count: Int) -> [UInt8] {
        let alphabet = Array("*$+-:,#_(=!%~>|\r\n\r\n\r\n0123456789 '\"\\xtf".utf8)
        return (0..<count).map { _ in
            chance(1, in: 12)
                ? UInt8(truncatingIfNeeded: next()) : alphabet[below(alphabet.count)]
        }
    }

    /// Changes, drops, doubles or inserts a few bytes.
    mutating func mutated(_ input: [UInt8]) -> [UInt8] {
        var output = input
        for _ in 0...below(4) where !output.isEmpty {
            let index = below(output.count)
            switch below(4) {
            case 0: output[index] = UInt8(truncatingIfNeeded: next())
            case 1: output.remove(at: index)
            case 2: output.insert(output[index], at: index)
            default: output.insert(contentsOf: protocolBytes(1 + below(3)), at: index)
            }
        }
        return output
    }
}
