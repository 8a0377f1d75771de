extension HotKeysView {
    /// `henge report hotkeys --format html`.
    package var page: HTMLPage {
        var sections = [
            HTMLPage.tiles([
                (Wording.grouped(reads), "reads"), (Wording.grouped(writes), "writes"),
                (Wording.bytes(bytes), "of objects"),
                (seconds > 0 ? Wording.grouped(requests / seconds) : "0", "requests a second"),
            ])
        ]
        let lacking =
            (silent.isEmpty ? [] : ["Not counted by \(silent.joined(separator: ", "))."])
            + (unreached.isEmpty ? [] : ["No answer from \(unreached.joined(separator: ", "))."])
        if !lacking.isEmpty { sections.append(HTMLPage.paragraphs(lacking)) }
        if requests == 0 {
            sections.append(HTMLPage.section("Keys", note: "No requests in this time.", []))
        } else {
            sections.append(HTMLPage.section("Keys", note: "\(bound).", [keyRows]))
            sections.append(HTMLPage.section("Partitions", [partitionRows]))
        }
        if let map = HeatMapPicture.svg(minutes) {
            let caption =
                "Requests by token, from the lowest at the top, and by minute; now is right."
            sections.append(HTMLPage.section("The ring by time", [HTMLPage.figure(caption, map)]))
        }
        return HTMLPage(title: "Hot keys", subtitle: headline, sections: sections)
    }

    private var keyRows: HTML {
        var table = HTMLTable(
            "Hot keys",
            [
                "<bucket", "<key", "requests", "±", "share", "reads", "writes", "bytes",
                "<of the most",
            ]
        )
        let most = Double(max(1, keys.first?.requests ?? 0))
        for key in keys.prefix(limit) {
            let name = key.key.map { Wording.printable($0, limit: 200) + (key.isCut ? "…" : "") }
            table.add(
                [
                    .text(key.bucket.map { Wording.printable($0, limit: 40) } ?? ""),
                    .long(name ?? "token \(key.token)"),
                ],
                [
                    .number(Wording.grouped(key.requests)),
                    .number(key.error > 0 ? Wording.grouped(key.error) : ""),
                    .number(Wording.percent(Double(key.requests) / Double(max(1, requests)))),
                    .number(Wording.grouped(key.reads)), .number(Wording.grouped(key.writes)),
                    .number(Wording.bytes(key.bytes)),
                ],
                [.bar(Double(key.requests) / most, mark: nil, node: nil)]
            )
        }
        return table.html
    }

    private static let rowsMax = 20

    private var partitionRows: HTML {
        var table = HTMLTable(
            "Hot partitions",
            [
                "partition", "requests", "× mean", "reads", "writes", "bytes",
                "<of the most; line: mean",
            ]
        )
        let mean = Double(requests) / Double(max(1, partitions.count))
        let most = Double(max(1, hottest.first?.load.requests ?? 0))
        for (index, load) in hottest.prefix(Self.rowsMax) {
            table.add(
                [
                    .number("\(index)"), .number(Wording.grouped(load.requests)),
                    .number(Wording.decimal(Double(load.requests) / mean, places: 1)),
                ],
                [
                    .number(Wording.grouped(load.reads)), .number(Wording.grouped(load.writes)),
                    .number(Wording.bytes(load.bytes)),
                ],
                [.bar(Double(load.requests) / most, mark: mean / most, node: nil)]
            )
        }
        return table.html
    }
}
