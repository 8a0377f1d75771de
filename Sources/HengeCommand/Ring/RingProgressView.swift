package import HengeClient

/// How far the change that is running is, from `HENGE.RING PROGRESS`.
package struct RingProgressView: Equatable, Sendable {
    package struct Node: Equatable, Sendable {
        package var name: String
        package var state: String
        package var partitionsDone: Int
        package var partitionsLeft: Int
        package var keysDone: Int
        /// An estimate; nil while nobody knows.
        package var keysLeft: Int?
        package var bytesDone: Int
        package var bytesLeft: Int
        package var bytesPerSecond: Int
        package var secondsLeft: Double?
        package var recordsSkipped: Int
        /// `waiting`, `transferring` or `done`; nil when it takes nothing over.
        package var job: String?
        /// Why it waits.
        package var wait: String?
        /// For whom.
        package var waitFor: String?

        var partitions: Int { partitionsDone + partitionsLeft }
    }

    package var epoch: Int
    package var isRunning: Bool
    package var isAborting: Bool
    /// Partitions that get another replica.
    package var partitions: Int
    package var current: Int
    package var writeBoth: Int
    package var readNext: Int
    package var next: Int
    /// Partitions of which too few new replicas are there to begin, and the names of those.
    package var partitionsWaiting: Int
    package var waitingFor: [String]
    package var bytesLeft: Int
    package var bytesPerSecond: Int
    package var secondsLeft: Double?
    package var nodes: [Node]

    package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
        let fields = try ReplyFields(reply)
        epoch = try fields.integer("epoch")
        isRunning = try fields.boolean("running")
        isAborting = try fields.boolean("aborting")
        partitions = try fields.integer("partitions")
        let steps = try ReplyFields(fields.value("steps") ?? .null, of: "steps")
        current = try steps.integer("current")
        writeBoth = try steps.integer("write_both")
        readNext = try steps.integer("read_next")
        next = try steps.integer("next")
        partitionsWaiting = try fields.integer("partitions_waiting")
        waitingFor = try fields.strings("waiting_for")
        bytesLeft = try fields.integer("bytes_left")
        bytesPerSecond = try fields.integer("bytes_per_second")
        secondsLeft = try? fields.number("seconds_left")
        nodes = []
        for entry in try fields.maps("nodes") { nodes.append(try Node(entry)) }
    }
}

extension RingProgressView.Node {
    fileprivate init(_ fields: ReplyFields) throws(ReplyFields.Fault) {
        name = try fields.string("name")
        state = try fields.string("state")
        partitionsDone = try fields.integer("partitions_done")
        partitionsLeft = try fields.integer("partitions_left")
        keysDone = try fields.integer("keys_done")
        keysLeft = fields.optionalInteger("keys_left")
        bytesDone = try fields.integer("bytes_done")
        bytesLeft = try fields.integer("bytes_left")
        bytesPerSecond = try fields.integer("bytes_per_second")
        secondsLeft = try? fields.number("seconds_left")
        recordsSkipped = try fields.integer("records_skipped")
        job = fields.optionalString("job")
        wait = fields.optionalString("wait")
        waitFor = fields.optionalString("wait_for")
    }
}

// MARK: Drawing

extension RingProgressView {
    private static let barWidth = 20

    /// - Returns: a headline, the steps, and a line for each node that takes something over.
    package func lines(color: Bool) -> [String] {
        guard isRunning else { return ["no change of the ring runs; epoch \(epoch)"] }
        let bar = Bar.text(share, width: Self.barWidth, padded: true)
        let direction = isAborting ? "the change goes back" : "the ring changes"
        var lines = [
            "\(direction), epoch \(epoch)",
            "\(Paint.good(bar, color: color)) \(counts)",
        ]
        lines += table(color: color)
        if let waiting { lines.append(Paint.doubtful(waiting, color: color)) }
        let skipped = nodes.reduce(0) { $0 + $1.recordsSkipped }
        if skipped > 0 {
            let text = "\(Wording.grouped(skipped)) records could not be read at their sources"
            lines.append(Paint.bad(text, color: color))
        }
        for node in nodes where !["up", "joining", "leaving"].contains(node.state) {
            let text = "\(Wording.printable(node.name)) is \(Wording.printable(node.state))"
            lines.append(Paint.doubtful(text, color: color))
        }
        return lines
    }

