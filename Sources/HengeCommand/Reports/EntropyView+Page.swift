extension EntropyView {
    /// Classes of ages, in seconds; older ones are in the last.
    private static let ages = [60, 300, 600, 1200, 3600, 14_400, 86_400]

    /// `henge report entropy --format html`.
    package var page: HTMLPage {
        var sections = [
            HTMLPage.tiles([
                (oldestMs.map(HintsView.age) ?? "–", "since all were verified"),
                (Wording.grouped(unverified), "ranges never verified"),
                (Wording.grouped(totals.differences), "partitions that differed"),
                (Wording.bytes(totals.bytesRaw), "compared, before compression"),
                (Wording.bytes(totals.bytesCompressed), "and after"),
            ])
        ]
        if !unreached.isEmpty {
            sections.append(
                HTMLPage.paragraphs(["No answer from \(unreached.joined(separator: ", "))."]))
        }
        sections.append(
            HTMLPage.section(
                "Ranges",
                [
                    HTMLPage.figures([
                        HTMLPage.figure(
                            "Ranges by the time since their replicas were last found or made equal",
                            BarPicture.histogram(ageClasses, title: "Ranges by age"))
                    ])
                ]
            ))
        sections.append(HTMLPage.section("Nodes", [nodeTable.html]))
        return HTMLPage(
            title: "Anti-entropy",
            subtitle: "How long ago replicas were found or made equal; totals count from the "
                + "nodes' starts.",
            sections: sections
        )
    }

    private var ageClasses: [(label: String, count: Int)] {
        var counts = [Int](repeating: 0, count: Self.ages.count + 1)
        var never = 0
        for range in ranges where range.isCompared {
            guard let age = range.verifiedMs else {
                never += 1
                continue
            }
            counts[Self.ages.firstIndex { age < $0 * 1000 } ?? Self.ages.count] += 1
        }
        let labels = ["<1 min", "<5 min", "<10 min", "<20 min", "<1 h", "<4 h", "<1 d", "older"]
        return zip(labels, counts).map { (label: $0, count: $1) } + [(label: "never", count: never)]
    }

    private var nodeTable: HTMLTable {
        var table = HTMLTable(
            "Nodes",
            [
                "<node", "<ready", "oldest", "never verified", "differed", "tombstones",
                "scrubbed", "<of this pass",
            ]
        )
        for (index, node) in nodes.enumerated() {
            table.add([
                .node(index, node.name), .text(node.isReady ? "yes" : "no"),
                .number(node.oldestMs.map(HintsView.age) ?? "–"),
                .number(Wording.grouped(node.unverified)),
                .number(Wording.grouped(node.totals.differences)),
                .number(Wording.grouped(node.tombstones)),
                .number(Wording.percent(node.scrubbed)),
                .bar(node.scrubbed, mark: nil, node: index),
            ])
        }
        return table
    }
}
