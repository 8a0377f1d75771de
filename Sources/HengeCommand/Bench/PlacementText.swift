package import HengeRing

/// What `henge bench placement` prints.
package enum PlacementText {
    /// Efficiencies at one size of metadata, over several draws.
    package struct Efficiencies: Sendable {
        package var entries: Int
        package var samples: [PlacementStrategies.Sample]
        package var most: Double

        package init(entries: Int, samples: [PlacementStrategies.Sample], most: Double) {
            self.entries = entries
            self.samples = samples
            self.most = most
        }

        fileprivate func values(
            _ strategy: KeyPath<PlacementStrategies.Sample, Double>
        ) -> (mean: Double, least: Double) {
            let values = samples.map { $0[keyPath: strategy] }
            return (values.reduce(0, +) / Double(max(1, values.count)), values.min() ?? 0)
        }
    }

    package static func lines(
        _ tallies: [(name: String, tally: PlacementTally)],
        color: Bool
    ) -> [String] {
        var table = Table([
            .init("change"), .init("changes", .right), .init("moves / least", .right),
            .init("p99", .right), .init("max", .right), .init("share off by", .right),
            .init("not spaced", .right), .init("zones not", .right),
            .init("transfers / move", .right), .init("/ least", .right),
            .init("replica sets", .right), .init("ms", .right), .init("max", .right),
        ])
        for (name, tally) in tallies {
            table.add([
                Painted(name, .bold), Painted(Wording.grouped(tally.changes)),
                ratio(tally.ratioMean), ratio(tally.ratio(0.99)), ratio(tally.ratio(1)),
                Painted(Wording.decimal(tally.shareDeviation, places: 3)),
                spread(tally.spacing), spread(tally.zones),
                Painted(Wording.decimal(tally.replicaMovesPerMove, places: 2)),
                ratio(
                    tally.replicaMovesLeast > 0
                        ? Double(tally.replicaMoves) / Double(tally.replicaMovesLeast) : nil
                ),
                Painted(Wording.grouped(Int(tally.replicaSetsMean))),
                Painted(Wording.decimal(tally.millisecondsMean, places: 1)),
                Painted(Wording.decimal(tally.millisecondsMax, places: 0)),
            ])
        }
        return table.lines(color: color) + [
            "",
            "share off by: vnodes, the worst node. not spaced, zones not: rings with windows short",
            "of a node or zone / rings whose shares let all windows have them.",
        ]
    }

    package static func json(_ tally: PlacementTally) -> JSON {
        .object(
            ("changes", .integer(tally.changes)),
            ("moves", .integer(tally.moves)),
            ("moves_least", .integer(tally.movesLeast)),
            ("ratio_mean", number(tally.ratioMean)),
            ("ratio_p99", number(tally.ratio(0.99))),
            ("ratio_max", number(tally.ratio(1))),
            ("share_deviation_max", .number(tally.shareDeviation)),
            ("spacing", json(tally.spacing)),
            ("zones", json(tally.zones)),
            ("replica_moves", .integer(tally.replicaMoves)),
            ("replica_moves_least", .integer(tally.replicaMovesLeast)),
            ("replica_sets_mean", .number(tally.replicaSetsMean)),
            ("ms_mean", .number(tally.millisecondsMean)),
            ("ms_max", .number(tally.millisecondsMax))
        )
    }

    package static func lines(_ efficiencies: [Efficiencies], color: Bool) -> [String] {
        var table = Table([
            .init("entries", .right), .init("strategy 1", .right), .init("least", .right),
            .init("strategy 2", .right), .init("least", .right), .init("strategy 3", .right),
            .init("least", .right), .init("henge", .right), .init("best possible", .right),
        ])
        for row in efficiencies {
            let one = row.values(\.randomTokens)
            let two = row.values(\.randomTokensEqualPartitions)
            let three = row.values(\.equalShares)
            table.add([
                Painted(Wording.grouped(row.entries), .bold),
                ratio(one.mean), ratio(one.least), ratio(two.mean), ratio(two.least),
                ratio(three.mean), ratio(three.least), ratio(row.values(\.henge).least),
                ratio(row.most),
            ])
        }
        return table.lines(color: color)
    }

    package static func json(_ row: Efficiencies) -> JSON {
        func values(_ strategy: KeyPath<PlacementStrategies.Sample, Double>) -> JSON {
            let (mean, least) = row.values(strategy)
            return .object(("mean", .number(mean)), ("least", .number(least)))
        }
        return .object(
            ("entries", .integer(row.entries)),
            ("draws", .integer(row.samples.count)),
            ("strategy_1", values(\.randomTokens)),
            ("strategy_2", values(\.randomTokensEqualPartitions)),
            ("strategy_3", values(\.equalShares)),
            ("henge", .number(row.values(\.henge).least)),
            ("best_possible", .number(row.most))
        )
    }

    private static func ratio(_ value: Double?) -> Painted {
        Painted(value.map { Wording.decimal($0, places: 3) } ?? "–")
    }

    private static func spread(_ spread: PlacementTally.Spread) -> Painted {
        Painted("\(Wording.grouped(spread.missed)) / \(Wording.grouped(spread.possible))")
    }

    private static func json(_ spread: PlacementTally.Spread) -> JSON {
        .object(
            ("possible", .integer(spread.possible)),
            ("missed", .integer(spread.missed)),
            ("windows", .integer(spread.windows))
        )
    }

    private static func number(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
}
