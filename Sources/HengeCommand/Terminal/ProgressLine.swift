/// A line that is drawn again and again on a terminal; elsewhere nothing is drawn.
struct ProgressLine {
    private let isShown = Output.isTerminal
    private var last = ""

    mutating func draw(_ text: String) {
        guard isShown, text != last else { return }
        last = text
        Output.bytes("\r\u{1B}[K\(text)".utf8)
    }

    /// Removes the line, so that other output takes its place.
    mutating func clear() {
        guard isShown, !last.isEmpty else { return }
        last = ""
        Output.bytes("\r\u{1B}[K".utf8)
    }
}
