/// Time as columns of a terminal: `├──┤` from a question to its answer, `◆` a moment, `┊` when the
/// client was answered.
struct ExplanationAxis: Sendable {
    private static let width = 32

    /// Of the last step.
    let endUs: Int
    let answerUs: Int?

    /// The scale, as long as the pictures are wide.
    var title: String {
        let end = ExplanationView.milliseconds(endUs) + " ms"
        let gap = max(1, Self.width - 1 - end.count)
        return "0" + String(repeating: " ", count: gap) + end
    }

    func picture(_ exchange: ExplanationExchange) -> String {
        var cells = [Character](repeating: " ", count: Self.width)
        if let answerUs { cells[column(answerUs)] = "┊" }
        let first = column(exchange.beganUs)
        guard exchange.isQuestion else {
            cells[first] = "◆"
            return String(cells)
        }
        guard let took = exchange.tookUs else {
            for index in first..<cells.count { cells[index] = "╌" }
            cells[first] = "├"
            return String(cells)
        }
        let last = column(exchange.beganUs + took)
        for index in first...max(first, last) { cells[index] = "─" }
        cells[first] = last > first ? "├" : "│"
        if last > first { cells[last] = exchange.end?.event == "loses" ? "✗" : "┤" }
        return String(cells)
    }

    private func column(_ us: Int) -> Int {
        guard endUs > 0 else { return 0 }
        return min(Self.width - 1, max(0, us * (Self.width - 1) / endUs))
    }
}
