/// How far a repair is: which ranges all their replicas have verified since it began, and what that
/// took.
package struct RepairProgress: Equatable, Sendable {
    package private(set) var verified = 0
    package private(set) var ranges = 0
    /// Since the repair began.
    package private(set) var totals = EntropyTotals()
    package private(set) var unreached: [String] = []
    package private(set) var elapsedMs = 0
    /// What each node counted before, by name.
    private let before: [String: EntropyTotals]

    /// - Parameter view: from before the repair began.
    package init(before view: EntropyView) {
        before = view.nodes.reduce(into: [:]) { $0[$1.name] = $1.totals }
    }

    /// - Parameters:
    ///   - elapsedMs: from the beginning of the repair until the nodes were asked, in
    ///     milliseconds. What a node verified less long ago than this it verified since.
    package mutating func update(_ view: EntropyView, elapsedMs: Int) {
        self.elapsedMs = elapsedMs
        ranges = view.ranges.count
        verified = view.verified(within: elapsedMs)
        unreached = view.unreached
        totals = view.nodes.reduce(into: EntropyTotals()) { sum, node in
            sum.add(node.totals.since(before[node.name] ?? EntropyTotals()))
        }
    }

    package var isDone: Bool { ranges > 0 && verified == ranges }

    private var counts: String {
        "\(Wording.grouped(verified)) of \(Wording.grouped(ranges)) ranges verified"
    }

    private var differences: String {
        let count = totals.differences
        return "\(Wording.grouped(count)) \(count == 1 ? "difference" : "differences")"
    }

    /// One line for a terminal, short enough for 80 columns mostly.
    package func bar(width: Int, color: Bool) -> String {
        let share = ranges > 0 ? Double(verified) / Double(ranges) : 0
        let bar = Paint.good(Bar.text(share, width: width, padded: true), color: color)
        return "\(bar) \(counts), \(differences), \(HintsView.age(elapsedMs))"
    }

    /// One line for a log.
    package var line: String { "\(counts), \(differences), \(HintsView.age(elapsedMs))" }

    package var result: String {
        "\(Wording.grouped(ranges)) ranges verified in \(HintsView.age(elapsedMs)); "
            + "\(differences) mended with \(Wording.grouped(totals.received)) records; "
            + totals.traffic
    }

    /// The failure when time is up.
    package var tooLate: CommandFailure {
        let names = unreached.map { Wording.printable($0) }.joined(separator: ", ")
        let silent = names.isEmpty ? "" : "; no answer from \(names)"
        return CommandFailure(
            .timedOut,
            "only \(counts) after \(HintsView.age(elapsedMs))\(silent); the repair goes on: "
                + "henge report entropy shows how far it is"
        )
    }

    package var json: JSON {
        .object(
            [
                .init("verified", .integer(verified)), .init("ranges", .integer(ranges)),
                .init("seconds", .number(Double(elapsedMs) / 1000)),
                .init("differences", .integer(totals.differences)),
                .init("bytes_raw", .integer(totals.bytesRaw)),
                .init("bytes_compressed", .integer(totals.bytesCompressed)),
            ] + totals.jsonFields
        )
    }
}
