/// One page that needs nothing else: no scripts, fonts, pictures or styles from elsewhere, and its
/// policy forbids any. Readable in light and dark, at any width, and on paper.
package struct HTMLPage: Sendable {
    package var title: String
    /// Below the title, in small.
    package var subtitle: String
    package var sections: [HTML]

    package init(title: String, subtitle: String, sections: [HTML]) {
        self.title = title
        self.subtitle = subtitle
        self.sections = sections
    }

    package var text: String {
        let head = HTML.tag(
            "head", [:],
            [
                .tag("meta", ["charset": "utf-8"]),
                .tag(
                    "meta",
                    [
                        "http-equiv": "Content-Security-Policy",
                        "content": "default-src 'none'; style-src 'unsafe-inline'",
                    ]
                ),
                .tag(
                    "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]
                ),
                .tag("meta", ["name": "color-scheme", "content": "light dark"]),
                .tag("title", [:], title),
            ]
        )
        let body = HTML.tag(
            "main", [:],
            [HTML.tag("h1", [:], title), HTML.tag("p", ["class": "sub"], subtitle)] + sections
        )
        // The style is a constant of this file, so it needs no escaping.
        return "<!DOCTYPE html>\n<html lang=\"en\">"
            + head.markup.replacingEnd("</head>", with: "<style>\(PageStyle.text)</style></head>")
            + "<body>\(body.markup)</body></html>"
    }

    // MARK: Parts

    package static func section(_ title: String, note: String = "", _ parts: [HTML]) -> HTML {
        let note = note.isEmpty ? [] : [HTML.tag("p", ["class": "note"], note)]
        return .tag("section", [:], [HTML.tag("h2", [:], title)] + note + parts)
    }

    /// Figures side by side where there is room.
    package static func figures(_ figures: [HTML]) -> HTML {
        .tag("div", ["class": "figures"], figures)
    }

    package static func figure(_ caption: String, _ picture: HTML) -> HTML {
        .tag("figure", [:], [.tag("figcaption", [:], caption), picture])
    }

    /// Large numbers with a word below each.
    package static func tiles(_ tiles: [(value: String, label: String)]) -> HTML {
        .tag(
            "div", ["class": "tiles"],
            tiles.map { tile in
                .tag(
                    "div", ["class": "tile"],
                    [.tag("b", [:], tile.value), .tag("span", [:], tile.label)]
                )
            }
        )
    }

    package static func paragraphs(_ lines: [String]) -> HTML {
        .tag("ul", [:], lines.map { .tag("li", [:], $0) })
    }
}

extension String {
    fileprivate func replacingEnd(_ end: String, with replacement: String) -> String {
        hasSuffix(end) ? String(dropLast(end.count)) + replacement : self
    }
}
