/// What `henge bench` says about a measurement.
package struct LoadReport: Sendable {
    private let result: LoadResult
    private let all: LatencySummary
    private let reads: LatencySummary?
    private let writes: LatencySummary?

    package init(_ result: LoadResult) {
        self.result = result
        let latencies = result.latencies
        all = LatencySummary(latencies.all)
        let isMixed = latencies.reads.totalCount > 0 && latencies.writes.totalCount > 0
        reads = isMixed ? LatencySummary(latencies.reads) : nil
        writes = isMixed ? LatencySummary(latencies.writes) : nil
    }

    package var json: JSON {
        var fields: [JSON.Field] = [
            .init("operations", .integer(result.operations)),
            .init("errors", .integer(result.errors.count)),
            .init("seconds", .number(Self.rounded(result.seconds))),
            .init("rate", .number(Self.rounded(result.rate))),
            .init("latency_ms", Self.json(all)),
            .init("overloaded", .integer(result.errors.overloaded)),
            .init("offered", .integer(result.offered)),
            .init("goodput_share", .number(Self.rounded(result.goodputShare))),
            .init("misses", .integer(result.misses)),
            .init("unsent", .integer(result.unsent)),
            .init("errors_by_code", .object(result.errors.entries.map(Self.json))),
        ]
        if let reads { fields.append(.init("read_latency_ms", Self.json(reads))) }
        if let writes { fields.append(.init("write_latency_ms", Self.json(writes))) }
        return .object(fields)
    }

    package var lines: [String] {
        let seconds = Wording.decimal(result.seconds, places: 2)
        var lines = [
            "\(Wording.grouped(result.operations)) operations in \(seconds) s, "
                + "\(Wording.grouped(Int(result.rate.rounded()))) a second",
            Self.line("latency ms", all),
        ]
        if let reads { lines.append(Self.line("  of reads", reads)) }
        if let writes { lines.append(Self.line("  of writes", writes)) }
        if result.misses > 0 {
            lines.append(
                "\(Wording.grouped(result.misses)) reads found nothing; --populate fills the keys"
            )
        }
        if result.unsent > 0 {
            lines.append(
                "\(Wording.grouped(result.unsent)) operations came due and were not sent in time")
        }
        if result.errors.overloaded > 0 {
            lines.append(
                "\(Wording.grouped(result.errors.overloaded)) refused as OVERLOADED; of "
                    + "\(Wording.grouped(result.offered)) offered "
                    + "\(Wording.percent(result.goodputShare)) were done"
            )
        }
        for entry in result.errors.entries where entry.code != ErrorTally.overloadedCode {
            let text = Wording.printable(entry.text)
            lines.append("\(Wording.grouped(entry.count)) errors \(entry.code), the first: \(text)")
        }
        return lines
    }

    private static func line(_ title: String, _ summary: LatencySummary) -> String {
        let cells = [
            ("p50", summary.p50), ("p90", summary.p90), ("p99", summary.p99),
            ("p99.9", summary.p999), ("max", summary.max),
        ]
        return cells.reduce(title) { $0 + "  \($1.0) \(Wording.decimal($1.1, places: 3))" }
    }

    private static func json(_ summary: LatencySummary) -> JSON {
        .object(
            ("mean", .number(summary.mean)),
            ("p50", .number(summary.p50)),
            ("p90", .number(summary.p90)),
            ("p99", .number(summary.p99)),
            ("p99.9", .number(summary.p999)),
            ("max", .number(summary.max))
        )
    }

    private static func json(_ entry: ErrorTally.Entry) -> JSON.Field {
        .init(
            entry.code,
            .object(("count", .integer(entry.count)), ("first", .string(entry.text)))
        )
    }

    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
