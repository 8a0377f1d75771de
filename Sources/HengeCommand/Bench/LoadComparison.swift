/// A run beside an earlier one of the same load.
package struct LoadComparison: Sendable {
    private struct Row {
        var name: String
        var here: Double
        var there: Double?
        var places: Int

        /// Nil where the earlier run has no figure, or 0.
        var ratio: Double? { there.flatMap { $0 > 0 ? here / $0 : nil } }
    }

    private let rate: Row
    private let latencies: [Row]
    private let variations: [LoadDescription.Difference]
    private let errors: Int

    package init(
        rate: Double,
        latency: LatencySummary,
        load: LoadDescription,
        with earlier: EarlierRun
    ) {
        self.rate = Row(name: "a second", here: rate, there: earlier.rate, places: 0)
        latencies = LatencySummary.fields.map { name, field in
            Row(name: name, here: latency[keyPath: field], there: earlier.latency[name], places: 3)
        }
        variations = load.variations(from: earlier.load)
        errors = earlier.errors
    }

    package var json: JSON {
        .object(
            ("rate_ratio", Self.json(rate.ratio)),
            ("latency_ratio", .object(latencies.map { .init($0.name, Self.json($0.ratio)) })),
            (
                "differs",
                .object(
                    variations.map {
                        .init(
                            $0.name,
                            .object(("here", .string($0.here)), ("there", .string($0.there)))
                        )
                    }
                )
            )
        )
    }

    package func lines(color: Bool) -> [String] {
        var table = Table([
            .init("beside the earlier run"), .init("this", .right), .init("earlier", .right),
            .init("ratio", .right),
        ])
        for row in [rate] + latencies {
            table.add([
                Painted(row.name, .bold), Painted(Self.text(row.here, row.places)),
                Painted(row.there.map { Self.text($0, row.places) } ?? "–"),
                Painted(row.ratio.map { Wording.decimal($0, places: 2) } ?? "–"),
            ])
        }
        var lines = table.lines(color: color)
        lines += variations.map { "differs: \($0)" }
        if errors > 0 { lines.append("the earlier run had \(Wording.grouped(errors)) errors") }
        return lines
    }

    private static func text(_ value: Double, _ places: Int) -> String {
        places == 0
            ? Wording.grouped(Int(value.rounded())) : Wording.decimal(value, places: places)
    }

    private static func json(_ ratio: Double?) -> JSON {
        ratio.map { .number(($0 * 1000).rounded() / 1000) } ?? .null
    }
}
