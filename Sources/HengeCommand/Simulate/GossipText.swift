package import HengeSimulator

/// What `henge simulate gossip` prints.
package enum GossipText {
    package static func lines(_ reports: [GossipSimulation.Report], color: Bool) -> [String] {
        var table = Table([
            .init("nodes", .right), .init("join, rounds", .right), .init("mean", .right),
            .init("most", .right), .init("B/s a node", .right), .init("stop seen by one", .right),
            .init("by all", .right), .init("wrongly suspected", .right),
            .init("down", .right), .init("in", .right),
        ])
        for report in reports {
            table.add([
                Painted(Wording.grouped(report.nodes), .bold),
                Painted(report.joinRounds.map(rounds) ?? "–"),
                Painted(rounds(report.factRoundsMean)), Painted(rounds(report.factRoundsMax)),
                Painted(Wording.grouped(report.bytesPerNodeSecond)),
                Painted(report.stopNoticedFirst.map(seconds) ?? "–"),
                Painted(report.stopNoticedLast.map(seconds) ?? "–"),
                count(report.falseSuspicions), count(report.falseDowns),
                Painted("\(Wording.grouped(report.seconds)) s", .faint),
            ])
        }
        return table.lines(color: color)
    }

    package static func json(_ report: GossipSimulation.Report) -> JSON {
        .object(
            ("nodes", .integer(report.nodes)),
            ("join_rounds", report.joinRounds.map { .number($0) } ?? .null),
            ("beat_rounds_mean", .number(report.factRoundsMean)),
            ("beat_rounds_max", .number(report.factRoundsMax)),
            ("beats", .integer(report.facts)),
            ("bytes_node_second", .integer(report.bytesPerNodeSecond)),
            ("stop_noticed_first_ms", report.stopNoticedFirst.map { .integer($0) } ?? .null),
            ("stop_noticed_last_ms", report.stopNoticedLast.map { .integer($0) } ?? .null),
            ("false_suspicions", .integer(report.falseSuspicions)),
            ("false_downs", .integer(report.falseDowns)),
            ("seconds", .integer(report.seconds))
        )
    }

    private static func rounds(_ count: Double) -> String { Wording.decimal(count, places: 1) }

    private static func seconds(_ milliseconds: Int) -> String {
        "\(Wording.decimal(Double(milliseconds) / 1000, places: 1)) s"
    }

    private static func count(_ wrong: Int) -> Painted {
        Painted(Wording.grouped(wrong), wrong == 0 ? .good : .bad)
    }
}
