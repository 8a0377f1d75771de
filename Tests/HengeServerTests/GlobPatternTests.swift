import HengeBase
import HengeServer
import NIOCore
import Testing

@Suite struct GlobPatternTests {
    private func matches(_ pattern: String, _ text: String) throws -> Bool {
        try GlobPattern(ByteBuffer(string: pattern)).matches(ByteBuffer(string: text))
    }

    @Test(
        "the forms that Redis knows",
        arguments: [
            ("*", "", true), ("*", "anything", true), ("", "", true), ("", "a", false),
            ("h?llo", "hello", true), ("h?llo", "hllo", false), ("h*llo", "heeeello", true),
            ("h*llo", "hell", false), ("h[ae]llo", "hallo", true), ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true), ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true), ("h[c-a]llo", "hbllo", true),
            ("h[a-c]llo", "hdllo", false), (#"\*a"#, "*a", true), (#"\*a"#, "ba", false),
            (#"[\]]"#, "]", true), ("a*b*c", "a-b-b-c", true), ("a*b*c", "a-c-b", false),
            ("[abc", "b", true), ("[]", "]", false), ("**a", "bba", true), (#"a\"#, #"a\"#, true),
        ]
    )
    func forms(_ pattern: String, _ text: String, _ expected: Bool) throws {
        #expect(try matches(pattern, text) == expected, "\(pattern) on \(text)")
    }

    @Test("letters of either case match where case is ignored")
    func ignoresCase() throws {
        let pattern = try GlobPattern(ByteBuffer(string: "MaX[a-c]*"), ignoringCase: true)
        #expect(pattern.matches(ByteBuffer(string: "maxBxx")))
        #expect(!pattern.matches(ByteBuffer(string: "maxD")))
    }

    @Test("random patterns match as a matcher that tries everything")
    func againstOracle() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<3000 {
            let pattern = (0..<random.below(9)).map { _ in Array("ab*?".utf8)[random.below(4)] }
            let text = (0..<random.below(9)).map { _ in Array("ab".utf8)[random.below(2)] }
            let expected = oracle(pattern[...], text[...])
            let actual = try GlobPattern(ByteBuffer(bytes: pattern)).matches(
                ByteBuffer(bytes: text))
            guard actual == expected else {
                let shown = String(decoding: pattern, as: UTF8.self)
                Issue.record("seed \(seed): \(shown) on \(String(decoding: text, as: UTF8.self))")
                return
            }
        }
    }

    private func oracle(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == UInt8(ascii: "*") {
            return oracle(pattern.dropFirst(), text)
                || (!text.isEmpty && oracle(pattern, text.dropFirst()))
        }
        guard let byte = text.first, first == byte || first == UInt8(ascii: "?") else {
            return false
        }
        return oracle(pattern.dropFirst(), text.dropFirst())
    }

    @Test("a pattern of more than 64 elements, with stars on both sides of each border")
    func manyWords() throws {
        let middle = String(repeating: "ab", count: 100)
        #expect(try matches("*\(middle)*z", "xx\(middle)yyz"))
        #expect(try !matches("*\(middle)*z", "xx\(middle.dropLast())yyz"))
        for length in 62...66 {
            let exact = String(repeating: "k", count: length)
            #expect(try matches(exact, exact))
            #expect(try !matches(exact, exact + "k"))
            #expect(try matches(exact + "*", exact + "more"))
        }
    }

    @Test("a pattern that costs others exponential time is done at once")
    func pathological() throws {
        let pattern = String(repeating: "a*", count: 30) + "b"
        #expect(try !matches(pattern, String(repeating: "a", count: 60_000)))
    }

    @Test("a pattern too long is refused")
    func tooLong() {
        #expect(throws: CommandError("ERR pattern is too long")) {
            try matches(String(repeating: "a", count: GlobPattern.elementsMax + 1), "a")
        }
    }
}
