package import HengeClient

/// The hints of a cluster's nodes, from `HENGE.HINTS` of each.
package struct HintsView: Equatable, Sendable {
    /// What one holder keeps for one node.
    package struct Target: Equatable, Sendable {
        package var node: String
        package var count: Int
        package var bytes: Int
        /// Age of the oldest in milliseconds.
        package var oldestMs: Int?
    }

    package struct Holder: Equatable, Sendable {
        package var node: String
        package var isPaused: Bool
        package var targets: [Target]
        package var stored: Int
        package var delivered: Int
        package var expired: Int
        package var dropped: Int
        package var bytesDelivered: Int

        package init(_ reply: HengeReply) throws(ReplyFields.Fault) {
            let fields = try ReplyFields(reply)
            node = try fields.string("node")
            isPaused = try fields.boolean("paused")
            targets = []
            for target in try fields.maps("targets") {
                targets.append(
                    Target(
                        node: try target.string("node"),
                        count: try target.integer("count"),
                        bytes: try target.integer("bytes"),
                        oldestMs: target.optionalInteger("oldest_ms")
                    )
                )
            }
            stored = try fields.integer("stored")
            delivered = try fields.integer("delivered")
            expired = try fields.integer("expired")
            dropped = try fields.integer("dropped")
            bytesDelivered = try fields.integer("bytes_delivered")
        }
    }

    package var holders: [Holder]
    /// Nodes without an answer.
    package var unreached: [String]

    package init(holders: [Holder], unreached: [String]) {
        self.holders = holders
        self.unreached = unreached
    }

    package var count: Int { holders.reduce(0) { $0 + $1.targets.reduce(0) { $0 + $1.count } } }
    package var bytes: Int { holders.reduce(0) { $0 + $1.targets.reduce(0) { $0 + $1.bytes } } }

    // MARK: Drawing

    package var json: JSON {
        .object(
            ("count", .integer(count)),
            ("bytes", .integer(bytes)),
            ("nodes", .array(holders.map(Self.json))),
            ("unreached", .array(unreached.map { .string($0) }))
        )
    }

    private static func json(_ holder: Holder) -> JSON {
        let targets = holder.targets.map { target in
            JSON.object(
                ("node", .string(target.node)),
                ("count", .integer(target.count)),
                ("bytes", .integer(target.bytes)),
                ("oldest_ms", target.oldestMs.map { .integer($0) } ?? .null)
            )
        }
        return .object(
            ("node", .string(holder.node)),
            ("paused", .boolean(holder.isPaused)),
            ("targets", .array(targets)),
            ("stored", .integer(holder.stored)),
            ("delivered", .integer(holder.delivered)),
            ("expired", .integer(holder.expired)),
            ("dropped", .integer(holder.dropped)),
            ("bytes_delivered", .integer(holder.bytesDelivered))
        )
    }

    package func lines(color: Bool) -> [String] {
        var lines = count == 0 ? ["no hints are waiting"] : table.lines(color: color)
        lines.append(totals)
        for holder in holders where holder.isPaused {
            lines.append("\(holder.node) has paused delivery; henge hints resume goes on")
        }
        if !unreached.isEmpty {
            lines.append("no answer from \(unreached.joined(separator: ", "))")
        }
        return lines
    }

    private var table: Table {
        var table = Table([
            .init("holder"), .init("for"), .init("hints", .right), .init("size", .right),
            .init("oldest", .right),
        ])
        for holder in holders {
            for target in holder.targets {
                table.add([
                    Painted(Wording.printable(holder.node)),
                    Painted(Wording.printable(target.node)),
                    Painted(Wording.grouped(target.count)),
                    Painted(Wording.bytes(target.bytes)),
                    Painted(target.oldestMs.map(Self.age) ?? ""),
                ])
            }
        }
        return table
    }

    private var totals: String {
        func total(_ part: (Holder) -> Int) -> Int { holders.reduce(0) { $0 + part($1) } }
        return "since their starts: \(Wording.grouped(total(\.stored))) stored, "
            + "\(Wording.grouped(total(\.delivered))) delivered "
            + "(\(Wording.bytes(total(\.bytesDelivered)))), "
            + "\(Wording.grouped(total(\.expired))) expired, "
            + "\(Wording.grouped(total(\.dropped))) dropped"
    }

    /// `850 ms`, `12 s`, `3 min 5 s`, `2 h 10 min`.
    package static func age(_ milliseconds: Int) -> String {
        let seconds = milliseconds / 1000
        switch seconds {
        case ..<1: return "\(milliseconds) ms"
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
        default: return "\(seconds / 3600) h \(seconds / 60 % 60) min"
        }
    }
}
