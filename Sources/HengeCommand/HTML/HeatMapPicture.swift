/// Requests by token and time as inline SVG: a row for each stretch of tokens, a column for each
/// minute, the darker the more.
package enum HeatMapPicture {
    private static let rowsMax = 32
    /// An hour, so that a column is a minute wide whatever has been counted.
    private static let columnsMin = 60
    private static let left = 44.0
    private static let top = 4.0
    private static let width = 720.0
    private static let rowHeight = 9.0

    /// - Parameter minutes: by minute, the current one last, and by range of tokens.
    /// - Returns: nil where nothing is to be shown.
    package static func svg(_ minutes: [[Int]]) -> HTML? {
        let ranges = minutes.map(\.count).min() ?? 0
        let rows = min(rowsMax, ranges)
        guard rows > 0 else { return nil }
        let cells = minutes.map { minute in
            (0..<rows).map { row in
                minute[(row * ranges / rows)..<((row + 1) * ranges / rows)].reduce(0, +)
            }
        }
        guard let most = cells.joined().max(), most > 0 else { return nil }
        let columns = max(columnsMin, cells.count)
        let height = top + Double(rows) * rowHeight
        var parts: [HTML] = [
            .tag("title", [:], "Requests by token and minute, \(Wording.grouped(most)) at most"),
            frame(height: height - top),
        ]
        for row in stride(from: 0, to: rows, by: max(1, rows / 8)) {
            parts.append(text(token(row, of: rows), x: 0, y: top + Double(row) * rowHeight + 9))
        }
        for (ago, minute) in cells.reversed().enumerated() {
            for (row, count) in minute.enumerated() where count > 0 {
                parts.append(cell(count, of: most, row, rows, ago: ago, of: columns))
            }
        }
        let below = height + 15
        let step = width / Double(columns)
        for ago in stride(from: 0, to: columns, by: 10) {
            let x = left + (Double(columns - 1 - ago) + 0.5) * step
            let label = ago == 0 ? "now" : "−\(ago) min"
            parts.append(text(label, x: max(left, x - (ago == 0 ? 12 : 24)), y: below))
        }
        let picture = HTML.tag(
            "svg",
            [
                "class": "broad", "viewBox": "0 0 \(Int(left + width)) \(Int(below) + 6)",
                "role": "img",
            ],
            parts
        )
        return .tag(
            "div",
            ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Heat map"],
            [picture]
        )
    }

    private static func cell(
        _ count: Int,
        of most: Int,
        _ row: Int,
        _ rows: Int,
        ago: Int,
        of columns: Int
    ) -> HTML {
        let step = width / Double(columns)
        // By the root, so that what is a tenth of the most is still seen, and never as nothing.
        let shade = 0.12 + 0.88 * (Double(count) / Double(most)).squareRoot()
        let time = ago == 0 ? "this minute" : "\(ago) min ago"
        return .tag(
            "rect",
            [
                "class": "bar", "x": SVGNumber.text(left + Double(columns - 1 - ago) * step + 0.3),
                "y": SVGNumber.text(top + Double(row) * rowHeight + 0.3),
                "width": SVGNumber.text(step - 0.6), "height": SVGNumber.text(rowHeight - 0.6),
                "fill-opacity": Wording.decimal(shade, places: 2),
            ],
            [.tag("title", [:], "\(token(row, of: rows))…, \(time): \(Wording.grouped(count))")]
        )
    }

    private static func frame(height: Double) -> HTML {
        .tag(
            "rect",
            [
                "class": "axis", "fill": "none", "x": SVGNumber.text(left),
                "y": SVGNumber.text(top), "width": SVGNumber.text(width),
                "height": SVGNumber.text(height),
            ]
        )
    }

    private static func text(_ text: String, x: Double, y: Double) -> HTML {
        .tag("text", ["class": "soft", "x": SVGNumber.text(x), "y": SVGNumber.text(y)], text)
    }

    /// The first 12 bits of a row's first token.
    private static func token(_ row: Int, of rows: Int) -> String {
        let digits = String(row * 4096 / rows, radix: 16)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }
}
