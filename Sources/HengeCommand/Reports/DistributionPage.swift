import HengeBase
import HengeRing
import HengeServer

/// `henge report distribution --format html`.
package struct DistributionPage {
    private static let classesMax = 24

    let result: DistributionResult
    let report: DistributionReport

    package init(_ result: DistributionResult) {
        self.result = result
        report = result.report
    }

    package var page: HTMLPage {
        let ring = report.survey.ring
        let source =
            report.survey.source == .keys
            ? "Counted from a list of keys; bytes are those of the keys alone."
            : "As the nodes of the cluster count them, epoch \(ring.document.epoch)."
        var sections = [tiles, findings, pictures, nodes("Nodes", report)]
        if !report.zones.isEmpty { sections.append(zones) }
        sections += [statistics, largest]
        if let sample = report.survey.sample, sample.records > 0 {
            sections += [buckets(sample), records(sample)]
        }
        if let strategies = result.strategies { sections.append(section(strategies)) }
        if let change = result.change { sections += self.change(change) }
        return HTMLPage(
            title: "Key distribution",
            subtitle: "\(ring.document.members.count) nodes, "
                + "\(Wording.grouped(ring.partitions)) partitions, \(ring.document.replicas) "
                + "replicas. \(source)",
            sections: sections
        )
    }

    // MARK: At a glance

    private var tiles: HTML {
        HTMLPage.tiles([
            (Wording.grouped(report.total.keys), "keys"),
            (Wording.bytes(report.total.bytes), "bytes, each key once"),
            (Wording.grouped(report.total.siblings), "siblings"),
            (Wording.grouped(report.total.tombstones), "tombstones"),
            (
                Wording.decimal(report.nodeStatistics.keys.efficiency, places: 3),
                "load-balancing efficiency"
            ),
            (
                report.chiSquare.map { Wording.decimal($0.p, places: 3) } ?? "–",
                "p of the hash being even"
            ),
        ])
    }

    private var findings: HTML {
        HTMLPage.section("What explains it", [Self.list(report.findings)])
    }

    static func list(_ findings: [DistributionFinding]) -> HTML {
        .tag(
            "ul", [:],
            findings.map { finding in
                .tag("li", finding.isNotable ? ["class": "bad"] : [:], finding.text)
            }
        )
    }

    // MARK: Pictures

    private var pictures: HTML {
        var figures = [
            HTMLPage.figure(
                "The ring: position 0 at the top. Inside, who claims each position; outside, its "
                    + "keys.",
                ring(report)
            ),
            HTMLPage.figure("Partitions by their number of keys", partitionClasses),
        ]
        if let keyBytes = report.survey.keyBytes {
            figures.append(
                HTMLPage.figure(
                    "Keys by their length in bytes",
                    Self.histogram(keyBytes, "Keys by length", Wording.bytes)))
        }
        return HTMLPage.section("Pictures", [HTMLPage.figures(figures)])
    }

    func ring(_ report: DistributionReport) -> HTML {
        let document = report.survey.ring.document
        var indexes: [NodeID: Int] = [:]
        for (index, member) in document.members.enumerated() { indexes[member.id] = index }
        let names = document.members.map(\.name)
        return .joined([
            RingPicture.svg(
                owners: document.owners.map { indexes[$0] ?? 0 },
                loads: report.partitions.map { Double($0.keys) },
                names: names,
                middle: [
                    "\(Wording.grouped(report.total.keys)) keys",
                    "\(Wording.grouped(document.owners.count)) partitions",
                ]
            ),
            RingPicture.legend(names),
        ])
    }

    /// How many partitions have how many keys, in classes of equal width.
    private var partitionClasses: HTML {
        let keys = report.partitions.map(\.keys)
        let low = keys.min() ?? 0
        let high = keys.max() ?? 0
        let width = max(1, (high - low + Self.classesMax) / Self.classesMax)
        var counts = [Int](repeating: 0, count: (high - low) / width + 1)
        for count in keys { counts[(count - low) / width] += 1 }
        let bars = counts.enumerated().map { index, count in
            (label: Wording.grouped(low + index * width), count: count)
        }
        return BarPicture.histogram(bars, title: "Partitions by number of keys")
    }

    static func histogram(
        _ histogram: BinaryHistogram,
        _ title: String,
        _ text: (Int) -> String
    ) -> HTML {
        let first = histogram.counts.firstIndex { $0 > 0 } ?? 0
        let bars = histogram.counts.enumerated().dropFirst(first).map { index, count in
            (label: text(BinaryHistogram.range(of: index).lowerBound), count: count)
        }
        return BarPicture.histogram(bars, title: title)
    }

    // MARK: Tables

    func nodes(_ title: String, _ report: DistributionReport) -> HTML {
        var table = HTMLTable(
            title,
            [
                "<node", "<zone", "weight", "vnodes", "keys", "size", "siblings", "tombstones",
                "share", "<of the largest share; line: fair share", "fair share", "off by",
            ]
        )
        let most = report.nodes.map { max($0.share ?? 0, $0.fairShare) }.max() ?? 0
        for (index, node) in report.nodes.enumerated() {
            let scale = most > 0 ? 1 / most : 0
            table.add(
                [
                    .node(index, node.member.name),
                    .text(node.member.zone.isEmpty ? "–" : node.member.zone),
                    .number(String(node.member.weight)), .number(Wording.grouped(node.vnodes)),
                ], Self.cells(node.load),
                [
                    .number(node.share.map { Wording.percent($0) } ?? "no answer"),
                    .bar((node.share ?? 0) * scale, mark: node.fairShare * scale, node: index),
                    .number(Wording.percent(node.fairShare)),
                    .number(
                        node.share.map { DistributionText.gap($0, node.fairShare) } ?? "–"),
                ]
            )
        }
        return HTMLPage.section(
            title, note: "Keys and bytes of a node are of all replicas that it holds.",
            [table.html])
    }

    private var zones: HTML {
        var table = HTMLTable(
            "Zones",
            [
                "<zone", "nodes", "keys", "size", "siblings", "tombstones", "share",
                "<of the largest share; line: fair share", "fair share", "off by",
            ]
        )
        let most = report.zones.map { max($0.share, $0.fairShare) }.max() ?? 0
        for zone in report.zones {
            let scale = most > 0 ? 1 / most : 0
            table.add(
                [.text(zone.name), .number(String(zone.nodes))], Self.cells(zone.load),
                [
                    .number(Wording.percent(zone.share)),
                    .bar(zone.share * scale, mark: zone.fairShare * scale, node: nil),
                    .number(Wording.percent(zone.fairShare)),
                    .number(DistributionText.gap(zone.share, zone.fairShare)),
                ]
            )
        }
        return HTMLPage.section("Zones", [table.html])
    }

    private var statistics: HTML {
        var table = HTMLTable(
            "Statistics",
            ["<of", "mean", "standard deviation", "min", "max", "max/mean", "efficiency"]
        )
        func add(_ name: String, _ of: DistributionStatistics, _ text: (Int) -> String) {
            func number(_ value: Double) -> HTMLTable.Cell { .number(text(Int(value.rounded()))) }
            table.add([
                .text(name), number(of.mean), number(of.standardDeviation), number(of.minimum),
                number(of.maximum),
                .number(Wording.decimal(DistributionReport.maximumToMean(of), places: 3)),
                .number(Wording.decimal(of.efficiency, places: 3)),
            ])
        }
        add("keys by node", report.nodeStatistics.keys, Wording.grouped)
        add("bytes by node", report.nodeStatistics.bytes, Wording.bytes)
        add("keys by partition", report.partitionStatistics.keys, Wording.grouped)
        add("bytes by partition", report.partitionStatistics.bytes, Wording.bytes)
        var note =
            "Efficiency is that of Dynamo, section 6.2: the mean load relative to the "
            + "largest, by fair share; 1 is perfect."
        if let test = report.chiSquare {
            note +=
                " Chi-square of the hash: \(Wording.decimal(test.statistic, places: 1)) at "
                + "\(Wording.grouped(test.degrees)) degrees of freedom, "
                + "p = \(Wording.decimal(test.p, places: 4))."
        }
        return HTMLPage.section("Statistics", note: note, [table.html])
    }

    private var largest: HTML {
        var table = HTMLTable(
            "Largest partitions",
            ["partition", "keys", "size", "siblings", "tombstones", "<of the largest", "<nodes"]
        )
        let ring = report.survey.ring
        let most = Double(report.largestPartitions(1).first?.load.keys ?? 0)
        for (partition, load) in report.largestPartitions(DistributionReply.largestPartitions) {
            var names: [String] = []
            ring.preferenceList(partition: partition).forEach { node in
                names.append(ring.member(node)?.name ?? node.description)
            }
            table.add(
                [.number(String(partition))], Self.cells(load),
                [
                    .bar(most > 0 ? Double(load.keys) / most : 0, mark: nil, node: nil),
                    .text(names.joined(separator: ", ")),
                ]
            )
        }
        return HTMLPage.section("Largest partitions", [table.html])
    }

    static func cells(_ load: KeyLoad?) -> [HTMLTable.Cell] {
        [
            .number(load.map { Wording.grouped($0.keys) } ?? "–"),
            .number(load.map { Wording.bytes($0.bytes) } ?? "–"),
            .number(load.map { Wording.grouped($0.siblings) } ?? "–"),
            .number(load.map { Wording.grouped($0.tombstones) } ?? "–"),
        ]
    }
}
