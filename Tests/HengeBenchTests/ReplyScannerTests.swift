import HengeBase
import HengeCommand
import HengeRESP
import NIOCore
import Testing

@Suite struct ReplyScannerTests {
    private typealias Reply = ReplyScanner.Reply

    /// All replies of a stream that arrives in these pieces.
    private static func scan(_ pieces: [ArraySlice<UInt8>]) throws -> [Scanned] {
        var scanner = ReplyScanner()
        var replies: [Scanned] = []
        for piece in pieces {
            let bytes = Array(piece)
            var index = 0
            while let reply = try scanner.next(bytes.span, at: &index) {
                let text = reply.isError ? String(decoding: scanner.errorText, as: UTF8.self) : nil
                replies.append(Scanned(reply: reply, errorText: text))
            }
            #expect(index == bytes.count)
        }
        return replies
    }

    private struct Scanned: Equatable {
        var reply: Reply
        var errorText: String?
    }

    private static func scan(_ text: String) throws -> [Scanned] {
        try scan([Array(text.utf8)[...]])
    }

    @Test func tellsTheRepliesOfALoadApart() throws {
        let replies = try Self.scan("+OK\r\n$3\r\nabc\r\n$-1\r\n:2\r\n-ERR no such thing\r\n_\r\n")
        #expect(replies.map(\.reply.type) == Array("+$$:-_".utf8))
        #expect(replies.map(\.reply.number) == [0, 3, -1, 2, 0, 0])
        #expect(replies.map(\.reply.isNull) == [false, false, true, false, false, true])
        #expect(replies.map(\.reply.isError) == [false, false, false, false, true, false])
        #expect(replies[4].errorText == "ERR no such thing")
    }

    @Test func aReplyInAReplyIsPartOfIt() throws {
        let replies = try Self.scan(
            "*3\r\n*2\r\n:1\r\n-ERR in it\r\n$2\r\n\r\n\r\n%1\r\n+a\r\n*0\r\n+OK\r\n")
        #expect(replies.map(\.reply.type) == Array("*+".utf8))
        #expect(replies.map(\.errorText) == [nil, nil])
    }

    @Test func keepsTheBeginningOfALongError() throws {
        let long = String(repeating: "x", count: 3 * ReplyScanner.errorBytesMax)
        let replies = try Self.scan("-ERR \(long)\r\n!\(long.count)\r\n\(long)\r\n-LAST one\r\n")
        let texts = replies.compactMap(\.errorText)
        #expect(
            texts.map(\.utf8.count) == [ReplyScanner.errorBytesMax, ReplyScanner.errorBytesMax, 8])
        #expect(
            texts[0].hasPrefix("ERR xxx") && texts[1].hasPrefix("xxx") && texts[2] == "LAST one")
    }

    @Test(arguments: [
        ("?what\r\n", ReplyScanner.Fault.unknownType(UInt8(ascii: "?"))),
        ("HTTP/1.1 400 Bad Request\r\n", .unknownType(UInt8(ascii: "H"))),
        ("$1x\r\n", .malformedNumber), ("$\r\n", .malformedNumber), ("$-2\r\n", .malformedNumber),
        ("%-1\r\n", .malformedNumber), ("$1234567890123456789\r\n", .malformedNumber),
        ("*-\r\n", .malformedNumber), ("+OK\rx", .missingLineFeed),
    ])
    func refusesWhatIsNoReply(text: String, fault: ReplyScanner.Fault) {
        #expect(throws: fault) { try Self.scan(text) }
    }

    @Test func refusesMoreElementsThanCanBeCounted() {
        let nested = String(repeating: "*999999999999999999\r\n", count: 10)
        #expect(throws: ReplyScanner.Fault.malformedNumber) { try Self.scan(nested) }
    }

    @Test func goesOnAfterASplitAtEveryByte() throws {
        let text =
            "+OK\r\n$5\r\nab\r\nc\r\n-ERR x y\r\n*2\r\n$-1\r\n:-12\r\n!4\r\nOOPS\r\n"
            + "%1\r\n+k\r\n=5\r\ntxt:v\r\n#t\r\n,1.5\r\n(123\r\n~1\r\n_\r\n$0\r\n\r\n"
        let bytes = Array(text.utf8)
        let whole = try Self.scan([bytes[...]])
        #expect(whole.count == 11)
        for cut in 0...bytes.count {
            #expect(try Self.scan([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
        }
        #expect(try Self.scan(bytes.indices.map { bytes[$0...$0] }) == whole)
    }

    /// The parser of whole values is the oracle.
    @Test(arguments: UInt64(1)...200)
    func agreesWithTheValueParser(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var bytes = ByteBuffer()
        for _ in 0..<20 { Self.writeRandomReply(into: &bytes, depth: 0, using: &generator) }
        let stream = Array(bytes.readableBytesView)

        var parser = RESPValueParser()
        var expected: [RESPValue] = []
        while let value = try parser.next(&bytes) { expected.append(value) }

        var pieces: [ArraySlice<UInt8>] = []
        var rest = stream[...]
        while !rest.isEmpty {
            let count = min(rest.count, 1 + generator.below(40))
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        let scanned = try Self.scan(pieces)
        #expect(scanned.count == expected.count, "seed \(seed)")
        for (scanned, value) in zip(scanned, expected) {
            #expect(scanned.reply.isNull == (value == .null), "seed \(seed)")
            if case .error(let text) = value {
                #expect(scanned.errorText == text, "seed \(seed)")
            } else {
                #expect(scanned.errorText == nil, "seed \(seed)")
            }
            if case .integer(let number) = value {
                #expect(scanned.reply.number == Int(number), "seed \(seed)")
            }
        }
    }

    private static func writeRandomReply(
        into out: inout ByteBuffer,
        depth: Int,
        using generator: inout SeededGenerator
    ) {
        let writer = RESPWriter(generator.chance(1, in: 2) ? .v2 : .v3)
        switch generator.below(depth < 4 ? 12 : 8) {
        case 0: writer.ok(into: &out)
        case 1: writer.error("ERR \(generator.next())", into: &out)
        case 2: writer.integer(Int64(truncatingIfNeeded: generator.next()), into: &out)
        case 3: writer.null(into: &out)
        case 4: writer.nullArray(into: &out)
        case 5: writer.double(Double(generator.below(1000)) / 8, into: &out)
        case 6: writer.boolean(generator.chance(1, in: 2), into: &out)
        case 7:
            // Any bytes, line ends and type bytes among them.
            let bytes = (0..<generator.below(50)).map { _ in
                Array("\r\n$*:-+0123".utf8)[generator.below(11)]
            }
            writer.bulk(bytes, into: &out)
        case 8, 9:
            let count = generator.below(4)
            writer.arrayHeader(count, into: &out)
            for _ in 0..<count { writeRandomReply(into: &out, depth: depth + 1, using: &generator) }
        case 10:
            let count = generator.below(3)
            out.writeString("%\(count)\r\n")
            for _ in 0..<(2 * count) {
                writeRandomReply(into: &out, depth: depth + 1, using: &generator)
            }
        default:
            writer.verbatim("text \(generator.next())", into: &out)
        }
    }
}
