/// A piece of HTML or inline SVG. Text and attributes are escaped where they come in, so that
/// nothing that a user named can become markup.
package struct HTML: Sendable, Equatable {
    package private(set) var markup: String

    package static let empty = HTML(markup: "")

    private init(markup: String) {
        self.markup = markup
    }

    package static func text(_ text: String) -> HTML {
        HTML(markup: escaped(text))
    }

    /// An element and what is in it; one that is never anything in is closed at once.
    package static func tag(
        _ name: StaticString,
        _ attributes: KeyValuePairs<StaticString, String> = [:],
        _ children: [HTML] = []
    ) -> HTML {
        var markup = "<\(name)"
        for (attribute, value) in attributes {
            markup += " \(attribute)=\"\(escaped(value))\""
        }
        if children.isEmpty, isVoid("\(name)") { return HTML(markup: markup + "/>") }
        markup += ">"
        for child in children { markup += child.markup }
        return HTML(markup: markup + "</\(name)>")
    }

    package static func tag(
        _ name: StaticString,
        _ attributes: KeyValuePairs<StaticString, String> = [:],
        _ text: String
    ) -> HTML {
        tag(name, attributes, [.text(text)])
    }

    package static func joined(_ parts: [HTML]) -> HTML {
        HTML(markup: parts.map(\.markup).joined())
    }

    private static func isVoid(_ name: String) -> Bool {
        switch name {
        case "meta", "br", "rect", "line", "path", "circle", "use", "col": true
        default: false
        }
    }

    /// Control characters have no place in a page; they become the replacement character.
    private static func escaped(_ text: String) -> String {
        var out = ""
        out.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            case "\n", "\t": out.unicodeScalars.append(scalar)
            case _ where scalar.properties.generalCategory == .control: out += "\u{FFFD}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
