/// How a piece of text looks on a terminal that shows colours. Nothing is told by colour alone.
package enum Paint: Hashable, Sendable {
    case plain
    case bold
    case faint
    case good
    case doubtful
    case bad
    /// The colour of the n-th node, as text.
    case node(Int)
    /// The colour of the n-th node, behind the text.
    case nodeFill(Int)

    /// Eight colours that people with any colour vision tell apart, as indexes of the 256-colour
    /// palette. Source: Okabe and Ito, *Color Universal Design*, 2008.
    private static let nodeColors = [214, 74, 36, 227, 32, 166, 175, 250]

    package func callAsFunction(_ text: String, color: Bool) -> String {
        guard color, !text.isEmpty, let code else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    private var code: String? {
        switch self {
        case .plain: nil
        case .bold: "1"
        case .faint: "2"
        case .good: "38;5;36"
        case .doubtful: "38;5;214"
        case .bad: "1;38;5;166"
        case .node(let index): "38;5;\(Self.color(index))"
        case .nodeFill(let index): "38;5;16;48;5;\(Self.color(index))"
        }
    }

    private static func color(_ index: Int) -> Int { nodeColors[index % nodeColors.count] }

    /// One character that stands for the n-th node where there is room for no more: A to Z, a to
    /// z, 0 to 9, and from the 63rd node on `+`.
    package static func letter(_ index: Int) -> Character {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return index >= 0 && index < letters.count ? letters[index] : "+"
    }
}

/// Text with a paint. Its width is that of the text alone.
package struct Painted: Hashable, Sendable, ExpressibleByStringLiteral {
    package var text: String
    package var paint: Paint

    package init(_ text: String, _ paint: Paint = .plain) {
        self.text = text
        self.paint = paint
    }

    package init(stringLiteral text: String) {
        self.init(text)
    }

    package func rendered(color: Bool) -> String { paint(text, color: color) }
}
