/// Rows under titles, in columns as wide as their widest cell.
package struct Table: Sendable {
    package enum Alignment: Sendable { case left, right }

    package struct Column: Sendable {
        package var title: String
        package var alignment: Alignment

        package init(_ title: String, _ alignment: Alignment = .left) {
            self.title = title
            self.alignment = alignment
        }
    }

    private let columns: [Column]
    private var rows: [[Painted]] = []
    private static let gap = "  "

    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row; cells that it lacks are empty.
    package mutating func add(_ cells: [Painted]) {
        let missing = max(0, columns.count - cells.count)
        rows.append(Array(cells.prefix(columns.count)) + Array(repeating: "", count: missing))
    }

    package func lines(color: Bool) -> [String] {
        let widths = columns.indices.map { index in
            rows.reduce(columns[index].title.count) { max($0, $1[index].text.count) }
        }
        let header = columns.map { Painted($0.title, .faint) }
        return ([header] + rows).map { cells in
            var line = ""
            for (index, cell) in cells.enumerated() {
                if index > 0 { line += Self.gap }
                let padding = String(repeating: " ", count: widths[index] - cell.text.count)
                let text = cell.rendered(color: color)
                let isLast = index == cells.count - 1
                switch columns[index].alignment {
                case .left: line += isLast ? text : text + padding
                case .right: line += padding + text
                }
            }
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
