/// A table of a page, which scrolls by itself where the page is narrow.
package struct HTMLTable: Sendable {
    package enum Cell: Sendable {
        case text(String)
        case number(String)
        /// What may be long, such as a key.
        case long(String)
        /// A node by its letter, colour and name.
        case node(Int, String)
        /// Parts of the whole width, 0 to 1.
        case bar(Double, mark: Double?, node: Int?)
    }

    private let columns: [(title: String, isLeft: Bool)]
    private var rows: [HTML] = []
    private let caption: String

    /// - Parameter columns: titles; those that begin with `<` stand at the left, without it.
    package init(_ caption: String, _ columns: [String]) {
        self.caption = caption
        self.columns = columns.map { title in
            title.hasPrefix("<")
                ? (title: String(title.dropFirst()), isLeft: true) : (title: title, isLeft: false)
        }
    }

    /// Adds a row, of cells in up to three pieces.
    package mutating func add(_ cells: [Cell], _ more: [Cell] = [], _ rest: [Cell] = []) {
        rows.append(.tag("tr", [:], (cells + more + rest).map(Self.cell)))
    }

    package var isEmpty: Bool { rows.isEmpty }

    package var html: HTML {
        let head = columns.map { column in
            HTML.tag(
                "th", column.isLeft ? ["class": "l", "scope": "col"] : ["scope": "col"],
                column.title
            )
        }
        return .tag(
            "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption],
            [
                .tag(
                    "table", [:],
                    [
                        .tag("thead", [:], [.tag("tr", [:], head)]), .tag("tbody", [:], rows),
                    ]
                )
            ]
        )
    }

    private static func cell(_ cell: Cell) -> HTML {
        switch cell {
        case .text(let text): .tag("td", ["class": "l"], text)
        case .number(let text): .tag("td", [:], text)
        case .long(let text): .tag("td", ["class": "l k"], text)
        case .node(let index, let name):
            .tag(
                "td", ["class": "l"],
                [
                    .tag(
                        "span", ["class": "key \(PageStyle.nodeClass(index))"],
                        String(Paint.letter(index))
                    ),
                    .text(name),
                ]
            )
        case .bar(let part, let mark, let node):
            .tag("td", ["class": "wide"], [BarPicture.bar(part, mark: mark, node: node)])
        }
    }
}
