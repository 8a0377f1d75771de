/// What `henge bench` says about a measurement.
package struct LoadReport: Sendable {
    private let result: LoadResult
    private let all: LatencySummary
    private let reads: LatencySummary?
    private let writes: LatencySummary?
    private let load: LoadDescription?
    private let comparison: LoadComparison?

    /// - Parameters:
    ///   - load: what `result` is of.
    ///   - earlier: a run of the same load to set beside it.
    package init(
        _ result: LoadResult,
        of load: LoadDescription? = nil,
        beside earlier: EarlierRun? = nil
    ) {
        self.result = result
        self.load = load
        let latencies = result.latencies
        all = LatencySummary(latencies.all)
        let isMixed = latencies.reads.totalCount > 0 && latencies.writes.totalCount > 0
        reads = isMixed ? LatencySummary(latencies.reads) : nil
        writes = isMixed ? LatencySummary(latencies.writes) : nil
        let summary = all
        comparison = load.flatMap { load in
            earlier.map {
                LoadComparison(rate: result.rate, latency: summary, load: load, with: $0)
            }
        }
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
        if let load { fields.append(.init("load", load.json)) }
        if let comparison { fields.append(.init("compared", comparison.json)) }
        return .object(fields)
    }

    package func lines(color: Bool = false) -> [String] {
        let seconds = Wording.decimal(result.seconds, places: 2)
        var lines = [
            "\(Wording.grouped(result.operations)) operations in \(seconds) s, "
                + "\(Wording.grouped(Int(result.rate.rounded()))) a second"
        ]
        var table = Table(
            [.init("latency ms")] + LatencySummary.fields.map { .init($0.name, .right) }
        )
        table.add(Self.cells("all", all))
        if let reads { table.add(Self.cells("reads", reads)) }
        if let writes { table.add(Self.cells("writes", writes)) }
        lines += table.lines(color: color)
        lines += warnings
        if let comparison { lines += [""] + comparison.lines(color: color) }
        return lines
    }

    /// What the figures do not tell.
    private var warnings: [String] {
        var lines: [String] = []
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

    private static func cells(_ title: String, _ summary: LatencySummary) -> [Painted] {
        [Painted(title, .bold)]
            + LatencySummary.fields.map {
                Painted(Wording.decimal(summary[keyPath: $0.field], places: 3))
            }
    }

    private static func json(_ summary: LatencySummary) -> JSON {
        .object(
            LatencySummary.fields.map { .init($0.name, .number(summary[keyPath: $0.field])) }
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
