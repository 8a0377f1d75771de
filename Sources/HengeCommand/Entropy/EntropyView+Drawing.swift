extension EntropyView {
    /// Characters of the picture of the ring; a power of two, as numbers of partitions are.
    private static let stripWidth = 64
    private static let levels: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    // MARK: JSON

    package var json: JSON {
        .object(
            [
                .init("oldest_verified_seconds", Self.seconds(oldestMs)),
                .init("differences", .integer(totals.differences)),
                .init("ranges", .array(ranges.map(Self.json))),
                .init("bytes_raw", .integer(totals.bytesRaw)),
                .init("bytes_compressed", .integer(totals.bytesCompressed)),
                .init("unverified", .integer(unverified)),
            ] + totals.jsonFields + [
                .init("nodes", .array(nodes.map(Self.json))),
                .init("unreached", .array(unreached.map { .string($0) })),
            ]
        )
    }

    private static func json(_ range: Range) -> JSON {
        .object(
            ("partition", .integer(range.partition)),
            ("verified_seconds", seconds(range.verifiedMs)),
            ("replicas", .integer(range.replicas))
        )
    }

    private static func json(_ node: Node) -> JSON {
        let running = node.running.map { running in
            JSON.object(
                ("peer", .string(running.peer)),
                ("differing", .integer(running.differing)),
                ("left", .integer(running.left)),
                ("seconds", seconds(running.milliseconds))
            )
        }
        return .object(
            [
                .init("node", .string(node.name)),
                .init("ready", .boolean(node.isReady)),
                .init("oldest_verified_seconds", seconds(node.oldestMs)),
                .init("unverified", .integer(node.unverified)),
                .init("differences", .integer(node.totals.differences)),
            ] + node.totals.jsonFields + [
                .init("tombstones", .integer(node.tombstones)),
                .init("running", .array(running)),
                .init("scrubbed", .number(node.scrubbed)),
                .init("scrubbed_seconds_ago", seconds(node.scrubbedMsAgo)),
                .init("bytes_raw", .integer(node.totals.bytesRaw)),
                .init("bytes_compressed", .integer(node.totals.bytesCompressed)),
            ]
        )
    }

    private static func seconds(_ milliseconds: Int?) -> JSON {
        milliseconds.map { .number(Double($0) / 1000) } ?? .null
    }

    // MARK: Text

    package func lines(color: Bool) -> [String] {
        var lines = [summary.rendered(color: color)]
        lines += strip(color: color)
        lines.append("")
        lines += table.lines(color: color)
        lines.append(sums)
        for node in nodes {
            let name = Wording.printable(node.name)
            if !node.isReady { lines.append("\(name) is not ready to compare yet") }
            lines += node.running.map { running in
                "\(name) compares with \(Wording.printable(running.peer)): "
                    + "\(Wording.grouped(running.left)) of "
                    + "\(Wording.grouped(running.differing)) differing partitions left, for "
                    + HintsView.age(running.milliseconds)
            }
        }
        if !unreached.isEmpty {
            let names = unreached.map { Wording.printable($0) }
            lines.append("no answer from \(names.joined(separator: ", "))")
        }
        return lines
    }

    private var summary: Painted {
        let compared = ranges.count(where: \.isCompared)
        guard compared > 0 else {
            return Painted("each key has one replica: there is nothing to compare")
        }
        if let oldestMs {
            let age = HintsView.age(oldestMs)
            let count = Wording.grouped(compared)
            return Painted("all \(count) ranges verified, the oldest \(age) ago", .good)
        }
        return Painted(
            "\(Wording.grouped(unverified)) of \(Wording.grouped(compared)) ranges not verified "
                + "since their nodes started",
            .doubtful
        )
    }

    /// The ages over the ring, each character the oldest of some neighbouring ranges.
    private func strip(color: Bool) -> [String] {
        guard ranges.contains(where: \.isCompared) else { return [] }
        let oldest = ranges.compactMap(\.verifiedMs).max() ?? 0
        let width = max(1, (ranges.count + Self.stripWidth - 1) / Self.stripWidth)
        let columns = stride(from: 0, to: ranges.count, by: width).map { first in
            let part = ranges[first..<min(first + width, ranges.count)].filter(\.isCompared)
            let ages = part.compactMap(\.verifiedMs)
            guard ages.count == part.count else { return Painted("?", .bad) }
            let share = Double(ages.max() ?? 0) / Double(max(1, oldest))
            let level = min(Self.levels.count - 1, Int(share * Double(Self.levels.count)))
            return Painted(String(Self.levels[level]), .good)
        }
        let each = width == 1 ? "1 range" : "\(width) ranges"
        var key = "age over the ring, each \(each)"
        if columns.contains(where: { $0.paint == .good }) { key += ", █ \(HintsView.age(oldest))" }
        if columns.contains(where: { $0.paint == .bad }) { key += ", ? never verified" }
        return [Self.joined(columns, color: color), Paint.faint(key, color: color)]
    }

    /// Neighbours of one paint are painted in one piece.
    private static func joined(_ parts: [Painted], color: Bool) -> String {
        var runs: [Painted] = []
        for part in parts {
            if let last = runs.last, last.paint == part.paint {
                runs[runs.count - 1].text += part.text
            } else {
                runs.append(part)
            }
        }
        return runs.map { $0.rendered(color: color) }.joined()
    }

    private var table: Table {
        var table = Table([
            .init("node"), .init("ranges", .right), .init("oldest", .right),
            .init("never", .right), .init("differed", .right), .init("received", .right),
            .init("sent", .right), .init("tombstones", .right), .init("purged", .right),
            .init("compared", .right), .init("failed", .right), .init("scrub", .right),
        ])
        for node in nodes {
            let numbers = [
                node.unverified, node.totals.differences, node.totals.received,
                node.totals.sent, node.tombstones, node.totals.purged, node.totals.comparisons,
                node.totals.failed,
            ]
            table.add(
                [
                    Painted(Wording.printable(node.name), .bold),
                    Painted(Wording.grouped(node.ranges.count)),
                    Painted(node.oldestMs.map(HintsView.age) ?? "–"),
                ] + numbers.map { Painted(Wording.grouped($0)) } + [
                    Painted(Wording.percent(node.scrubbed))
                ])
        }
        return table
    }

    private var sums: String {
        let handOffs =
            "\(Wording.bytes(totals.handOffBytesRaw)) as "
            + Wording.bytes(totals.handOffBytesCompressed)
        return "since their starts: \(Wording.grouped(totals.differences)) partitions differed; "
            + "\(totals.traffic) to compare, \(handOffs) to hand over"
    }
}
