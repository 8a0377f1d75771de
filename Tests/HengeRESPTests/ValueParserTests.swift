import HengeBase
import HengeRESP
import NIOCore
import Testing

@Suite struct ValueParserTests {
    private func one(_ text: String) -> RESPValue? {
        let run = parseReplies(bytes(text))
        return run.values.count == 1 && run.error == nil ? run.values[0] : nil
    }

    @Test("every type of RESP2 and RESP3")
    func types() {
        let cases: [(String, RESPValue)] = [
            ("+OK\r\n", .simpleString("OK")), ("-ERR no\r\n", .error("ERR no")),
            (":-42\r\n", .integer(-42)), (":+42\r\n", .integer(42)),
            (":-9223372036854775808\r\n", .integer(.min)),
            (":9223372036854775807\r\n", .integer(.max)),
            ("$-1\r\n", .null), ("*-1\r\n", .null), ("_\r\n", .null),
            ("$5\r\na\r\nbc\r\n", .bulk(ByteBuffer(string: "a\r\nbc"))),
            ("$0\r\n\r\n", .bulk(ByteBuffer())), ("*0\r\n", .array([])),
            ("*2\r\n:1\r\n*1\r\n$-1\r\n", .array([.integer(1), .array([.null])])),
            (",1.5\r\n", .double(1.5)), (",-1e-3\r\n", .double(-0.001)),
            (",inf\r\n", .double(.infinity)), (",-inf\r\n", .double(-.infinity)),
            ("#t\r\n", .boolean(true)), ("#f\r\n", .boolean(false)),
            ("(-12345678901234567890123\r\n", .bigNumber("-12345678901234567890123")),
            ("!5\r\nERR x\r\n", .error("ERR x")),
            ("=7\r\ntxt:a\r\n\r\n", .verbatim(format: "txt", text: ByteBuffer(string: "a\r\n"))),
            ("~1\r\n:1\r\n", .set([.integer(1)])), (">1\r\n+x\r\n", .push([.simpleString("x")])),
            (
                "%2\r\n+a\r\n:1\r\n:2\r\n%0\r\n",
                .map([
                    RESPMapEntry(key: .simpleString("a"), value: .integer(1)),
                    RESPMapEntry(key: .integer(2), value: .map([])),
                ])
            ),
            ("|1\r\n+ttl\r\n:9\r\n:5\r\n", .integer(5)), ("|0\r\n:5\r\n", .integer(5)),
            ("*2\r\n:1\r\n|1\r\n+k\r\n*1\r\n:0\r\n:2\r\n", .array([.integer(1), .integer(2)])),
        ]
        for (text, value) in cases {
            #expect(one(text) == value, "\(text)")
            for cut in 1..<text.utf8.count {
                let split = parseReplies(
                    bytes(text),
                    pieces: { $0 == text.utf8.count ? cut : .max }
                )
                #expect(split.values == [value], "\(text) cut at \(cut)")
            }
        }
        let notANumber = one(",nan\r\n")
        guard case .double(let double) = notANumber else {
            Issue.record("got \(String(describing: notANumber))")
            return
        }
        #expect(double.isNaN)
    }

