/// A curve of block characters, one a value.
package enum Sparkline {
    private static let eighths = Array("▁▂▃▄▅▆▇█")

    /// - Parameter values: from the oldest; what is no number of 0 or more is drawn as a gap.
    package static func text(_ values: some Collection<Double>) -> String {
        let most = values.filter(\.isFinite).max() ?? 0
        return String(
            values.map { value -> Character in
                guard value.isFinite, value >= 0 else { return " " }
                guard most > 0 else { return eighths[0] }
                return eighths[min(7, Int(value / most * 8))]
            }
        )
    }
}
