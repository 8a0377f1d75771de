import ArgumentParser
import HengeBase
import HengeReplication

/// `henge metrics staleness`
struct MetricsStalenessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "staleness",
        abstract: "Simulate how stale reads are, for the latencies of a paper.",
        discussion: """
            The simulation behind the metrics henge_staleness_…, over the latencies that Bailis et \
            al. (Probabilistically Bounded Staleness, VLDB 2012) fit to production systems, beside \
            what the paper found. Read and write are the 99.9th percentiles, fresh is how long \
            after a write's acknowledgement 99.9 % of reads see it, and at once the part that do \
            right then; times in milliseconds, three replicas. Reads ask all of them, as in the \
            paper.

            JSON: [{"fit","r","w","read_ms","write_ms","fresh_ms","fresh_at_once","paper":\
            {"read_ms","write_ms","fresh_ms"}}].

            Example: henge metrics staleness --trials 1000000
            """
    )

    @Option(help: "Writes, each with a read, 1000 to 10000000.")
    var trials = 100_000

    @Option(help: "What is drawn.")
    var seed: UInt64 = 1

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1_000...10_000_000).contains(trials) else {
            throw ValidationError("--trials must be 1000 to 10000000.")
        }
    }

    func run() async throws {
        let table = StalenessTable(trials: trials, seed: seed)
        if json {
            Output.json(table.json)
        } else {
            Output.lines(table.lines(color: Output.usesColor))
        }
    }
}

/// The paper's figures beside those of ``StalenessModel``.
package struct StalenessTable: Sendable {
    package struct Line: Sendable {
        package let fit: PublishedFit
        package let row: PublishedFit.Row
        package let readTime: Double
        package let writeTime: Double
        package let freshTime: Double
        package let freshAtOnce: Double
    }

    package let rows: [Line]

    package init(trials: Int, seed: UInt64) {
        rows = PublishedFit.all.flatMap { fit in
            fit.rows.map { row in
                let result = fit.run(row, trials: trials, seed: seed)
                return Line(
                    fit: fit,
                    row: row,
                    readTime: result.readTime(quantile: 0.999),
                    writeTime: result.writeTime(quantile: 0.999),
                    freshTime: result.freshTime(probability: 0.999),
                    freshAtOnce: result.freshProbability(after: 0)
                )
            }
        }
    }

    func lines(color: Bool) -> [String] {
        var table = Table([
            .init("fit"), .init("R", .right), .init("W", .right),
            .init("read", .right), .init("paper", .right),
            .init("write", .right), .init("paper", .right),
            .init("fresh", .right), .init("paper", .right),
            .init("at once", .right), .init("paper", .right),
        ])
        for line in rows {
            let isFirst = line.row.reads == 1 && line.row.writes == 1
            table.add([
                Painted(isFirst ? line.fit.name : ""),
                Painted("\(line.row.reads)"), Painted("\(line.row.writes)"),
                Painted(Self.ms(line.readTime)), Painted(Self.ms(line.row.readTime)),
                Painted(Self.ms(line.writeTime)), Painted(Self.ms(line.row.writeTime)),
                Painted(Self.ms(line.freshTime)), Painted(Self.ms(line.row.freshTime)),
                Painted(Wording.percent(line.freshAtOnce)),
                Painted(isFirst ? Wording.percent(line.fit.freshAtOnce) : ""),
            ])
        }
        let notes = PublishedFit.all.map { "\($0.name): \($0.about)" }
        return table.lines(color: color) + [""] + notes
    }

    private static func ms(_ time: Double) -> String { Wording.decimal(time, places: 2) }

    package var json: JSON {
        .array(
            rows.map { line in
                .object(
                    ("fit", .string(line.fit.name)), ("r", .integer(line.row.reads)),
                    ("w", .integer(line.row.writes)), ("read_ms", .number(line.readTime)),
                    ("write_ms", .number(line.writeTime)), ("fresh_ms", .number(line.freshTime)),
                    ("fresh_at_once", .number(line.freshAtOnce)),
                    (
                        "paper",
                        .object(
                            ("read_ms", .number(line.row.readTime)),
                            ("write_ms", .number(line.row.writeTime)),
                            ("fresh_ms", .number(line.row.freshTime))
                        )
                    )
                )
            }
        )
    }
}
