/// What is wrong with a command line, in one line, from the several of the argument parser.
package struct UsageMessage: Sendable {
    package let text: String

    /// - Parameter full: such as `Error: Missing …`, `Help: …`, `Usage: …`, `  See 'henge get
    ///   --help' …`.
    package init(_ full: String) {
        let lines = full.split(separator: "\n").map(String.init)
        var reason = lines.first ?? full
        if reason.hasPrefix("Error: ") { reason.removeFirst("Error: ".count) }
        while let last = reason.last, last == "." || last == " " { reason.removeLast() }
        let hint = lines.last { $0.contains("See '") }?.split(separator: "'")
        let command = hint.flatMap { $0.count > 1 ? String($0[1]) : nil } ?? "henge --help"
        text = "\(reason); see \(command)"
    }
}
