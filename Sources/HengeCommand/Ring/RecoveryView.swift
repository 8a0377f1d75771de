package import HengeClient

/// What an unsafe recovery would cost, from `HENGE.RING LOSS`.
package struct RecoveryView: Equatable, Sendable {
    package struct Refusal: Equatable, Sendable {
        package var code: String
        package var reason: String

        package init(code: String, reason: String) {
            self.code = code
            self.reason = reason
        }
    }

    package var cluster: String
    package var epoch: Int
    package var lost: [String]
    package var survivors: [String]
    package var partitions: Int
    /// Nobody that holds them is left.
    package var partitionsGone: Int
    /// A write at QUORUM may have been on lost nodes alone.
    package var partitionsInDoubt: Int
    /// Only what was written below QUORUM may be gone.
    package var partitionsThinned: Int
    package var refusals: [Refusal]

    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        cluster = try fields.string("cluster")
        epoch = try fields.integer("epoch")
        lost = try fields.strings("lost")
        survivors = try fields.strings("survivors")
        partitions = try fields.integer("partitions")
        partitionsGone = try fields.integer("partitions_gone")
        partitionsInDoubt = try fields.integer("partitions_in_doubt")
        partitionsThinned = try fields.integer("partitions_thinned")
        refusals = []
        for entry in try fields.maps("refusals") {
            refusals.append(
                Refusal(code: try entry.string("code"), reason: try entry.string("reason"))
            )
        }
    }

    package func lines(color: Bool) -> [String] {
        let lostNames = Self.list(lost)
        var lines = [
            "unsafe recovery of cluster \(Wording.printable(cluster)) from epoch \(epoch):",
            "  given up for lost, for good: \(Paint.bad(lostNames, color: color))",
            "  go on without them: \(Self.list(survivors))",
            "",
            "what is lost, of \(Wording.grouped(partitions)) partitions:",
        ]
        lines += [
            line(
                partitionsGone,
                "all that was in them: no node that holds them is left. How many keys that is, "
                    + "nobody who is left knows. They begin anew, empty",
                .bad,
                color
            ),
            line(
                partitionsInDoubt,
                "maybe acknowledged writes, also at QUORUM: so many replicas are lost that a write "
                    + "may have been on those alone",
                .doubtful,
                color
            ),
            line(
                partitionsThinned,
                "maybe writes that were acknowledged below QUORUM, such as ONE",
                .doubtful,
                color
            ),
        ]
        let untouched = partitions - partitionsGone - partitionsInDoubt - partitionsThinned
        lines.append(line(untouched, "nothing", .good, color))
        lines += [
            "",
            "If \(lostNames) still run somewhere, cut off from here, they serve on by the older "
                + "ring until they meet",
            "one of those that are left; then they stop, and what was written there since is lost. "
                + "See that they are off.",
        ]
        lines += refusals.map { refusal in
            Paint.bad("refused: \(Wording.printable(refusal.reason, limit: 500))", color: color)
        }
        return lines
    }

    private func line(_ count: Int, _ what: String, _ paint: Paint, _ color: Bool) -> String {
        let number = Wording.grouped(count)
        let padding = String(repeating: " ", count: max(0, 7 - number.count))
        return padding + (count > 0 ? paint(number, color: color) : number) + "  " + what
    }

    private static func list(_ names: [String]) -> String {
        names.map { Wording.printable($0) }.joined(separator: ", ")
    }
}
