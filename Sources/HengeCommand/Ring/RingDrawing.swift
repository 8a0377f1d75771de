/// The ring for people: a circle, and a table of the nodes.
package enum RingDrawing {
    private static let barWidth = 24

    /// - Parameter positions: whether every position is listed, too.
    package static func lines(_ ring: RingView, positions: Bool, color: Bool) -> [String] {
        let members = ring.nodes.count { !["candidate", "lost"].contains($0.state) }
        let up = ring.nodes.count { ["up", "joining", "leaving"].contains($0.state) }
        let labels = [
            Painted("\(Wording.grouped(ring.partitions)) partitions", .bold),
            Painted("\(ring.replicas) replicas of each key"),
            Painted("\(up) of \(members) nodes up", up == members ? .good : .bad),
            Painted("epoch \(ring.epoch)", .faint),
            Painted("cluster \(Wording.printable(ring.cluster))", .faint),
        ]
        var lines =
            ring.transition.map { circles(ring, labels, to: $0, color: color) }
            ?? RingCircle().lines(ring, labels: labels, color: color)
        lines.append("")
        lines += table(ring).lines(color: color)
        if let transition = ring.transition {
            lines.append("")
            lines += change(ring, transition, color: color)
        }
        if positions {
            lines.append("")
            lines += strip(ring, color: color)
        }
        return lines
    }

    // MARK: A change that is running

    private static func circles(
        _ ring: RingView,
        _ labels: [Painted],
        to transition: RingView.Transition,
        color: Bool
    ) -> [String] {
        var next = ring
        next.owners = transition.owners
        let word = transition.isAborting ? "back to this" : "changes to this"
        return RingCircle(radius: 8).pair(
            (ring, labels),
            (next, [Painted(word, .bold)]),
            color: color
        )
    }

    /// How far it is, and whose positions go to whom.
    private static func change(
        _ ring: RingView,
        _ transition: RingView.Transition,
        color: Bool
    ) -> [String] {
        var gives = [Int](repeating: 0, count: ring.nodes.count)
        var takes = gives
        for (from, to) in zip(ring.owners, transition.owners) where from != to {
            gives[from] += 1
            takes[to] += 1
        }
        let moves = ring.nodes.indices.compactMap { index -> String? in
            let name = Wording.printable(ring.nodes[index].name)
            switch (gives[index], takes[index]) {
            case (0, 0): return nil
            case (let count, 0): return "\(name) gives \(Wording.grouped(count))"
            case (0, let count): return "\(name) takes \(Wording.grouped(count))"
            case (let given, let taken):
                return "\(name) gives \(Wording.grouped(given)) and takes \(Wording.grouped(taken))"
            }
        }
        let title = transition.isAborting ? "the change goes back" : "the ring changes"
        return [
            Paint.doubtful(title, color: color)
                + ": partitions \(Wording.grouped(transition.current)) not begun, "
                + "\(Wording.grouped(transition.writeBoth)) transferring, "
                + "\(Wording.grouped(transition.readNext)) served by the new, "
                + "\(Wording.grouped(transition.next)) done or the same",
            "positions: " + moves.joined(separator: ", "),
            "henge ring progress --watch shows it go on",
        ]
    }

    private static func table(_ ring: RingView) -> Table {
        var table = Table([
            .init(""), .init("node"), .init("state"), .init("zone"), .init("weight", .right),
            .init("vnodes", .right), .init("share", .right), .init(""),
            .init("phi", .right), .init("last contact", .right), .init("resp"), .init("peer"),
        ])
        let largest = ring.nodes.map(\.share).max() ?? 0
        for (index, node) in ring.nodes.enumerated() {
            let bar = largest > 0 ? node.share / largest : 0
            table.add([
                Painted(String(Paint.letter(index)), .nodeFill(index)),
                Painted(node.name, .bold),
                Painted(node.state, paint(node.state)),
                Painted(node.zone.isEmpty ? "–" : node.zone),
                Painted(String(node.weight)),
                Painted(Wording.grouped(node.vnodes)),
                Painted(Wording.percent(node.share)),
                Painted(Bar.text(bar, width: barWidth, padded: true), .node(index)),
                Painted(node.phi.map { Wording.decimal($0, places: 1) } ?? "–", .faint),
                Painted(node.lastContact.map(ago) ?? "–", .faint),
                Painted(Wording.printable(node.resp)),
                Painted(Wording.printable(node.peer)),
            ])
        }
        return table
    }

    private static func ago(_ milliseconds: Int) -> String {
        "\(Wording.decimal(Double(milliseconds) / 1000, places: 1)) s ago"
    }

    private static func paint(_ state: String) -> Paint {
        switch state {
        case "up": .good
        case "down", "lost": .bad
        default: .doubtful
        }
    }

    /// Every position, 64 a line, each line with the number of its first.
    private static func strip(_ ring: RingView, color: Bool) -> [String] {
        let width = String(ring.owners.count).count
        return stride(from: 0, to: ring.owners.count, by: 64).map { first in
            let number = String(first)
            let padding = String(repeating: " ", count: width - number.count)
            let letters = ring.owners[first..<min(first + 64, ring.owners.count)].map { owner in
                Paint.nodeFill(owner)(String(Paint.letter(owner)), color: color)
            }
            return Paint.faint(padding + number, color: color) + "  " + letters.joined()
        }
    }
}
