import HengeBase
import HengeRESP
import NIOCore
import Testing

@Suite struct RequestParserTests {
    @Test("a pipeline of arrays and inline lines comes out in order, to the last byte")
    func story() {
        let input =
            "*1\r\n$4\r\nPING\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n\r\nget k\n"
        #expect(
            parse(input) == [
                command("PING"), command("PING"), command("SET", "k", ""), command("get", "k"),
            ]
        )
    }

    @Test("bulk strings are binary: CR, LF, NUL and protocol bytes inside them mean nothing")
    func binary() {
        let arguments = [bytes("SET"), bytes("*1\r\n$4\r\n"), [0, 255, 13, 10, 0]]
        #expect(parse(encoded(arguments)).results == [.command(arguments)])
    }

    @Test("empty and negative arrays and blank lines are ignored, as Redis does")
    func ignored() {
        #expect(
            parse("*0\r\n*-1\r\n*-10\r\n\r\n  \r\n\n*1\r\n$4\r\nPING\r\n") == [command("PING")]
        )
    }

    @Test("whatever the cut, the outcome is the same")
    func everyCut() {
        let pipeline =
            "*2\r\n$3\r\nGET\r\n$5\r\na\r\nbc\r\n*0\r\nset \"a b\" c\r\n*1\r\n$4\r\nPING\r\n"
        let inputs = [
            pipeline, pipeline + "*x\r\n", pipeline + "*1\r\n+4\r\n", pipeline + "*1\r\n$-1\r\n",
            pipeline + "get \"a\r\n", "*1\r\n$4\r\nPINGxy", "*01\r\n", "*1\r*1\r\n",
        ].map(bytes)
        for input in inputs {
            let whole = parse(input)
            for cut in 1..<input.count {
                let split = parse(input, pieces: { $0 == input.count ? cut : .max })
                #expect(split.results == whole.results, "cut at \(cut)")
            }
            let single = parse(input, pieces: { _ in 1 })
            #expect(single.results == whole.results)
        }
    }

    @Test("broken framing closes with Redis's words, and stays closed")
    func brokenFraming() throws {
        let cases: [(String, RESPProtocolError, String)] = [
            ("*x\r\n", .invalidMultibulkLength, "invalid multibulk length"),
            ("*\r\n", .invalidMultibulkLength, "invalid multibulk length"),
            ("*+1\r\n", .invalidMultibulkLength, "invalid multibulk length"),
            ("*01\r\n", .invalidMultibulkLength, "invalid multibulk length"),
            ("*1\n$4\r\n", .invalidMultibulkLength, "invalid multibulk length"),
            ("*1\rx", .invalidMultibulkLength, "invalid multibulk length"),
            ("*9999999999999999999", .invalidMultibulkLength, "invalid multibulk length"),
            (
                "*1048577\r\n", .tooManyArguments(count: 1_048_577, limit: 1_048_576),
                "invalid multibulk length"
            ),
            ("*1\r\n+PING\r\n", .expectedBulk(got: 0x2B), "expected '$', got '+'"),
            ("*1\r\n\r\n", .expectedBulk(got: 0x0D), "expected '$', got '\\x0d'"),
            ("*1\r\n$-1\r\n", .invalidBulkLength, "invalid bulk length"),
            ("*1\r\n$a\r\n", .invalidBulkLength, "invalid bulk length"),
            ("*1\r\n$\r\n", .invalidBulkLength, "invalid bulk length"),
            (
                "*1\r\n$999999999999999999\r\n",
                .unskippable(size: 1_000_000_000_000_000_026, limit: 512 << 20),
                "invalid bulk length"
            ),
            ("*1\r\n$3\r\nPING\r\n", .unterminatedBulk, "expected CRLF after bulk"),
            ("get \"x\r\n", .unbalancedQuotes, "unbalanced quotes in request"),
            ("get 'x'y\r\n", .unbalancedQuotes, "unbalanced quotes in request"),
        ]
        for (input, error, words) in cases {
            #expect(parse(input) == [.error(error)], "\(input)")
            #expect(error.message == "ERR Protocol error: " + words)
            var parser = RESPRequestParser()
            var buffer = ByteBuffer(string: input + "*1\r\n$4\r\nPING\r\n")
            for _ in 0..<2 {
                #expect(throws: error) { try parser.next(&buffer) }
            }
        }
    }

    @Test("an inline request has 64 KiB, whatever the pieces")
    func inlineLimit() {
        let limit = 65_536
        let longest = [UInt8](repeating: 0x61, count: limit)
        for piece in [7, 4_096, Int.max] {
            let fits = parse(longest + [0x0A], pieces: { _ in piece })
            #expect(fits.results == [.command([longest])])
            let over = parse(longest + [0x61, 0x0A], pieces: { _ in piece })
            #expect(over.results == [.error(.inlineTooLong(limit: limit))])
            let endless = parse(longest + longest, pieces: { _ in piece })
            #expect(endless.results == [.error(.inlineTooLong(limit: limit))])
            #expect(endless.parser.examinedBytes <= limit + 1)
        }
    }

    @Test("a command knows its name, keywords, lengths and slices, over eight arguments, too")
    func commandAccess() throws {
        let words = ["mSet"] + (0..<20).map { "key\($0)" }
        var buffer = ByteBuffer(bytes: [1] + encoded(words.map(bytes)))
        buffer.moveReaderIndex(forwardBy: 1)
        var parser = RESPRequestParser()
        let command = try #require(try parser.next(&buffer))
        #expect(command.count == 21)
        #expect(command.name == "MSET")
        #expect(command.keyword(20) == "KEY19")
        #expect(command.length(3) == 4)
        for (index, word) in words.enumerated() {
            #expect(command[index] == ByteBuffer(string: word))
        }
        #expect(buffer.readableBytes == 0)
    }

    @Test("random requests in random pieces come out as they went in")
    func randomRoundTrip() {
        for seed in UInt64(0)..<200 {
            var random = SeededGenerator(seed: seed)
            let requests = (0..<1 + random.below(8)).map { _ in
                (0..<1 + random.below(14)).map { _ in
                    let length = random.chance(1, in: 20) ? 3_000 : random.below(12)
                    return random.bytes(length)
                }
            }
            let run = parse(
                requests.flatMap(encoded),
                pieces: { _ in 1 + random.below(40) }
            )
            #expect(run.results == requests.map { .command($0) }, "seed \(seed)")
            #expect(!run.parser.isInRequest)
        }
    }
}
