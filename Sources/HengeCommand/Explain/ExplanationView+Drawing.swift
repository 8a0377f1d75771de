extension ExplanationView {
    package func lines(color: Bool) -> [String] {
        var lines = head(color: color) + [""] + replicaTable.lines(color: color)
        if !steps.isEmpty { lines += [""] + timeline.lines(color: color) }
        lines += notes.map { Paint.faint($0, color: color) }
        return lines
    }

    // MARK: Head

    private func head(color: Bool) -> [String] {
        let faint = { (text: String) in Paint.faint(text, color: color) }
        let name = Wording.printable(key)
        var lines = [
            "\(faint("command"))      \(Wording.printable(command)) \(name)  "
                + faint("in bucket \(Wording.printable(bucket))"),
            "\(faint("token"))        \(token)",
            "\(faint("slot"))         \(slot)",
            "\(faint("partition"))    \(partition)  " + faint("at epoch \(epoch)"),
            "\(faint("coordinator"))  \(whoCoordinated)",
            "\(faint("level"))        \(level)\(isSloppy ? " SLOPPY" : "")\(reachedText)",
        ]
        let words = Painted(outcomeText, isSuccess ? .good : .bad).rendered(color: color)
        let time = afterUs.map { "  " + faint("after \(Self.milliseconds($0)) ms") } ?? ""
        lines.append("\(faint("outcome"))      \(words)\(time)")
        return lines
    }

    private var whoCoordinated: String {
        guard let coordinator else { return "none" }
        guard let node, node != coordinator else { return Wording.printable(coordinator) }
        return "\(Wording.printable(coordinator)), to which \(Wording.printable(node)) forwarded it"
    }

    private var reachedText: String {
        var parts: [String] = []
        if let required = required.read {
            parts.append("\(reached.read ?? 0) replicas read, \(required) needed")
        }
        if let required = required.write {
            parts.append("stored on \(reached.write ?? 0), \(required) needed")
        }
        return parts.isEmpty ? "" : ": " + parts.joined(separator: "; ")
    }

    private var outcomeText: String {
        let text = Wording.printable(outcome)
        guard let answer, let siblings = answer.siblings, let bytes = answer.bytes else {
            return text
        }
        return "\(text): \(Self.size(siblings, bytes))"
    }

    // MARK: Replicas

    private var replicaTable: Table {
        let hasZones = replicas.contains { !$0.zone.isEmpty }
        var table = Table(
            [.init("replica"), .init("state"), .init("role")] + (hasZones ? [.init("zone")] : [])
        )
        for replica in replicas {
            let role = replica.home.map { "stands in for \(Wording.printable($0))" }
            let state: Paint =
                replica.state == "up" ? .good : replica.state == "down" ? .bad : .doubtful
            table.add([
                Painted(Wording.printable(replica.node), paint(of: replica.node)),
                Painted(Wording.printable(replica.state), state),
                Painted(role ?? Wording.printable(replica.role)),
                Painted(Wording.printable(replica.zone)),
            ])
        }
        return table
    }

    func paint(of node: String?) -> Paint {
        replicas.firstIndex { $0.node == node }.map { .node($0) } ?? .plain
    }

    // MARK: Time

    private var timeline: Table {
        let exchanges = ExplanationExchange.all(of: steps)
        let axis = ExplanationAxis(
            endUs: steps.map(\.afterUs).max() ?? 0,
            answerUs: afterUs
        )
        let wording = ExplanationWording(view: self)
        var table = Table([
            .init("ms", .right), .init("took", .right), .init("node"), .init("what"),
            .init(axis.title), .init("result"),
        ])
        for exchange in exchanges {
            let step = exchange.step
            table.add([
                Painted(Self.milliseconds(exchange.beganUs)),
                Painted(exchange.tookUs.map(Self.milliseconds) ?? ""),
                Painted(Wording.printable(step.node), paint(of: step.node)),
                Painted(wording.what(step)),
                Painted(axis.picture(exchange), paint(of: step.peer ?? step.node)),
                wording.result(exchange),
            ])
        }
        return table
    }

    private var notes: [String] {
        var notes: [String] = []
        if let node, let coordinator, node != coordinator {
            notes.append("times of \(coordinator) are estimates, by the time that \(node) waited")
        }
        if node == nil {
            notes.append("the node was explaining too many requests; this one was carried out")
        } else if isCut {
            notes.append("there was more than is shown")
        }
        return notes.isEmpty ? [] : [""] + notes.map { Wording.printable($0) }
    }

    static func milliseconds(_ us: Int) -> String {
        Wording.decimal(Double(us) / 1000, places: 3)
    }

    static func size(_ siblings: Int, _ bytes: Int) -> String {
        "\(siblings) sibling\(siblings == 1 ? "" : "s"), \(Wording.bytes(bytes))"
    }
}
