import HengeNode
import HengeRing
import NIOCore

/// The reports, as `henge report` shows them.
extension AdminEndpoint {
    static let reports: [AdminEndpoint] = [
        AdminEndpoint(
            method: .get,
            path: "/reports/distribution",
            name: "DistributionReport",
            summary: "Where the keys of the cluster lie, and what explains it; docs/reports.md.",
            parameters: [sample(from: 0, ClusterReporter.sampleDefault)],
            reply: .record([
                "keys": .count, "bytes": .count, "efficiency": .double, "exact": .flag,
                "nodes": .list(.anything), "partitions": .list(.anything),
                "findings": .list(.anything),
            ]),
            asksOthers: true,
            run: { request, node in
                let sample = try sample(request, from: 0, ClusterReporter.sampleDefault)
                return try await node.waiting { driver, promise in
                    driver.reporter.distribution(sample: sample) { promise.succeed($0) }
                }
            }
        ),
        records(.siblings, "SiblingsReport", "The keys with the most siblings."),
        records(.sizes, "SizesReport", "The largest objects."),
        AdminEndpoint(
            method: .get,
            path: "/reports/hotkeys",
            name: "HotKeysReport",
            summary: "The keys and partitions that clients ask this node for most.",
            parameters: [
                Parameter(
                    name: "window",
                    summary: "How far back; start: since the node's start.",
                    schema: .oneOf(Heat.Window.allCases.map(\.rawValue))
                ),
                Parameter(
                    name: "count",
                    summary: "How many keys to list; 20 unless it is said.",
                    schema: .number(in: hotKeys)
                ),
            ],
            reply: .record(["node": .text, "counting": .flag]),
            run: { request, node in
                let name = request.parameter("window") ?? Heat.Window.minute.rawValue
                guard let window = Heat.Window(rawValue: name) else {
                    throw AdminFailure(.badRequest, "'window' must be minute, hour or start")
                }
                let count = try request.integer("count", in: hotKeys) ?? 20
                return try await node.onLoop { driver in
                    HotKeysReport(
                        node: driver.name(of: driver.node),
                        heat: driver.figures.heat.sum(window),
                        window: window,
                        count: count,
                        now: driver.now
                    ).tree
                }
            }
        ),
        AdminEndpoint(
            method: .get,
            path: "/reports/hints",
            name: "HintsReport",
            summary: "What this node keeps for others that missed it.",
            reply: .record(["node": .text, "paused": .flag, "targets": .list(.anything)]),
            run: { _, node in try await node.onLoop { HintsReport($0).tree } }
        ),
        AdminEndpoint(
            method: .get,
            path: "/reports/entropy",
            name: "EntropyReport",
            summary: "How long ago this node's replicas were found or made equal to the others'.",
            reply: .record([
                "node": .text, "ready": .flag, "unverified": .count,
                "ranges": .list(.list(.numberOrNull)),
            ]),
            run: { _, node in try await node.onLoop { EntropyReport($0).tree } }
        ),
    ]

    private static let hotKeys = 0...500

    private static func records(
        _ kind: RecordReply.Kind,
        _ name: String,
        _ summary: String
    ) -> AdminEndpoint {
        AdminEndpoint(
            method: .get,
            path: "/reports/\(kind.rawValue)",
            name: name,
            summary: summary,
            parameters: [sample(from: 1, ClusterReporter.searchDefault)],
            reply: .record([
                "report": .text, "keys": .count, "looked_at": .count, "of": .count,
                "exact": .flag, "records": .list(.anything), "histogram": .list(.anything),
            ]),
            asksOthers: true,
            run: { request, node in
                let sample = try sample(request, from: 1, ClusterReporter.searchDefault)
                return try await node.waiting { driver, promise in
                    driver.reporter.survey(
                        sample: sample,
                        // The other partitions have none.
                        where: { kind == .sizes || $0.siblings > 0 }
                    ) { promise.succeed(RecordReply(kind, $0).tree) }
                }
            }
        )
    }

    private static func sample(from least: Int, _ usual: Int) -> Parameter {
        Parameter(
            name: "sample",
            summary: "Records to look at, over all nodes; \(usual) unless it is said.",
            schema: .number(in: least...ClusterReporter.sampleMax)
        )
    }

    private static func sample(
        _ request: AdminRequest,
        from least: Int,
        _ usual: Int
    ) throws(AdminFailure) -> Int {
        try request.integer("sample", in: least...ClusterReporter.sampleMax) ?? usual
    }
}
