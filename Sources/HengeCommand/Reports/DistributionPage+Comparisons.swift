import HengeRing
import HengeServer

import struct NIOCore.ByteBuffer

/// What comes from a sample, and what the keys are compared with.
extension DistributionPage {
    private static let rowsMax = 20

    // MARK: From a sample

    func buckets(_ sample: RecordSample) -> HTML {
        var table = HTMLTable(
            "Buckets",
            ["<bucket", "keys", "size", "siblings", "tombstones", "<of the largest"]
        )
        let buckets = sample.bucketEstimates
        let most = Double(max(1, buckets.first?.load.keys ?? 1))
        for bucket in buckets.prefix(Self.rowsMax) {
            table.add(
                [.long(Wording.printable(ByteBuffer(bytes: bucket.name)))], Self.cells(bucket.load),
                [
                    .bar(Double(bucket.load.keys) / most, mark: nil, node: nil)
                ]
            )
        }
        return HTMLPage.section(
            "Buckets", note: Self.sentence(SampleWording.extent(sample)), [table.html])
    }

    func records(_ sample: RecordSample) -> HTML {
        HTMLPage.section(
            "Records", note: Self.sentence(SampleWording.extent(sample)),
            [
                HTMLPage.figures([
                    HTMLPage.figure(
                        "Values by their size, from",
                        Self.histogram(sample.valueBytes, "Values by size", Wording.bytes)),
                    HTMLPage.figure(
                        "Records by their number of siblings, from",
                        Self.histogram(sample.siblings, "Records by siblings") { "\($0)" }),
                ])
            ]
        )
    }

    static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst() + "."
    }

    // MARK: Comparisons

    func section(_ strategies: StrategyComparison) -> HTML {
        var table = HTMLTable(
            "Strategies", ["<strategy", "<how", "efficiency", "least", "<efficiency"])
        for row in strategies.rows {
            table.add([
                .text(row.name), .text(row.title), .number(Wording.decimal(row.mean, places: 3)),
                .number(Wording.decimal(row.least, places: 3)),
                .bar(row.mean, mark: nil, node: nil),
            ])
        }
        return HTMLPage.section(
            "Partitioning strategies",
            note: "The same keys by the three strategies of the Dynamo paper, section 6.2, on "
                + "\(strategies.nodes) equal nodes with \(Wording.grouped(strategies.entries)) "
                + "entries; mean and least of \(StrategyComparison.draws) draws.",
            [table.html]
        )
    }

    func change(_ change: DistributionResult.Change) -> [HTML] {
        var table = HTMLTable("Moves", ["<node", "keys in", "size in", "keys out", "size out"])
        for node in change.change.nodes {
            table.add([
                .text(node.name), .number(Wording.grouped(node.received.keys)),
                .number(Wording.bytes(node.received.bytes)),
                .number(Wording.grouped(node.given.keys)),
                .number(Wording.bytes(node.given.bytes)),
            ])
        }
        return [
            HTMLPage.section(
                "What if: \(change.text)",
                [
                    HTMLPage.paragraphs([
                        Self.sentence(ChangeWording.sentence(change.change, of: report.total)),
                        Self.sentence(
                            ChangeWording.efficiency(before: report, after: change.after)),
                    ]),
                    HTMLPage.figures([
                        HTMLPage.figure("Before", ring(report)),
                        HTMLPage.figure("After", ring(change.after)),
                    ]),
                    table.html,
                ]
            ),
            nodes("Nodes afterwards", change.after),
            HTMLPage.section("What explains it afterwards", [Self.list(change.after.findings)]),
        ]
    }
}
