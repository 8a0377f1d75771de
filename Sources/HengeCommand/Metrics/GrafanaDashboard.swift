import HengeServer

/// The registry of metrics as a dashboard of Grafana: a row a group, a panel as the registry says.
package enum GrafanaDashboard {
    /// Three panels side by side, of the 24 columns that a dashboard has.
    private static let panelWidth = 8
    private static let panelHeight = 7
    /// Rows beyond are folded.
    private static let openRows = 4

    /// `cluster/grafana/henge.json`.
    package static let json: JSON = .object(
        ("title", .string("Henge")), ("uid", .string("henge")),
        ("tags", .array([.string("henge")])), ("schemaVersion", .integer(39)),
        ("editable", .boolean(true)), ("graphTooltip", .integer(1)),
        ("refresh", .string("10s")), ("timezone", .string("browser")),
        ("time", .object(("from", .string("now-30m")), ("to", .string("now")))),
        ("templating", .object(("list", .array([source, instances])))),
        ("panels", .array(panels))
    )

    private static let source = JSON.object(
        ("name", .string("source")), ("type", .string("datasource")),
        ("label", .string("Data source")), ("query", .string("prometheus"))
    )

    private static let instances = JSON.object(
        ("name", .string("instance")), ("type", .string("query")), ("label", .string("Node")),
        ("datasource", datasource),
        ("query", .string("label_values(henge_node_info, instance)")),
        ("refresh", .integer(2)), ("multi", .boolean(true)), ("includeAll", .boolean(true)),
        ("current", .object(("text", .string("All")), ("value", .string("$__all"))))
    )

    private static let datasource = JSON.object(
        ("type", .string("prometheus")), ("uid", .string("${source}"))
    )

    private static let panels: [JSON] = {
        var out: [JSON] = []
        var id = 0
        var y = 0
        for (index, group) in MetricRegistry.groups.enumerated() {
            id += 1
            let rowID = id
            let rowY = y
            y += 1
            let isOpen = index < openRows
            var inside: [JSON] = []
            for (place, panel) in group.panels.enumerated() {
                id += 1
                let x = place % 3 * panelWidth
                inside.append(json(of: panel, id: id, x: x, y: y + place / 3 * panelHeight))
            }
            if isOpen { y += (group.panels.count + 2) / 3 * panelHeight }
            out.append(row(group.title, rowID, rowY, folded: isOpen ? [] : inside))
            if isOpen { out += inside }
        }
        return out
    }()

    private static func row(_ title: String, _ id: Int, _ y: Int, folded: [JSON]) -> JSON {
        .object(
            ("id", .integer(id)), ("type", .string("row")), ("title", .string(title)),
            ("collapsed", .boolean(!folded.isEmpty)), ("gridPos", position(0, y, 24, 1)),
            ("panels", .array(folded))
        )
    }

    private static func json(of panel: MetricPanel, id: Int, x: Int, y: Int) -> JSON {
        let targets = panel.metrics.flatMap { Self.targets(of: $0, among: panel.metrics.count) }
        let lettered = targets.enumerated().map { index, target in
            JSON.object(
                ("refId", .string("Q\(index)")), ("datasource", datasource),
                ("expr", .string(target.expression)), ("legendFormat", .string(target.legend))
            )
        }
        let help = panel.metrics.map { "`\($0.name)`: \($0.help)." }.joined(separator: "\n\n")
        let custom = JSON.object(("fillOpacity", .integer(8)), ("showPoints", .string("never")))
        let defaults = JSON.object(("unit", .string(unit(of: panel))), ("custom", custom))
        return .object(
            ("id", .integer(id)), ("type", .string("timeseries")), ("title", .string(panel.title)),
            ("description", .string(help)), ("datasource", datasource),
            ("gridPos", position(x, y, panelWidth, panelHeight)),
            ("fieldConfig", .object(("defaults", defaults), ("overrides", .array([])))),
            ("options", .object(("tooltip", .object(("mode", .string("multi")))))),
            ("targets", .array(lettered))
        )
    }

    private static func position(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> JSON {
        .object(
            ("x", .integer(x)), ("y", .integer(y)), ("w", .integer(width)),
            ("h", .integer(height))
        )
    }

    /// As Grafana calls it.
    private static func unit(of panel: MetricPanel) -> String {
        guard let first = panel.metrics.first else { return "short" }
        switch (first.unit, first.kind) {
        case (.none, .counter): return "ops"
        case (.none, _): return "short"
        case (.seconds, _): return "s"
        case (.bytes, .counter): return "Bps"
        case (.bytes, _): return "bytes"
        case (.ratio, _): return "percentunit"
        }
    }

    private static func targets(
        of metric: MetricDefinition,
        among count: Int
    ) -> [(expression: String, legend: String)] {
        let chosen = "{instance=~\"$instance\"}"
        let labels = metric.labels.map { "{{\($0)}}" }
        let name = count > 1 ? [short(metric.name)] : []
        switch metric.kind {
        case .gauge where metric.name == "process_start_time_seconds":
            return [("time() - \(metric.name)\(chosen)", "{{instance}}")]
        case .gauge:
            let legend = (["{{instance}}"] + name + labels).joined(separator: " ")
            return [(metric.name + chosen, legend)]
        case .counter:
            let by = metric.labels.isEmpty ? ["instance"] : metric.labels
            let sum = "sum by (\(by.joined(separator: ", ")))"
            let legend = (name + by.map { "{{\($0)}}" }).joined(separator: " ")
            return [("\(sum) (rate(\(metric.name)\(chosen)[$__rate_interval]))", legend)]
        case .histogram:
            let by = (["le"] + metric.labels).joined(separator: ", ")
            let rates = "sum by (\(by)) (rate(\(metric.name)_bucket\(chosen)[$__rate_interval]))"
            return ["0.5", "0.99"].map { quantile in
                let legend = ([quantile == "0.5" ? "p50" : "p99"] + labels).joined(separator: " ")
                return ("histogram_quantile(\(quantile), \(rates))", legend)
            }
        }
    }

    /// Without what all names have.
    private static func short(_ name: String) -> String {
        var name = name[...]
        if name.hasPrefix("henge_") { name = name.dropFirst(6) }
        if name.hasSuffix("_total") { name = name.dropLast(6) }
        return String(name).replacing("_", with: " ")
    }
}
