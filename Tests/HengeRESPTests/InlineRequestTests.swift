import HengeBase
import HengeRESP
import Testing

/// The rules of `sdssplitargs`, each with the example of its kind.
@Suite struct InlineRequestTests {
    @Test("blanks, quotes and escapes split as in Redis")
    func rules() {
        let cases: [(String, [String])] = [
            ("a b c", ["a", "b", "c"]),
            ("  a\t b  ", ["a", "b"]),
            ("\u{0B}\u{0C}a", ["a"]),
            ("a\u{0B}b", ["a\u{0B}b"]),
            ("\"a b\"", ["a b"]),
            ("'a b'", ["a b"]),
            ("\"\"", [""]),
            ("'' x", ["", "x"]),
            ("foo\"bar baz\"", ["foobar baz"]),
            ("\"a\\nb\\rc\\td\\be\\af\"", ["a\nb\rc\td\u{08}e\u{07}f"]),
            ("\"\\x41\\x7a\"", ["Az"]),
            ("\"\\x4g\\q\\\"\\\\\"", ["x4gq\"\\"]),
            ("'it\\'s \\n'", ["it's \\n"]),
            ("a\\nb", ["a\\nb"]),
        ]
        for (line, arguments) in cases {
            #expect(parse(line + "\r\n") == [.command(arguments.map(bytes))], "\(line)")
        }
        #expect(parse("\"\\xff\\x00\"\n") == [.command([[0xFF, 0x00]])])
    }

    @Test("quotes that don't close, or close onto a word, are unbalanced")
    func unbalanced() {
        for line in ["\"", "'", "\"a", "'a", "\"a\"b", "'a'b", "a \"b\\\"", "\"a\"\"b\"", "\"\\"] {
            #expect(parse(line + "\r\n") == [.error(.unbalancedQuotes)], "\(line)")
        }
    }

    @Test("any bytes, quoted, come back")
    func quotedRoundTrip() {
        for seed in UInt64(0)..<300 {
            var random = SeededGenerator(seed: seed)
            let arguments = (0..<1 + random.below(5)).map { _ in random.bytes(random.below(20)) }
            let line = arguments.map { argument in
                let digits = argument.map { byte in
                    let hex = String(byte, radix: 16)
                    return "\\x" + (byte < 16 ? "0" + hex : hex)
                }
                return "\"" + digits.joined() + "\""
            }
            #expect(
                parse(line.joined(separator: " ") + "\r\n") == [.command(arguments)],
                "seed \(seed)"
            )
        }
    }
}
