import ArgumentParser
import HengeServer

/// `henge metrics`
struct MetricsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Describe the metrics of a node, and simulate staleness.",
        discussion: """
            The metrics themselves are at /metrics of a node's HTTP address, as text for Prometheus.

            Example: henge metrics describe
            """,
        subcommands: [MetricsDescribeCommand.self, MetricsStalenessCommand.self]
    )
}

/// `henge metrics describe`
struct MetricsDescribeCommand: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case markdown
        case json
        case grafana
    }

    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Print what metrics there are.",
        discussion: """
            docs/metrics.md and cluster/grafana/henge.json are what this prints as markdown and as
            grafana, a dashboard to import.

            JSON: [{"name","type","unit","labels","help","group"}].

            Example: henge metrics describe --format json
            """
    )

    @Option(help: "markdown, json, or grafana for a dashboard.")
    var format = Format.markdown

    func run() async throws {
        switch format {
        case .markdown: Output.lines(MetricsDocument.lines)
        case .json: Output.json(MetricsDocument.json)
        case .grafana: Output.line(GrafanaDashboard.json.prettyText)
        }
    }
}
