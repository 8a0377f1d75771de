/// A plan for people: the ring before and after, a table of the nodes, and what it takes.
package enum RingPlanDrawing {
    private static let radius = 6
    private static let barWidth = 16

    package static func lines(_ plan: RingPlanView, color: Bool) -> [String] {
        circles(plan, color: color) + [""] + summary(plan, color: color)
    }

    /// All but the picture.
    package static func summary(_ plan: RingPlanView, color: Bool) -> [String] {
        let operations = plan.operations.map { Wording.printable($0) }.joined(separator: ", ")
        var lines = ["plan \(Wording.printable(plan.id)) from epoch \(plan.epoch): \(operations)"]
        lines.append("")
        lines += shares(plan).lines(color: color)
        lines.append("")
        lines += transfers(plan).lines(color: color)
        lines.append("")
        lines += costs(plan)
        lines += plan.violations.map { violation in
            Paint.doubtful(text(of: violation), color: color)
        }
        lines += plan.refusals.map { refusal in
            Paint.bad("refused: \(Wording.printable(refusal.reason, limit: 500))", color: color)
        }
        return lines
    }

    // MARK: Picture

    private static func circles(_ plan: RingPlanView, color: Bool) -> [String] {
        RingCircle(radius: radius).pair(
            (ring(plan, plan.owners.before), ["before"]),
            (ring(plan, plan.owners.after), ["after"]),
            color: color
        )
    }

    private static func ring(_ plan: RingPlanView, _ owners: [Int]) -> RingView {
        let nodes = plan.nodes.map { RingView.Node(name: $0.name, vnodes: 0, share: 0) }
        return RingView(
            cluster: "",
            epoch: plan.epoch,
            replicas: plan.replicas,
            nodes: nodes,
            owners: owners
        )
    }

    // MARK: Tables

    private static func shares(_ plan: RingPlanView) -> Table {
        var table = Table([
            .init(""), .init("node"), .init(""), .init("zone"), .init("weight", .right),
            .init("vnodes", .right), .init("", .right), .init("share", .right),
            .init("", .right), .init(""), .init("keys", .right), .init("", .right),
            .init("size", .right), .init("", .right),
        ])
        let largest = plan.nodes.map(\.share.after).max() ?? 0
        for (index, node) in plan.nodes.enumerated() {
            let bar = largest > 0 ? node.share.after / largest : 0
            table.add([
                Painted(String(Paint.letter(index)), .nodeFill(index)),
                Painted(Wording.printable(node.name), .bold),
                Painted(Wording.printable(node.role), paint(node.role)),
                Painted(node.zone.isEmpty ? "–" : Wording.printable(node.zone)),
                Painted(String(node.weight)),
                Painted(Wording.grouped(node.vnodes.before)),
                Painted("→ \(Wording.grouped(node.vnodes.after))"),
                Painted(Wording.percent(node.share.before)),
                Painted("→ \(Wording.percent(node.share.after))"),
                Painted(Bar.text(bar, width: barWidth, padded: true), .node(index)),
                Painted(Wording.grouped(node.keys.before)),
                Painted("→ \(Wording.grouped(node.keys.after))"),
                Painted(Wording.bytes(node.bytes.before)),
                Painted("→ \(Wording.bytes(node.bytes.after))"),
            ])
        }
        return table
    }

    private static func transfers(_ plan: RingPlanView) -> Table {
        var table = Table([
            .init(""), .init("node"), .init("receives", .right), .init(""), .init("sends", .right),
            .init("needs on disk", .right), .init("free", .right),
        ])
        let most = plan.nodes.map(\.bytesIn).max() ?? 0
        for (index, node) in plan.nodes.enumerated() {
            let bar = most > 0 ? Double(node.bytesIn) / Double(most) : 0
            let isTight = node.diskFree.map { $0 < node.diskNeeded } ?? true
            table.add([
                Painted(String(Paint.letter(index)), .nodeFill(index)),
                Painted(Wording.printable(node.name), .bold),
                Painted(Wording.bytes(node.bytesIn)),
                Painted(Bar.text(bar, width: barWidth, padded: true), .node(index)),
                Painted(Wording.bytes(node.bytesOut)),
                Painted(Wording.bytes(node.diskNeeded)),
                Painted(
                    node.diskFree.map { Wording.bytes($0) } ?? "unknown", isTight ? .bad : .plain
                ),
            ])
        }
        return table
    }

    private static func paint(_ role: String) -> Paint {
        switch role {
        case "joins": .good
        case "leaves": .doubtful
        default: .faint
        }
    }

    // MARK: Sentences

    private static func costs(_ plan: RingPlanView) -> [String] {
        let vnodes =
            "\(Wording.grouped(plan.moves)) of "
            + "\(Wording.grouped(plan.owners.before.count)) vnodes move "
            + "(\(Wording.grouped(plan.movesLeast)) must)"
        let replicas =
            "\(Wording.grouped(plan.replicaMoves)) partition replicas "
            + "(\(Wording.grouped(plan.replicaMovesLeast)) must)"
        return [
            "\(vnodes), and with them \(replicas)",
            "\(Wording.bytes(plan.bytes)) to transfer, \(duration(plan.minutes)) at "
                + "\(Wording.bytes(plan.bytesPerSecond))/s for each node",
            "distinct replica sets: \(Wording.grouped(plan.replicaSets.before)) before, "
                + "\(Wording.grouped(plan.replicaSets.after)) after",
        ]
    }

    private static func duration(_ minutes: Double) -> String {
        let milliseconds = min(max(0, minutes * 60_000), 1e15)
        return milliseconds < 1000
            ? "less than a second" : "about \(HintsView.age(Int(milliseconds)))"
    }

    private static func text(of violation: RingPlanView.Violation) -> String {
        let partitions = Wording.grouped(violation.partitions)
        let before = Wording.grouped(violation.partitionsBefore)
        guard violation.kind == "zone" else {
            let replicas = violation.fewest == 1 ? "replica" : "replicas"
            return "\(partitions) partitions would have only \(violation.fewest) \(replicas) "
                + "(\(before) before)"
        }
        return "in \(partitions) partitions replicas would share a zone (\(before) before): "
            + "\(violation.fewest) of \(violation.possible) possible zones at worst"
    }
}