    /// One line for a log.
    package var line: String {
        guard isRunning else { return "no change of the ring runs; epoch \(epoch)" }
        let left = secondsLeft.map { ", \(Self.time($0)) left" } ?? ""
        let waits = waiting.map { "; \($0)" } ?? ""
        return "epoch \(epoch): \(counts), \(Wording.bytes(bytesLeft)) left\(left)\(waits)"
    }

    private var waiting: String? {
        guard partitionsWaiting > 0 else { return nil }
        let names = waitingFor.map { Wording.printable($0) }.joined(separator: ", ")
        let giveUp = isAborting ? "" : ", or for henge ring abort"
        return "\(Wording.grouped(partitionsWaiting)) partitions wait for \(names) to be up and "
            + "reached by all\(giveUp)"
    }

    private var counts: String {
        "\(Wording.grouped(next)) of \(Wording.grouped(partitions)) partitions through "
            + "(\(Wording.grouped(current)) not begun, \(Wording.grouped(writeBoth)) transferring, "
            + "\(Wording.grouped(readNext)) served by the new)"
    }

    /// How much of what is to be taken over has been, or is through where nothing is.
    private var share: Double {
        let all = nodes.reduce(0) { $0 + $1.partitions }
        guard all > 0 else { return partitions > 0 ? Double(next) / Double(partitions) : 1 }
        return Double(nodes.reduce(0) { $0 + $1.partitionsDone }) / Double(all)
    }

    /// The last line of a watch.
    package func ending(wasAborting: Bool) -> String {
        let text = wasAborting ? "the change went back" : "the change is through"
        return "\(text); epoch \(epoch)"
    }

    private func table(color: Bool) -> [String] {
        let takers = nodes.filter { $0.partitions > 0 || $0.wait != nil }
        guard !takers.isEmpty else { return [] }
        var table = Table([
            .init("node"), .init(""), .init("partitions", .right), .init("keys", .right),
            .init("left", .right), .init("size", .right), .init("left", .right),
            .init("rate", .right), .init("time left", .right), .init(""),
        ])
        for node in takers {
            let share =
                node.partitions > 0
                ? Double(node.partitionsDone) / Double(node.partitions) : 0
            let total = Wording.grouped(node.partitions)
            table.add([
                Painted(Wording.printable(node.name), .bold),
                Painted(Bar.text(share, width: Self.barWidth, padded: true), .good),
                Painted("\(Wording.grouped(node.partitionsDone)) of \(total)"),
                Painted(Wording.grouped(node.keysDone)),
                Painted(node.keysLeft.map { Wording.grouped($0) } ?? "–"),
                Painted(Wording.bytes(node.bytesDone)),
                Painted(node.keysLeft == nil ? "–" : Wording.bytes(node.bytesLeft)),
                Painted("\(Wording.bytes(node.bytesPerSecond))/s"),
                Painted(node.secondsLeft.map { Self.time($0) } ?? "–"),
                Painted(Self.reason(node), .doubtful),
            ])
        }
        return table.lines(color: color)
    }

    private static func time(_ seconds: Double) -> String {
        HintsView.age(Int(min(max(0, seconds * 1000), 1e15)))
    }

    private static func reason(_ node: Node) -> String {
        switch node.wait {
        case nil: node.job == "waiting" ? "about to begin" : ""
        case "adoption": "waits for replicas to hear of the step"
        case "source": "waits for \(Wording.printable(node.waitFor ?? "a node")) to be up"
        case "budget": "waits: clients' requests come first"
        case "storage": "waits for its disk"
        case "held": "hands over what it holds for others, then it may leave"
        case let other?: "waits: \(Wording.printable(other))"
        }
    }
}
