import ArgumentParser

/// How a report is printed.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json, html
}

/// Options of every report.
struct ReportOptions: ParsableArguments {
    @Option(help: "text, json or html; html is one page that needs nothing else.")
    var format = ReportFormat.text

    @Flag(help: "The same as --format json.")
    var json = false

    /// Prints the one that is asked for; the others are not made.
    func print(
        text: (_ color: Bool) -> [String],
        json makeJSON: () -> JSON,
        html: () -> HTMLPage
    ) {
        switch json ? .json : format {
        case .text: Output.lines(text(Output.usesColor))
        case .json: Output.json(makeJSON())
        case .html: Output.line(html().text)
        }
    }
}
