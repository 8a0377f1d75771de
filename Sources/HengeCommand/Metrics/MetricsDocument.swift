import HengeServer

/// The registry of metrics as a document.
package enum MetricsDocument {
    /// `docs/metrics.md`.
    package static let lines: [String] = {
        var out = [
            "# Metrics",
            "",
            "Written by `make docs` from the registry of metrics: change that, not this page.",
            "",
            "A node that is started with `--http` serves its metrics at `/metrics` in the text "
                + "format of Prometheus. For Prometheus:",
            "",
            "```yaml",
            "scrape_configs:",
            "  - job_name: henge",
            "    static_configs:",
            "      - targets: [\"127.0.0.1:8401\", \"127.0.0.1:8402\", \"127.0.0.1:8403\"]",
            "```",
            "",
            "[cluster/grafana/henge.json](../cluster/grafana/henge.json) is a dashboard of all "
                + "that follows, for Grafana to import.",
            "",
            "Counters rise from the start of the node. Histograms are of times, in buckets that "
                + "end at 64 µs, 96 µs, 128 µs and so on,",
            "two an octave, up to 17 s. A metric whose value is not known is absent.",
        ]
        for group in MetricRegistry.groups { out += lines(of: group) }
        return out
    }()

    private static func lines(of group: MetricGroup) -> [String] {
        var out = ["", "## \(group.title)", "", group.about, ""]
        out += ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"]
        for metric in group.panels.flatMap(\.metrics) {
            let labels = metric.labels.map { "`\($0)`" }.joined(separator: " ")
            out.append(
                "| `\(metric.name)` | \(metric.kind.rawValue) | \(labels) | \(metric.help) |")
        }
        return out
    }

    package static let json: JSON = .array(
        MetricRegistry.groups.flatMap { group in
            group.panels.flatMap(\.metrics).map { metric in
                JSON.object(
                    ("name", .string(metric.name)), ("type", .string(metric.kind.rawValue)),
                    ("unit", .string(metric.unit.rawValue)),
                    ("labels", .array(metric.labels.map { .string($0) })),
                    ("help", .string(metric.help)), ("group", .string(group.title))
                )
            }
        }
    )
}
