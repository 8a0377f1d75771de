/// `Accept` (RFC 9110, section 12.5.1): which types a client takes, and which it would rather have.
package struct AcceptHeader {
    private struct Range {
        let type: Substring
        let subtype: Substring
        /// 0...1.
        let quality: Double
        /// The more specific range counts.
        var rank: Int { type == "*" ? 0 : subtype == "*" ? 1 : 2 }
    }

    private let ranges: [Range]
    /// As most clients say: there is nothing to choose.
    private let takesAnything: Bool

    /// - Parameter text: nil for a client that did not say, which takes anything.
    package init(_ text: String?) {
        takesAnything = text == nil || text == "*/*"
        let parts = takesAnything ? [] : (text ?? "").split(separator: ",")
        ranges = parts.compactMap { part in
            let pieces = part.split(separator: ";").map { $0.trimming(" \t"[...]) }
            guard let names = pieces.first?.split(separator: "/"), names.count == 2 else {
                return nil
            }
            let quality = pieces.dropFirst().first { $0.hasPrefix("q=") }
            return Range(
                type: names[0],
                subtype: names[1],
                quality: quality.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            )
        }
    }

    /// How much it wants the type, 0 for not at all.
    ///
    /// - Parameter text: `type/subtype`, maybe with parameters, which don't matter.
    package func quality(of text: String) -> Double {
        if takesAnything { return 1 }
        let names = text.prefix { $0 != ";" }.split(separator: "/").map { $0.trimming(" "[...]) }
        guard names.count == 2 else { return 1 }
        let matching = ranges.filter { range in
            (range.type == "*" || range.type.lowercased() == names[0].lowercased())
                && (range.subtype == "*" || range.subtype.lowercased() == names[1].lowercased())
        }
        return matching.max { $0.rank < $1.rank }?.quality ?? 0
    }
}

extension Substring {
    /// Without the given characters at its ends.
    func trimming(_ characters: Substring) -> Substring {
        var text = drop { characters.contains($0) }
        while let last = text.last, characters.contains(last) { text.removeLast() }
        return text
    }
}
