extension HintsView {
    /// `henge report hints --format html`.
    package var page: HTMLPage {
        var table = HTMLTable(
            "Hints", ["<kept by", "<for", "hints", "size", "oldest", "<of the most"])
        let most = Double(holders.flatMap(\.targets).map(\.count).max() ?? 0)
        for (index, holder) in holders.enumerated() {
            for target in holder.targets {
                table.add([
                    .node(index, holder.node), .text(target.node),
                    .number(Wording.grouped(target.count)), .number(Wording.bytes(target.bytes)),
                    .number(target.oldestMs.map(Self.age) ?? ""),
                    .bar(most > 0 ? Double(target.count) / most : 0, mark: nil, node: index),
                ])
            }
        }
        var totals = HTMLTable(
            "Since the nodes' starts",
            ["<node", "stored", "delivered", "bytes delivered", "expired", "dropped", "<delivery"])
        for (index, holder) in holders.enumerated() {
            totals.add([
                .node(index, holder.node), .number(Wording.grouped(holder.stored)),
                .number(Wording.grouped(holder.delivered)),
                .number(Wording.bytes(holder.bytesDelivered)),
                .number(Wording.grouped(holder.expired)), .number(Wording.grouped(holder.dropped)),
                .text(holder.isPaused ? "paused" : "on"),
            ])
        }
        var sections = [
            HTMLPage.tiles([
                (Wording.grouped(count), "hints waiting"), (Wording.bytes(bytes), "bytes"),
                (String(holders.count), "nodes that answered"),
            ])
        ]
        if !unreached.isEmpty {
            sections.append(
                HTMLPage.paragraphs(["No answer from \(unreached.joined(separator: ", "))."]))
        }
        sections.append(
            HTMLPage.section(
                "Waiting", note: table.isEmpty ? "No hints are waiting." : "",
                table.isEmpty ? [] : [table.html]))
        sections.append(HTMLPage.section("Since the nodes' starts", [totals.html]))
        return HTMLPage(
            title: "Hinted handoff",
            subtitle: "Writes that nodes keep for others that missed them.",
            sections: sections
        )
    }
}
