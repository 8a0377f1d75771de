/// How ``HotKeysView`` looks as JSON and in a terminal.
extension HotKeysView {
    package var json: JSON {
        .object(
            ("window", .string(window)),
            ("seconds", .integer(seconds)),
            ("reads", .integer(reads)),
            ("writes", .integer(writes)),
            ("bytes", .integer(bytes)),
            ("error_max", .integer(errorMax)),
            ("keys", .array(keys.prefix(limit).map(Self.json))),
            ("partitions", .array(hottest.map { Self.json($0.index, $0.load) })),
            ("minutes", .array(minutes.map { .array($0.map { .integer($0) }) })),
            ("not_counting", .array(silent.map { .string($0) })),
            ("unreached", .array(unreached.map { .string($0) }))
        )
    }

    private static func json(_ key: Key) -> JSON {
        .object(
            ("token", .string(key.token)),
            ("bucket", key.bucket.map { .binary($0) } ?? .null),
            ("key", key.key.map { .binary($0) } ?? .null),
            ("cut", .boolean(key.isCut)),
            ("reads", .integer(key.reads)),
            ("writes", .integer(key.writes)),
            ("bytes", .integer(key.bytes)),
            ("error", .integer(key.error))
        )
    }

    private static func json(_ index: Int, _ load: Partition) -> JSON {
        .object(
            ("partition", .integer(index)),
            ("reads", .integer(load.reads)),
            ("writes", .integer(load.writes)),
            ("bytes", .integer(load.bytes))
        )
    }

    /// Partitions with requests, most first.
    var hottest: [(index: Int, load: Partition)] {
        partitions.enumerated().filter { $0.element.requests > 0 }
            .map { (index: $0.offset, load: $0.element) }
            .sorted { ($1.load.requests, $0.index) < ($0.load.requests, $1.index) }
    }

    // MARK: In a terminal

    package func lines(color: Bool) -> [String] {
        var lines = [headline]
        if requests > 0 {
            lines += [""] + keyTable.lines(color: color)
            lines += ["", bound, ""] + partitionTable.lines(color: color)
        }
        if minutes.contains(where: { $0.contains { $0 > 0 } }) {
            lines += [""] + heatMap
        }
        if !silent.isEmpty {
            lines.append("hot keys are not counted by \(silent.joined(separator: ", "))")
        }
        if !unreached.isEmpty {
            lines.append("no answer from \(unreached.joined(separator: ", "))")
        }
        return lines
    }

    var headline: String {
        let span = window == "start" ? "since the start" : "the last \(window)"
        let rate = seconds > 0 ? ", \(Wording.grouped(requests / seconds)) a second" : ""
        return "\(span) (\(HintsView.age(seconds * 1_000))): \(Wording.grouped(reads)) reads, "
            + "\(Wording.grouped(writes)) writes, \(Wording.bytes(bytes))\(rate)"
    }

    /// What the counts are worth.
    var bound: String {
        errorMax == 0
            ? "counts are exact"
            : "a key that is not listed had \(Wording.grouped(errorMax)) requests at most; "
                + "± is what a count may lack"
    }

    private var keyTable: Table {
        var table = Table([
            .init("bucket"), .init("key"), .init("requests", .right), .init("±", .right),
            .init("share", .right), .init("reads", .right), .init("writes", .right),
            .init("bytes", .right), .init(""),
        ])
        let most = keys.first?.requests ?? 0
        for key in keys.prefix(limit) {
            let name = key.key.map { Wording.printable($0, limit: 40) + (key.isCut ? "…" : "") }
            table.add([
                Painted(key.bucket.map { Wording.printable($0, limit: 20) } ?? ""),
                Painted(name ?? "token \(key.token)"),
                Painted(Wording.grouped(key.requests)),
                Painted(key.error > 0 ? Wording.grouped(key.error) : "", .faint),
                Painted(Wording.percent(Double(key.requests) / Double(max(1, requests)))),
                Painted(Wording.grouped(key.reads)),
                Painted(Wording.grouped(key.writes)),
                Painted(Wording.bytes(key.bytes)),
                Painted(Bar.text(Double(key.requests) / Double(max(1, most)), width: 16)),
            ])
        }
        return table
    }

    private static let partitionsShown = 5

    private var partitionTable: Table {
        var table = Table([
            .init("partition", .right), .init("requests", .right), .init("x mean", .right),
            .init("reads", .right), .init("writes", .right), .init("bytes", .right), .init(""),
        ])
        let mean = Double(requests) / Double(max(1, partitions.count))
        let most = hottest.first?.load.requests ?? 0
        for (index, load) in hottest.prefix(Self.partitionsShown) {
            table.add([
                Painted("\(index)"),
                Painted(Wording.grouped(load.requests)),
                Painted(Wording.decimal(Double(load.requests) / mean, places: 1)),
                Painted(Wording.grouped(load.reads)),
                Painted(Wording.grouped(load.writes)),
                Painted(Wording.bytes(load.bytes)),
                Painted(Bar.text(Double(load.requests) / Double(max(1, most)), width: 16)),
            ])
        }
        return table
    }

    /// A line for each four of the 64 stretches of tokens, a column for each minute.
    private var heatMap: [String] {
        let rows = 16
        let ranges = minutes.map(\.count).max() ?? 0
        guard ranges >= rows else { return [] }
        let folded = minutes.map { minute in
            (0..<rows).map { row in
                minute[(row * ranges / rows)..<((row + 1) * ranges / rows)].reduce(0, +)
            }
        }
        let most = max(1, folded.flatMap { $0 }.max() ?? 1)
        var lines = ["requests by token and minute, the last \(minutes.count) min; now is right"]
        for row in 0..<rows {
            let cells = folded.map { Self.shade($0[row], of: most) }
            lines.append("\(Self.firstToken(row * 4096 / rows))… " + String(cells))
        }
        lines.append("each █ up to \(Wording.grouped(most)) requests a minute; ░ a few, · none")
        return lines
    }

    /// - Parameter twelfth: the first 12 bits of the row's first token.
    private static func firstToken(_ twelfth: Int) -> String {
        let digits = String(twelfth, radix: 16)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }

    private static func shade(_ count: Int, of most: Int) -> Character {
        guard count > 0 else { return "·" }
        return Array("░▒▓█")[min(3, count * 4 / (most + 1))]
    }
}
