import HengeRing
import HengeServer

import struct NIOCore.ByteBuffer

/// `henge report distribution` for a terminal.
package struct DistributionText {
    private static let barWidth = 24
    private static let rowsMax = 8

    private let result: DistributionResult
    private let report: DistributionReport
    private let color: Bool

    package init(_ result: DistributionResult, color: Bool) {
        self.result = result
        report = result.report
        self.color = color
    }

    package var lines: [String] {
        var lines = heading
        lines += [""] + nodes(report).lines(color: color)
        if !report.zones.isEmpty { lines += [""] + zones.lines(color: color) }
        lines += [""] + statistics.lines(color: color)
        lines += [""] + partitions
        lines += sampled
        if let strategies = result.strategies { lines += [""] + Self.lines(strategies, color) }
        lines += [""] + findings(report)
        if let change = result.change { lines += [""] + self.lines(of: change) }
        return lines
    }

    private var heading: [String] {
        let ring = report.survey.ring
        let total = report.total
        let what =
            "\(Wording.grouped(total.keys)) keys, \(Wording.bytes(total.bytes)), "
            + "\(Wording.grouped(total.siblings)) siblings, "
            + "\(Wording.grouped(total.tombstones)) tombstones"
        let place =
            "\(ring.document.members.count) nodes, "
            + "\(Wording.grouped(ring.partitions)) partitions, \(ring.document.replicas) replicas"
        let source =
            report.survey.source == .keys
            ? "counted from a list; bytes are those of the keys alone"
            : "as the nodes count them; those of nodes are of all replicas that they hold"
        var lines = [Paint.bold(what, color: color) + " on \(place)", source]
        if result.tooLong > 0 {
            lines.append(
                Paint.doubtful(
                    "\(Wording.grouped(result.tooLong)) lines are longer than a key may be "
                        + "(64 KiB)",
                    color: color))
        }
        return lines
    }

    // MARK: Tables

    private func nodes(_ report: DistributionReport) -> Table {
        var table = Table([
            .init(""), .init("node"), .init("zone"), .init("weight", .right),
            .init("vnodes", .right), .init("keys", .right), .init("size", .right),
            .init("siblings", .right), .init("tombstones", .right), .init("share", .right),
            .init(""), .init("fair", .right), .init("off by", .right),
        ])
        let most = report.nodes.compactMap(\.share).max() ?? 0
        for (index, node) in report.nodes.enumerated() {
            let share = node.share ?? 0
            table.add([
                Painted(String(Paint.letter(index)), .nodeFill(index)),
                Painted(Wording.printable(node.member.name), .bold),
                Painted(node.member.zone.isEmpty ? "–" : Wording.printable(node.member.zone)),
                Painted(String(node.member.weight)),
                Painted(Wording.grouped(node.vnodes)),
                Self.number(node.load?.keys),
                Painted(node.load.map { Wording.bytes($0.bytes) } ?? "no answer"),
                Self.number(node.load?.siblings),
                Self.number(node.load?.tombstones),
                Painted(node.share.map { Wording.percent($0) } ?? "–"),
                Painted(
                    Bar.text(most > 0 ? share / most : 0, width: Self.barWidth, padded: true),
                    .node(index)),
                Painted(Wording.percent(node.fairShare)),
                Painted(node.share.map { Self.gap($0, node.fairShare) } ?? "–"),
            ])
        }
        return table
    }

    private var zones: Table {
        var table = Table([
            .init("zone"), .init("nodes", .right), .init("keys", .right), .init("size", .right),
            .init("share", .right), .init(""), .init("fair", .right), .init("off by", .right),
        ])
        let most = report.zones.map(\.share).max() ?? 0
        for zone in report.zones {
            table.add([
                Painted(Wording.printable(zone.name), .bold), Self.number(zone.nodes),
                Self.number(zone.load.keys), Painted(Wording.bytes(zone.load.bytes)),
                Painted(Wording.percent(zone.share)),
                Painted(
                    Bar.text(most > 0 ? zone.share / most : 0, width: Self.barWidth, padded: true)),
                Painted(Wording.percent(zone.fairShare)),
                Painted(Self.gap(zone.share, zone.fairShare)),
            ])
        }
        return table
    }

    private var statistics: Table {
        var table = Table([
            .init("of"), .init("mean", .right), .init("deviation", .right), .init("min", .right),
            .init("max", .right), .init("max/mean", .right), .init("efficiency", .right),
        ])
        let rows: [(String, DistributionStatistics, (Double) -> String)] = [
            ("keys by node", report.nodeStatistics.keys, Self.whole),
            ("bytes by node", report.nodeStatistics.bytes, Self.size),
            ("keys by partition", report.partitionStatistics.keys, Self.whole),
            ("bytes by partition", report.partitionStatistics.bytes, Self.size),
        ]
        for (name, statistics, text) in rows {
            table.add([
                Painted(name), Painted(text(statistics.mean)),
                Painted(text(statistics.standardDeviation)), Painted(text(statistics.minimum)),
                Painted(text(statistics.maximum)),
                Painted(
                    Wording.decimal(DistributionReport.maximumToMean(statistics), places: 3)),
                Painted(Wording.decimal(statistics.efficiency, places: 3)),
            ])
        }
        return table
    }

    // MARK: Partitions

    private var partitions: [String] {
        let strip = PartitionStrip(report.partitions.map { Double($0.keys) })
        var lines = ["keys by partition, from 0 on; each character is \(strip.perCell) of them"]
        lines += strip.lines
        if let test = report.chiSquare {
            lines.append(
                "chi-square of the hash: \(Wording.decimal(test.statistic, places: 1)) at "
                    + "\(Wording.grouped(test.degrees)) degrees, p = "
                    + Wording.decimal(test.p, places: 4))
        } else {
            lines.append("too few keys for a chi-square test of the hash")
        }
        let largest = report.largestPartitions(5).map { partition, load in
            "\(partition) (\(Wording.grouped(load.keys)))"
        }
        if !largest.isEmpty {
            lines.append("largest partitions, with keys: \(largest.joined(separator: ", "))")
        }
        return lines
    }

    // MARK: What is known from a sample

    private var sampled: [String] {
        var lines: [String] = []
        if let keyBytes = report.survey.keyBytes {
            lines += [""] + Self.histogram(keyBytes, "bytes of keys", Wording.bytes)
        }
        guard let sample = report.survey.sample, sample.records > 0 else { return lines }
        let extent = SampleWording.extent(sample)
        lines += ["", "buckets, \(extent)"] + buckets(sample).lines(color: color)
        lines +=
            [""] + Self.histogram(sample.valueBytes, "bytes of values, \(extent)", Wording.bytes)
        lines +=
            [""]
            + Self.histogram(sample.siblings, "siblings of records, \(extent)") { "\($0)" }
        if !sample.missing.isEmpty {
            let names = sample.missing.map { Wording.printable($0) }.joined(separator: ", ")
            lines.append(
                Paint.doubtful("\(names) looked at fewer records than asked", color: color))
        }
        return lines
    }

    private func buckets(_ sample: RecordSample) -> Table {
        var table = Table([
            .init("bucket"), .init("keys", .right), .init("size", .right),
            .init("siblings", .right), .init("tombstones", .right), .init(""),
        ])
        let buckets = sample.bucketEstimates
        let most = Double(buckets.map(\.load.keys).max() ?? 0)
        for bucket in buckets.prefix(Self.rowsMax) {
            table.add([
                Painted(Wording.printable(ByteBuffer(bytes: bucket.name)), .bold),
                Self.number(bucket.load.keys), Painted(Wording.bytes(bucket.load.bytes)),
                Self.number(bucket.load.siblings), Self.number(bucket.load.tombstones),
                Painted(
                    Bar.text(
                        most > 0 ? Double(bucket.load.keys) / most : 0, width: Self.barWidth)),
            ])
        }
        let left = buckets.dropFirst(Self.rowsMax).map(\.load).total
        if buckets.count > Self.rowsMax || sample.otherBuckets.records > 0 {
            var rest = sample.otherBuckets.scaled(by: sample.scale)
            rest += left
            table.add([
                Painted("others", .faint), Self.number(rest.keys),
                Painted(Wording.bytes(rest.bytes)),
                Self.number(rest.siblings), Self.number(rest.tombstones),
            ])
        }
        return table
    }

    private static func histogram(
        _ histogram: BinaryHistogram,
        _ title: String,
        _ text: (Int) -> String
    ) -> [String] {
        var table = Table([.init("from", .right), .init("count", .right), .init("")])
        let most = Double(histogram.counts.max() ?? 0)
        let first = histogram.counts.firstIndex { $0 > 0 } ?? 0
        for (index, count) in histogram.counts.enumerated().dropFirst(first) {
            table.add([
                Painted(text(BinaryHistogram.range(of: index).lowerBound)),
                Painted(Wording.grouped(count)),
                Painted(Bar.text(most > 0 ? Double(count) / most : 0, width: barWidth)),
            ])
        }
        return [title] + table.lines(color: false)
    }

    // MARK: Words

    private func findings(_ report: DistributionReport) -> [String] {
        report.findings.map { finding in
            let text = "• " + Wording.printable(finding.text, limit: 1000)
            return finding.isNotable ? Paint.doubtful(text, color: color) : text
        }
    }

    private func lines(of change: DistributionResult.Change) -> [String] {
        let moves = change.change
        var lines = [Paint.bold("what if: \(Wording.printable(change.text))", color: color), ""]
        lines += nodes(change.after).lines(color: color)
        lines.append("")
        lines.append(ChangeWording.sentence(moves, of: report.total))
        lines.append(ChangeWording.efficiency(before: report, after: change.after))
        var table = Table([
            .init("node"), .init("keys in", .right), .init("size in", .right),
            .init("keys out", .right), .init("size out", .right),
        ])
        for node in moves.nodes {
            table.add([
                Painted(Wording.printable(node.name), .bold), Self.number(node.received.keys),
                Painted(Wording.bytes(node.received.bytes)), Self.number(node.given.keys),
                Painted(Wording.bytes(node.given.bytes)),
            ])
        }
        return lines + [""] + table.lines(color: color)
            + findings(change.after).filter { !$0.isEmpty }
    }

    private static func lines(_ strategies: StrategyComparison, _ color: Bool) -> [String] {
        var table = Table([
            .init("strategy"), .init("efficiency", .right), .init("least", .right), .init(""),
            .init("how"),
        ])
        for row in strategies.rows {
            table.add([
                Painted(row.name, .bold), Painted(Wording.decimal(row.mean, places: 3)),
                Painted(Wording.decimal(row.least, places: 3)),
                Painted(Bar.text(row.mean, width: barWidth, padded: true)),
                Painted(row.title, .faint),
            ])
        }
        return [
            "the same keys by Dynamo's strategies (section 6.2): \(strategies.nodes) equal nodes, "
                + "\(Wording.grouped(strategies.entries)) entries, "
                + "\(StrategyComparison.draws) draws"
        ] + table.lines(color: color)
    }

    // MARK: Numbers

    private static func number(_ number: Int?) -> Painted {
        Painted(number.map { Wording.grouped($0) } ?? "–")
    }

    private static func whole(_ number: Double) -> String { Wording.grouped(Int(number.rounded())) }

    private static func size(_ number: Double) -> String { Wording.bytes(Int(number.rounded())) }

    /// How far a share is from the fair one, relative to it.
    static func gap(_ share: Double, _ fair: Double) -> String {
        guard fair > 0 else { return "–" }
        let gap = share / fair - 1
        return (gap >= 0.0005 ? "+" : "") + Wording.percent(gap)
    }
}
