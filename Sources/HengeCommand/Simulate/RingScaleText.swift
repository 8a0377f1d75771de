import HengeBase
import HengeSimulator

/// What `henge simulate ring` prints.
package enum RingScaleText {
    package static func lines(_ results: [RingScale], color: Bool) -> [String] {
        var table = Table([.init("", .left)] + results.map { .init(title($0), .right) })
        func row(_ name: String, _ value: (RingScale) -> String) {
            table.add([Painted(name)] + results.map { Painted(value($0), .bold) })
        }
        row("nodes, partitions") {
            "\(Wording.grouped($0.nodes)), \(Wording.grouped($0.partitions))"
        }
        row("plan") { milliseconds($0.planMs) }
        row("document: before the change") { Wording.grouped($0.documentBytes) + " B" }
        row("  while it runs") { Wording.grouped($0.changingBytes) + " B" }
        row("  what each node is sent in its place") { Wording.grouped($0.deltaBytes) + " B" }
        row("a node's work: apply that") { milliseconds($0.applyMs) }
        row("  encode for the disk") { milliseconds($0.encodeMs) }
        row("  new snapshot for the shard") { milliseconds($0.snapshotMs) }
        row("memory of a snapshot: before the change") { Wording.bytes($0.memory) }
        row("  while it runs") { Wording.bytes($0.changingMemory) }
        row("epochs of the change") { Wording.grouped($0.report?.epochs.count ?? 0) }
        row("  from the first to the last node: mean") { spread($0, \.mean) }
        row("  most") { spread($0, \.most) }
        row("the whole change") { Wording.decimal($0.report?.time.seconds ?? 0, places: 1) + " s" }
        row("elections: sent a node") { bytes($0) { $0.electionBytes } }
        row("  by the one that sent most") { Wording.bytes($0.report?.electionBytesMax ?? 0) }
        row("  whole documents in it") { Wording.grouped($0.report?.documents ?? 0) }
        row("reports: sent a node") { bytes($0) { $0.reportBytes } }
        row("  by the one that sent most") { Wording.bytes($0.report?.reportBytesMax ?? 0) }
        return table.lines(color: color)
    }

    package static func json(_ result: RingScale) -> JSON {
        .object(
            ("change", .string(result.change.rawValue)),
            ("nodes", .integer(result.nodes)),
            ("partitions", .integer(result.partitions)),
            ("plan_ms", .number(result.planMs)),
            ("document_bytes", .integer(result.documentBytes)),
            ("changing_document_bytes", .integer(result.changingBytes)),
            ("delta_bytes", .integer(result.deltaBytes)),
            ("apply_ms", .number(result.applyMs)),
            ("encode_ms", .number(result.encodeMs)),
            ("snapshot_ms", .number(result.snapshotMs)),
            ("snapshot_bytes", .integer(result.memory)),
            ("changing_snapshot_bytes", .integer(result.changingMemory)),
            ("has_ended", .boolean(result.hasEnded)),
            ("epochs", .array((result.report?.epochs ?? []).map(epoch))),
            ("seconds", .number(result.report?.time.seconds ?? 0)),
            ("election_bytes", .integer(result.report?.electionBytes ?? 0)),
            ("election_bytes_max", .integer(result.report?.electionBytesMax ?? 0)),
            ("documents_sent", .integer(result.report?.documents ?? 0)),
            ("report_bytes", .integer(result.report?.reportBytes ?? 0)),
            ("report_bytes_max", .integer(result.report?.reportBytesMax ?? 0)),
            ("reports", .integer(result.report?.reports ?? 0))
        )
    }

    private static func epoch(_ epoch: RingSimulation.Epoch) -> JSON {
        .object(
            ("epoch", .integer(Int(epoch.epoch))),
            ("adopted", .integer(epoch.adopted)),
            ("spread_ms", .number(epoch.last.since(epoch.first).seconds * 1_000))
        )
    }

    private static func title(_ result: RingScale) -> String {
        switch result.change {
        case .node: "a node is added"
        case .vnode: "one vnode moves"
        }
    }

    private static func milliseconds(_ value: Double) -> String {
        Wording.decimal(value, places: 1) + " ms"
    }

    /// In rounds of gossip, and in milliseconds.
    private static func spread(_ result: RingScale, _ value: KeyPath<[Double], Double>) -> String {
        let times = (result.report?.epochs ?? []).map { $0.last.since($0.first).seconds }
        let seconds = times[keyPath: value]
        let rounds = Wording.decimal(seconds / result.interval.seconds, places: 2)
        return "\(rounds) rounds, \(Wording.decimal(seconds * 1_000, places: 0)) ms"
    }

    private static func bytes(
        _ result: RingScale,
        _ sum: (RingSimulation.Report) -> Int
    ) -> String {
        Wording.bytes((result.report.map(sum) ?? 0) / max(1, result.nodes))
    }
}

extension [Double] {
    fileprivate var mean: Double { isEmpty ? 0 : reduce(0, +) / Double(count) }
    fileprivate var most: Double { self.max() ?? 0 }
}
