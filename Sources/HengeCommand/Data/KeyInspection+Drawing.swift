extension KeyInspection {
    /// Marks for different digests, in order of first appearance, so that equal ones are seen at
    /// a glance.
    static let marks: [Character] = ["●", "▲", "■", "◆", "★", "✚", "○", "△"]

    package func lines(color: Bool) -> [String] {
        let faint = { (text: String) in Paint.faint(text, color: color) }
        let arrow = preferenceList.joined(separator: " → ")
        var lines = [
            "\(faint("key"))         \(Wording.printable(key))  "
                + faint("in bucket \(Wording.printable(bucket))"),
            "\(faint("token"))       \(token)",
            "\(faint("slot"))        \(slot)",
            "\(faint("partition"))   \(partition)",
            "\(faint("preference"))  \(arrow)", "",
        ]
        lines += table.lines(color: color)
        lines.append("")
        lines.append(verdict.rendered(color: color))
        return lines
    }

    private var table: Table {
        var table = Table([
            .init("replica"), .init("state"), .init("version"), .init("siblings", .right),
            .init("tombstone"), .init("digest"),
        ])
        let digests = distinctDigests
        for replica in replicas {
            let present = replica.state == "present"
            table.add([
                Painted(replica.node, .bold),
                Painted(Wording.printable(replica.state), paint(replica)),
                Painted(replica.version),
                Painted(present ? String(replica.siblings) : "–"),
                Painted(present ? (replica.isTombstone ? "yes" : "no") : "–"),
                digest(replica, among: digests),
            ])
        }
        return table
    }

    private func paint(_ replica: Replica) -> Paint {
        switch replica.state {
        case "present": .good
        case "absent": .doubtful
        default: .bad
        }
    }

    private func digest(_ replica: Replica, among digests: [String]) -> Painted {
        guard let digest = replica.digest, let index = digests.firstIndex(of: digest) else {
            return Painted("–", .faint)
        }
        let mark = Self.marks[index % Self.marks.count]
        return Painted("\(mark) \(Wording.printable(digest, limit: 16))", .node(index))
    }

    private var distinctDigests: [String] {
        var seen: [String] = []
        for case let digest? in replicas.map(\.digest) where !seen.contains(digest) {
            seen.append(digest)
        }
        return seen
    }

    /// What the table means, in one line.
    package var verdict: Painted {
        let present = replicas.filter { $0.state == "present" }
        let absent = replicas.filter { $0.state == "absent" }
        let silent = replicas.count - present.count - absent.count
        let doubt = silent > 0 ? "; \(silent) of \(replicas.count) could not be asked" : ""
        guard !present.isEmpty else {
            return Painted("no replica that answered holds the key\(doubt)", .faint)
        }
        let versions = distinctDigests.count
        if absent.isEmpty, versions <= 1 {
            let who = silent > 0 ? "the replicas that answered agree" : "all replicas agree"
            return Painted(who + doubt, silent > 0 ? .doubtful : .good)
        }
        let differences = [
            versions > 1 ? "\(versions) different versions" : nil,
            absent.isEmpty ? nil : "\(absent.count) of \(replicas.count) replicas lack the key",
        ].compactMap { $0 }
        return Painted(
            "the replicas differ: " + differences.joined(separator: ", ")
                + "; henge get --consistency all mends them" + doubt,
            .doubtful
        )
    }
}
