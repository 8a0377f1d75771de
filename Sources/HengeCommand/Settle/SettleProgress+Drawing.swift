extension SettleProgress {
    /// So many things that are left are named in one line.
    private static let namedMax = 4

    /// - Parameter elapsedMs: since the wait began.
    /// - Returns: a headline, and a line for each thing that a node has still to do.
    package func lines(elapsedMs: Int, color: Bool) -> [String] {
        var table = Table([
            .init("node"), .init("has still"), .init("left", .right), .init("size", .right),
            .init(""),
        ])
        for (node, left) in all {
            table.add([
                Painted(Wording.printable(node), .bold), Painted(left.work),
                Painted(left.isCounted ? Wording.grouped(left.count) : ""),
                Painted(left.bytes.map { Wording.bytes($0) } ?? ""),
                Painted(left.reason ?? "", .doubtful),
            ])
        }
        let headline = "settling for \(HintsView.age(elapsedMs)): \(counts)"
        return [headline] + (all.isEmpty ? [] : table.lines(color: color))
    }

    /// One line for a log.
    package var line: String {
        ([counts] + phrases).joined(separator: "; ")
    }

    package func result(elapsedMs: Int) -> String {
        "settled in \(HintsView.age(elapsedMs)): what \(nodes.count) nodes had to deliver, "
            + "transfer and compare is done"
    }

    /// The failure when time is up.
    package func tooLate(elapsedMs: Int) -> CommandFailure {
        CommandFailure(
            .timedOut,
            "not settled after \(HintsView.age(elapsedMs)): \(phrases.joined(separator: "; ")); "
                + "it goes on by itself: wait again, or see henge ring show"
        )
    }

    package func json(elapsedMs: Int) -> JSON {
        .object(
            ("settled", .boolean(isDone)),
            ("seconds", .number(Double(elapsedMs) / 1000)),
            ("nodes", .array(nodes.map { .string($0.name) })),
            ("left", .array(all.map { $0.left.json(of: $0.node) }))
        )
    }

    private var counts: String {
        "\(nodes.count(where: \.isSettled)) of \(nodes.count) nodes have done what they had to"
    }

    /// What is left: nodes that can't be asked, then what waits, then what goes on. Comparisons
    /// that wait for all else say nothing of their own.
    private var phrases: [String] {
        let first = all.filter { !$0.left.waitsForAll }
        let sorted = (first.isEmpty ? all : first).enumerated()
            .sorted { ($0.element.left.rank, $0.offset) < ($1.element.left.rank, $1.offset) }
        let waiting = sorted.map(\.element)
        var phrases = waiting.prefix(Self.namedMax).map { node, left in
            let reason = left.reason.map { " (\($0))" } ?? ""
            let count = left.isCounted ? ": \(Wording.grouped(left.count)) left" : ""
            return "\(Wording.printable(node)) has still \(left.work)\(count)\(reason)"
        }
        if waiting.count > Self.namedMax { phrases.append("\(waiting.count - Self.namedMax) more") }
        return phrases
    }

    private var all: [(node: String, left: Left)] {
        nodes.flatMap { node in node.left.map { (node.name, $0) } }
    }
}

extension SettleProgress.Left {
    /// To be read after "has still".
    fileprivate var work: String {
        let other = Wording.printable(peer ?? "another node")
        return switch kind {
        case "hints": "to deliver hints to \(other)"
        case "transfers": "to take over partitions"
        case "change": "to see the change of the ring through"
        case "drops": "to drop partitions that it holds no more"
        case Self.comparisons: "to compare partitions with \(other)"
        case Self.answer: "to answer"
        case Self.ring: "to adopt the ring of epoch \(count)"
        default: Wording.printable(kind)
        }
    }

    fileprivate var waitsForAll: Bool { kind == Self.comparisons && wait == "hints" }

    fileprivate var rank: Int { kind == Self.answer ? 0 : wait != nil ? 1 : 2 }

    fileprivate var isCounted: Bool { kind != Self.answer && kind != Self.ring }

    fileprivate var reason: String? {
        let other = Wording.printable(waitFor ?? "a node")
        return switch wait {
        case nil: nil
        case "down": "\(other) is down"
        case "paused": "paused; henge hints resume goes on"
        case "hints": "hints and changes of the ring come first, at all nodes"
        case "counting": "its records are being counted"
        case "adoption": "replicas have to hear of the step"
        case "source": "\(other) is not up"
        case "budget": "clients' requests come first"
        case "storage": "its disk is full or slow"
        case "held": "it hands over what it holds for others"
        case let other?: Wording.printable(other)
        }
    }

    fileprivate func json(of node: String) -> JSON {
        .object(
            ("node", .string(node)), ("kind", .string(kind)),
            ("for", peer.map { .string($0) } ?? .null), ("count", .integer(count)),
            ("bytes", bytes.map { .integer($0) } ?? .null),
            ("wait", wait.map { .string($0) } ?? .null),
            ("wait_for", waitFor.map { .string($0) } ?? .null)
        )
    }
}
