package import HengeRing
package import HengeServer

/// All that one `henge report distribution` has to show.
package struct DistributionResult: Sendable {
    package struct Change: Sendable {
        package let text: String
        package let change: DistributionChange
        package let after: DistributionReport
    }

    package let report: DistributionReport
    package let change: Change?
    package let strategies: StrategyComparison?
    /// Lines of a list of keys that are too long to be keys.
    package let tooLong: Int

    package init(
        _ survey: DistributionSurvey,
        whatIf: WhatIf? = nil,
        comparesStrategies: Bool = false,
        tooLong: Int = 0
    ) throws(RingStageFault) {
        report = DistributionReport(survey)
        self.tooLong = tooLong
        strategies = comparesStrategies ? StrategyComparison(survey) : nil
        if let whatIf {
            let change = try DistributionChange(
                survey,
                operations: whatIf.operations,
                partitions: whatIf.partitions
            )
            let after = DistributionReport(change.after)
            self.change = Change(text: whatIf.text, change: change, after: after)
        } else {
            change = nil
        }
    }

    package var json: JSON {
        var more: [ReplyTree.Field] = []
        if let strategies { more.append(strategies.field) }
        if let change { more.append(ReplyTree.Field(name: "what_if", value: Self.tree(change))) }
        return JSON(DistributionReply(report, adding: more).tree)
    }

    private static func tree(_ change: Change) -> ReplyTree {
        let moves = change.change
        return .map([
            "changes": .text(change.text),
            "vnodes_moved": moves.vnodeMoves.map { .integer($0) } ?? .null,
            "vnodes_moved_lower_bound": moves.vnodeMovesLeast.map { .integer($0) } ?? .null,
            "keys_touched": .integer(moves.touched.keys),
            "keys_moved": .integer(moves.moved.keys),
            "bytes_moved": .integer(moves.moved.bytes),
            "nodes": .array(
                moves.nodes.map { node in
                    .map([
                        "name": .text(node.name),
                        "keys_in": .integer(node.received.keys),
                        "bytes_in": .integer(node.received.bytes),
                        "keys_out": .integer(node.given.keys),
                        "bytes_out": .integer(node.given.bytes),
                    ])
                }
            ),
            "after": DistributionReply(change.after).tree,
        ])
    }
}
