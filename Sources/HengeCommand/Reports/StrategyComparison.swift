package import HengeRing
package import HengeServer

/// Dynamo's three partitioning strategies and Henge's placement, loaded with the same keys.
///
/// All nodes weigh the same here, and none has a zone, as in the paper's section 6.2.
package struct StrategyComparison: Sendable {
    package struct Row: Sendable {
        package let name: String
        package let title: String
        /// Over all draws.
        package let mean: Double
        package let least: Double
    }

    package static let draws = 20
    package let nodes: Int
    /// Of metadata: tokens or partitions.
    package let entries: Int
    package let rows: [Row]

    /// - Parameter seed: for the random tokens; the same one draws the same.
    package init(_ survey: DistributionSurvey, seed: UInt64 = 1) {
        let ring = survey.ring
        let nodes = ring.document.members.count
        var strategies = PlacementStrategies(
            nodes: nodes,
            replicas: min(ring.document.replicas, nodes),
            seed: seed,
            curve: LoadCurve(cells: survey.cells.map { Double($0.keys) })
        )
        let entries = max(ring.partitions, nodes)
        let samples = (0..<Self.draws).map { _ in strategies.sample(entries: entries) }
        func row(
            _ name: String,
            _ title: String,
            _ value: KeyPath<PlacementStrategies.Sample, Double>
        ) -> Row {
            let values = samples.map { $0[keyPath: value] }
            return Row(
                name: name,
                title: title,
                mean: values.reduce(0, +) / Double(values.count),
                least: values.min() ?? 0
            )
        }
        self.nodes = nodes
        self.entries = entries
        rows = [
            row("strategy_1", "random tokens, ranges between them", \.randomTokens),
            row(
                "strategy_2", "random tokens, equal partitions", \.randomTokensEqualPartitions),
            row("strategy_3", "Q/S equal partitions a node", \.equalShares),
            row("henge", "Q/S equal partitions, spaced", \.henge),
        ]
    }

    package var field: ReplyTree.Field {
        ReplyTree.Field(
            name: "strategies",
            value: .array(
                rows.map { row in
                    .map([
                        "name": .text(row.name),
                        "title": .text(row.title),
                        "entries": .integer(entries),
                        "draws": .integer(Self.draws),
                        "efficiency_mean": .double(row.mean),
                        "efficiency_least": .double(row.least),
                    ])
                }
            )
        )
    }
}
