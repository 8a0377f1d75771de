package import NIOCore

/// A pattern as Redis's `KEYS` and `SCAN MATCH` take it: `*`, `?`, `[a-c]`, `[^a]` and `\` before a
/// byte that is meant literally.
///
/// All positions at which the pattern may stand are followed at once in a bit set, so a match takes
/// time in proportion to the text whatever the pattern (Baeza-Yates and Gonnet, *A New Approach to
/// Text Searching*, 1992).
package struct GlobPattern: Sendable {
    /// Longer patterns are refused: the tables would take too much memory.
    package static let elementsMax = 4096

    private let elements: Int
    private let words: Int
    /// `accepts[byte * words + w]`: which elements take the byte.
    private var accepts: [UInt64]
    /// Positions with a star before them.
    private var stars: [UInt64]

    /// - Parameter ignoringCase: of ASCII letters.
    package init(_ pattern: ByteBuffer, ignoringCase: Bool = false) throws(CommandError) {
        let parsed = Parsed(Array(pattern.readableBytesView))
        guard parsed.sets.count <= Self.elementsMax else {
            throw CommandError("ERR pattern is too long")
        }
        elements = parsed.sets.count
        words = elements / 64 + 1
        accepts = Array(repeating: 0, count: 256 * words)
        stars = Array(repeating: 0, count: words)
        for (position, set) in parsed.sets.enumerated() {
            for byte in 0..<256 {
                let other = ignoringCase ? Self.otherCase(UInt8(byte)) : UInt8(byte)
                if set.contains(UInt8(byte)) || set.contains(other) {
                    accepts[byte * words + position / 64] |= 1 << UInt64(position % 64)
                }
            }
        }
        for position in parsed.stars { stars[position / 64] |= 1 << UInt64(position % 64) }
    }

    package func matches(_ text: ByteBuffer) -> Bool {
        words == 1 ? matchesInOneWord(text) : matchesInMany(text)
    }

    private func matchesInOneWord(_ text: ByteBuffer) -> Bool {
        var states: UInt64 = 1
        for byte in text.readableBytesView {
            states = (states & accepts[Int(byte)]) << 1 | states & stars[0]
            if states == 0 { return false }
        }
        return states >> UInt64(elements) & 1 == 1
    }

    private func matchesInMany(_ text: ByteBuffer) -> Bool {
        var states = [UInt64](repeating: 0, count: words)
        states[0] = 1
        for byte in text.readableBytesView {
            var carry: UInt64 = 0
            var any: UInt64 = 0
            for word in 0..<words {
                let taken = states[word] & accepts[Int(byte) * words + word]
                states[word] = taken << 1 | carry | states[word] & stars[word]
                carry = taken >> 63
                any |= states[word]
            }
            if any == 0 { return false }
        }
        return states[elements / 64] >> UInt64(elements % 64) & 1 == 1
    }

    private static func otherCase(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
            byte ^ 0x20
        default: byte
        }
    }
}

/// A pattern as a row of byte sets, each taking one byte, and the positions before which anything
/// may stand.
private struct Parsed {
    package var sets: [ByteSet] = []
    package var stars: [Int] = []

    package init(_ pattern: [UInt8]) {
        var index = 0
        while index < pattern.count {
            switch pattern[index] {
            case UInt8(ascii: "*"):
                stars.append(sets.count)
                index += 1
            case UInt8(ascii: "?"):
                sets.append(.all)
                index += 1
            case UInt8(ascii: "["):
                index = appendClass(pattern, from: index + 1)
            case UInt8(ascii: "\\") where index + 1 < pattern.count:
                sets.append(ByteSet(pattern[index + 1]...pattern[index + 1]))
                index += 2
            case let byte:
                sets.append(ByteSet(byte...byte))
                index += 1
            }
        }
    }

    /// Reads a class by Redis's rules (`util.c`, `stringmatchlen`): one that isn't closed goes on
    /// to the end. Returns the index behind it.
    private mutating func appendClass(_ pattern: [UInt8], from start: Int) -> Int {
        var index = start
        var set = ByteSet()
        let isNegated = index < pattern.count && pattern[index] == UInt8(ascii: "^")
        if isNegated { index += 1 }
        while index < pattern.count, pattern[index] != UInt8(ascii: "]") {
            if pattern[index] == UInt8(ascii: "\\"), index + 1 < pattern.count {
                set.insert(pattern[index + 1]...pattern[index + 1])
                index += 2
            } else if index + 2 < pattern.count, pattern[index + 1] == UInt8(ascii: "-") {
                let ends = (pattern[index], pattern[index + 2])
                set.insert(min(ends.0, ends.1)...max(ends.0, ends.1))
                index += 3
            } else {
                set.insert(pattern[index]...pattern[index])
                index += 1
            }
        }
        sets.append(isNegated ? set.inverted : set)
        return index + 1
    }
}

private struct ByteSet {
    private var words = SIMD4<UInt64>()

    package static let all = ByteSet().inverted

    package init() {}

    package init(_ range: ClosedRange<UInt8>) {
        insert(range)
    }

    package mutating func insert(_ range: ClosedRange<UInt8>) {
        for byte in range { words[Int(byte) / 64] |= 1 << UInt64(byte % 64) }
    }

    package func contains(_ byte: UInt8) -> Bool {
        words[Int(byte) / 64] >> UInt64(byte % 64) & 1 == 1
    }

    package var inverted: ByteSet {
        var set = ByteSet()
        set.words = ~words
        return set
    }
}
