import Dispatch
import Foundation
import HengeCommand
import HengeServer
import Testing

@Suite struct MetricsDocumentTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private func file(_ path: String) throws -> String {
        try String(contentsOf: Self.repository.appending(path: path), encoding: .utf8)
    }

    @Test("docs/metrics.md is what the registry says; if not: make docs")
    func document() throws {
        let text = MetricsDocument.lines.joined(separator: "\n") + "\n"
        #expect(try file("docs/metrics.md") == text)
    }

    @Test("the dashboard is what the registry says; if not: make docs")
    func dashboard() throws {
        let text = GrafanaDashboard.json.prettyText + "\n"
        #expect(try file("cluster/grafana/henge.json") == text)
    }

    @Test("the dashboard is JSON, and each metric is asked for in some panel, within the width")
    func panels() throws {
        let data = Data(GrafanaDashboard.json.prettyText.utf8)
        let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let top = try #require(root["panels"] as? [[String: Any]])
        let panels = top + top.flatMap { $0["panels"] as? [[String: Any]] ?? [] }
        var expressions: [String] = []
        var ids: Set<Int> = []
        for panel in panels {
            let id = try #require(panel["id"] as? Int)
            #expect(ids.insert(id).inserted, "panel \(id)")
            let place = try #require(panel["gridPos"] as? [String: Int])
            #expect((place["x"] ?? 0) + (place["w"] ?? 99) <= 24)
            for target in panel["targets"] as? [[String: Any]] ?? [] {
                expressions.append(try #require(target["expr"] as? String))
            }
        }
        for metric in MetricRegistry.all {
            let suffix = metric.kind == .histogram ? "_bucket{" : "{"
            let isAsked = expressions.contains { $0.contains(metric.name + suffix) }
            #expect(isAsked, "\(metric.name)")
        }
    }

    @Test("pretty JSON is the same value over several lines")
    func pretty() {
        let value = JSON.object(
            ("a", .array([.integer(1), .null])), ("b", .object([])), ("c", .array([]))
        )
        #expect(
            value.prettyText == """
                {
                  "a": [
                    1,
                    null
                  ],
                  "b": {},
                  "c": []
                }
                """
        )
    }
}

@Suite struct StalenessTableTests {
    @Test("the simulation finds what the paper found, for each of its fits")
    func paper() async {
        // At 99.9 % it is the far tails that count, of fits that are rounded in print: t comes out
        // up to an eighth longer than printed, the rest within a twelfth.
        for line in await Self.table(trials: 500_000).rows {
            let what = "\(line.fit.name) R=\(line.row.reads) W=\(line.row.writes): \(line)"
            #expect(isNear(line.readTime, line.row.readTime, within: 0.05), "\(what)")
            #expect(isNear(line.writeTime, line.row.writeTime, within: 0.09), "\(what)")
            #expect(isNear(line.freshTime, line.row.freshTime, within: 0.17), "\(what)")
            if line.row.reads == 1, line.row.writes == 1 {
                #expect(abs(line.freshAtOnce - line.fit.freshAtOnce) < 0.01, "\(what)")
            }
            if line.row.reads + line.row.writes > 3 { #expect(line.freshAtOnce == 1, "\(what)") }
        }
    }

    /// On a thread of its own: seconds of arithmetic would hold up tests that wait for real time.
    private static func table(trials: Int) async -> StalenessTable {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "staleness").async {
                continuation.resume(returning: StalenessTable(trials: trials, seed: 1))
            }
        }
    }

    private func isNear(_ found: Double, _ printed: Double, within part: Double) -> Bool {
        abs(found - printed) <= max(printed * part, 0.02)
    }

    @Test("it prints a row a fit, R and W, and the same in JSON")
    func texts() {
        let table = StalenessTable(trials: 1_000, seed: 1)
        #expect(table.rows.count == 24)
        #expect(table.json.text.hasPrefix(#"[{"fit":"LNKD-SSD","r":1,"w":1,"read_ms":"#))
    }
}
