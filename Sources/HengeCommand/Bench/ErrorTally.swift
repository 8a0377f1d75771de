/// Counts failed operations by the first word of their error, and keeps the first text of each.
package struct ErrorTally: Sendable {
    package struct Entry: Equatable, Sendable {
        package var code: String
        package var count: Int
        package var text: String

        package init(code: String, count: Int, text: String) {
            self.code = code
            self.count = count
            self.text = text
        }
    }

    /// What a server invents beyond so many codes is counted together.
    private static let codesMax = 32
    private static let codeElse = "OTHER"

    /// In the order in which they came up.
    package private(set) var entries: [Entry] = []

    package init() {}

    /// What a node says that has too much to do.
    package static let overloadedCode = "OVERLOADED"

    package var overloaded: Int {
        entries.first { $0.code == Self.overloadedCode }?.count ?? 0
    }

    package var count: Int { entries.reduce(0) { $0 + $1.count } }

    /// - Parameter text: an error reply without its leading `-`.
    package mutating func record(_ text: [UInt8]) {
        let code = text.prefix { $0 != UInt8(ascii: " ") }
        // Comparing bytes: an overloaded server sends errors as fast as answers.
        if let index = entries.firstIndex(where: { $0.code.utf8.elementsEqual(code) }) {
            entries[index].count += 1
            return
        }
        add(
            Entry(
                code: String(decoding: code, as: UTF8.self),
                count: 1,
                text: String(decoding: text, as: UTF8.self)
            )
        )
    }

    package mutating func record(code: String, text: String, count: Int) {
        guard count > 0 else { return }
        add(Entry(code: code, count: count, text: text))
    }

    package mutating func add(_ other: ErrorTally) {
        for entry in other.entries { add(entry) }
    }

    private mutating func add(_ entry: Entry) {
        if let index = entries.firstIndex(where: { $0.code == entry.code }) {
            entries[index].count += entry.count
        } else if entries.count < Self.codesMax || entry.code == Self.codeElse {
            entries.append(entry)
        } else {
            add(Entry(code: Self.codeElse, count: entry.count, text: entry.text))
        }
    }
}
