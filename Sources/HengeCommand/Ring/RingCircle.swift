/// The ring as a circle of letters, one a node; position 0 is at the top and positions rise
/// clockwise.
///
/// A circle has fewer places than a ring has positions: each place shows who claims the position
/// there.
package struct RingCircle: Sendable {
    /// Rows from the middle to the top; a character is about twice as high as wide.
    private let radius: Int
    private let places: [Place]

    private struct Place {
        var row: Int
        var column: Int
    }

    /// - Parameter radius: in rows, 4 to 40.
    package init(radius: Int = 9) {
        self.radius = radius
        places = Self.places(radius: radius)
    }

    /// How many places the circle has.
    package var count: Int { places.count }

    /// - Parameter labels: lines for the middle of the circle; those that don't fit are cut.
    package func lines(_ ring: RingView, labels: [Painted], color: Bool) -> [String] {
        let width = radius * 4 + 2
        var grid = [[Painted]](
            repeating: [Painted](repeating: " ", count: width),
            count: radius * 2 + 1
        )
        for (index, place) in places.enumerated() where !ring.owners.isEmpty {
            let owner = ring.owners[index * ring.owners.count / places.count]
            grid[place.row][place.column] = Painted(
                String(Paint.letter(owner)),
                color ? .nodeFill(owner) : .plain
            )
        }
        let first = radius - labels.count / 2
        for (offset, label) in labels.enumerated() where grid.indices.contains(first + offset) {
            write(label, into: &grid[first + offset], width: width)
        }
        return grid.map { row in
            let line = row.map { $0.rendered(color: color) }.joined()
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }

    /// Two rings side by side, each with its labels.
    package func pair(
        _ left: (ring: RingView, labels: [Painted]),
        _ right: (ring: RingView, labels: [Painted]),
        color: Bool
    ) -> [String] {
        let plain = lines(left.ring, labels: left.labels, color: false)
        let first = lines(left.ring, labels: left.labels, color: color)
        let second = lines(right.ring, labels: right.labels, color: color)
        let width = radius * 4 + 6
        return first.indices.map { row in
            let gap = String(repeating: " ", count: max(0, width - plain[row].count))
            return second[row].isEmpty ? first[row] : first[row] + gap + second[row]
        }
    }

    private func write(_ label: Painted, into row: inout [Painted], width: Int) {
        let room = width - 10
        let text = Array(label.text.prefix(room))
        let start = (width - text.count) / 2
        for (offset, character) in text.enumerated() {
            row[start + offset] = Painted(String(character), label.paint)
        }
    }

    /// The cells that a circle crosses, clockwise from the top, each once.
    private static func places(radius: Int) -> [Place] {
        var cells: [Place] = []
        // No trigonometry: is the middle of the cell within half a row of the circle?
        for row in 0...(radius * 2) {
            for column in 0...(radius * 4 + 1) {
                let y = Double(row - radius)
                let x = (Double(column) - Double(radius) * 2 - 0.5) / 2
                let distance = (x * x + y * y).squareRoot()
                if abs(distance - Double(radius)) < 0.5 {
                    cells.append(Place(row: row, column: column))
                }
            }
        }
        return cells.sorted { turn($0, radius) < turn($1, radius) }
    }

    /// Rises clockwise from the top, 0 to 4; not an angle, but in the same order.
    private static func turn(_ place: Place, _ radius: Int) -> Double {
        let x = (Double(place.column) - Double(radius) * 2 - 0.5) / 2
        let y = Double(radius - place.row)
        let reach = abs(x) + abs(y)
        let slope = reach == 0 ? 0 : x / reach
        return x >= 0 ? (y >= 0 ? slope : 2 - slope) : (y < 0 ? 2 - slope : 4 + slope)
    }
}