    @Test("malformed replies are typed errors and stay so")
    func errors() {
        let cases: [(String, RESPReplyError)] = [
            ("HTTP/1.1 400 Bad\r\n", .unknownType(0x48)),
            ("\r\n", .malformedLine(type: 0x0D)),
            ("+a\rb\r\n", .malformedLine(type: 0x2B)),
            (":\r\n", .malformedLine(type: 0x3A)), (":1x\r\n", .malformedLine(type: 0x3A)),
            (":9223372036854775808\r\n", .malformedLine(type: 0x3A)),
            (":-9223372036854775809\r\n", .malformedLine(type: 0x3A)),
            ("$-2\r\n", .malformedLine(type: 0x24)), ("%-1\r\n", .malformedLine(type: 0x25)),
            ("$?\r\n", .malformedLine(type: 0x24)), ("#x\r\n", .malformedLine(type: 0x23)),
            (",0x1p3\r\n", .malformedLine(type: 0x2C)), ("(-\r\n", .malformedLine(type: 0x28)),
            ("_x\r\n", .malformedLine(type: 0x5F)), ("=3\r\ntxt\r\n", .malformedLine(type: 0x3D)),
            ("%9223372036854775807\r\n", .malformedLine(type: 0x25)),
            ("$1\r\nab\r\n", .unterminatedBulk),
        ]
        for (text, error) in cases {
            #expect(parseReplies(bytes(text)).error == error, "\(text)")
            var parser = RESPValueParser()
            var buffer = ByteBuffer(string: text + "+OK\r\n")
            for _ in 0..<2 { #expect(throws: error) { try parser.next(&buffer) } }
        }
    }

    @Test("limits: depth, line, string, elements, whole reply")
    func limits() {
        let limits = RESPReplyLimits(
            depthMax: 3,
            lineBytesMax: 20,
            bulkBytesMax: 30,
            elementsMax: 6,
            replyBytesMax: 60
        )
        func error(_ text: String) -> RESPReplyError? {
            parseReplies(bytes(text), limits: limits).error
        }
        #expect(error("*1\r\n*1\r\n*1\r\n:1\r\n") == nil)
        #expect(error("*1\r\n*1\r\n*1\r\n*1\r\n") == .tooDeep(limit: 3))
        #expect(error("+" + String(repeating: "a", count: 30)) == .lineTooLong(limit: 20))
        #expect(error("$31\r\n") == .bulkTooLong(size: 31, limit: 30))
        #expect(error("*7\r\n") == .tooManyElements(count: 7, limit: 6))
        #expect(error("%4\r\n") == .tooManyElements(count: 8, limit: 6))
        #expect(error("*4\r\n:1\r\n*3\r\n") == .tooManyElements(count: 3, limit: 6))
        let bulk = "$20\r\n01234567890123456789\r\n"
        #expect(error("*3\r\n" + bulk + bulk + bulk) == .replyTooLong(size: 63, limit: 60))
        #expect(error(bulk + bulk + bulk) == nil)
    }

    @Test("a quarter of a million elements in 1 KiB pieces: work in proportion to the bytes")
    func manyElements() {
        let count = 250_000
        var input = bytes("*\(count)\r\n")
        for _ in 0..<count { input += [0x24, 0x31, 0x0D, 0x0A, 0x78, 0x0D, 0x0A] }
        let run = parseReplies(input, pieces: { _ in 1_024 })
        guard case .array(let elements) = run.values.first else {
            Issue.record("no array: \(String(describing: run.error))")
            return
        }
        #expect(elements.count == count)
        #expect(elements.last == .bulk(ByteBuffer(string: "x")))
        #expect(run.parser.examinedBytes < input.count)
    }

    @Test("random values written by the server's writer come back, in pieces")
    func randomRoundTrip() {
        for seed in UInt64(0)..<300 {
            var random = SeededGenerator(seed: seed)
            let values = (0..<4).map { _ in randomValue(&random, depth: 0) }
            var out = ByteBuffer()
            for value in values { write(value, into: &out) }
            let run = parseReplies(
                Array(out.readableBytesView),
                pieces: { _ in 1 + random.below(30) }
            )
            #expect(run.values == values, "seed \(seed)")
        }
    }

    @Test("random and mutated bytes never trap and ignore the cuts")
    func fuzz() {
        let limits = RESPReplyLimits(
            depthMax: 5,
            lineBytesMax: 100,
            bulkBytesMax: 1_000,
            elementsMax: 1_000,
            replyBytesMax: 2_000
        )
        for seed in UInt64(0)..<4_000 {
            var random = SeededGenerator(seed: seed)
            var out = ByteBuffer()
            for _ in 0..<3 { write(randomValue(&random, depth: 0), into: &out) }
            let valid = Array(out.readableBytesView)
            let input =
                random.chance(1, in: 3)
                ? random.protocolBytes(random.below(200)) : random.mutated(valid)
            let whole = parseReplies(input, limits: limits)
            let split = parseReplies(input, pieces: { _ in 1 + random.below(9) }, limits: limits)
            #expect("\(split.values)" == "\(whole.values)", "seed \(seed)")
            #expect(split.error == whole.error, "seed \(seed)")
        }
    }

    private func randomValue(_ random: inout SeededGenerator, depth: Int) -> RESPValue {
        switch random.below(depth < 4 ? 10 : 6) {
        case 0: return .null
        case 1: return .integer(Int64(bitPattern: random.next()))
        case 2: return .bulk(ByteBuffer(bytes: random.bytes(random.below(40))))
        case 3: return .boolean(random.chance(1, in: 2))
        case 4: return .double(Double(random.below(1_000_000)) / 64)
        case 5: return .error("ERR \(random.next())")
        case 6: return .array(randomValues(&random, depth))
        case 7: return .set(randomValues(&random, depth))
        case 8: return .push(randomValues(&random, depth))
        default:
            let keys = randomValues(&random, depth)
            return .map(
                keys.map { RESPMapEntry(key: $0, value: randomValue(&random, depth: depth + 1)) }
            )
        }
    }

    private func randomValues(_ random: inout SeededGenerator, _ depth: Int) -> [RESPValue] {
        (0..<random.below(4)).map { _ in randomValue(&random, depth: depth + 1) }
    }

    private func write(_ value: RESPValue, into out: inout ByteBuffer) {
        let writer = RESPWriter(.v3)
        switch value {
        case .null: writer.null(into: &out)
        case .integer(let n): writer.integer(n, into: &out)
        case .bulk(let bytes): writer.bulk(bytes, into: &out)
        case .boolean(let flag): writer.boolean(flag, into: &out)
        case .double(let x): writer.double(x, into: &out)
        case .error(let text): writer.error(text, into: &out)
        case .simpleString(let text), .bigNumber(let text):
            writer.simpleString(text, into: &out)
        case .verbatim(_, let text): writer.verbatim(String(buffer: text), into: &out)
        case .array(let elements):
            writer.arrayHeader(elements.count, into: &out)
            for element in elements { write(element, into: &out) }
        case .set(let elements):
            writer.setHeader(elements.count, into: &out)
            for element in elements { write(element, into: &out) }
        case .push(let elements):
            writer.pushHeader(elements.count, into: &out)
            for element in elements { write(element, into: &out) }
        case .map(let entries):
            writer.mapHeader(entries.count, into: &out)
            for entry in entries {
                write(entry.key, into: &out)
                write(entry.value, into: &out)
            }
        }
    }
}
