/// What `henge top` shows: an overview and what came before it, in as many lines as there are.
package struct TopView: Sendable {
    /// Seconds that are remembered for the curves.
    private static let historyMax = 600

    package private(set) var overview: OverviewView
    private var rates: [Double] = []
    private var delays: [Double] = []

    package init(_ overview: OverviewView) {
        self.overview = overview
        remember()
    }

    /// Takes what was seen a second later.
    package mutating func update(_ overview: OverviewView) {
        self.overview = overview
        remember()
    }

    private mutating func remember() {
        guard let totals = overview.totals else { return }
        rates.append(totals.reads + totals.writes)
        delays.append(Double(max(totals.readP99 ?? 0, totals.writeP99 ?? 0)))
        if rates.count > Self.historyMax { rates.removeFirst() }
        if delays.count > Self.historyMax { delays.removeFirst() }
    }

    /// - Parameters:
    ///   - width: of the place, in characters; lines may be longer.
    ///   - height: lines at most, 1 at least; what is least needed is left out.
    ///   - silence: how long nobody has answered, in seconds; nil while somebody does.
    package func lines(width: Int, height: Int, color: Bool, silence: Int? = nil) -> [String] {
        var lines = [headline(color: color, silence: silence)]
        lines += totals(color: color)
        if height >= 20 { lines += curves(width: width, color: color) }
        lines += [""] + nodeTable(width: width).lines(color: color)
        for part in [transfers(color: color), hints(color: color), repairs] where !part.isEmpty {
            lines += [""] + part
        }
        let left = height - lines.count - 2
        if left > 0, !overview.hotKeys.isEmpty {
            lines += [""] + hotKeys(rows: left - 1, width: width).lines(color: color)
        }
        return Array(lines.prefix(max(1, height)))
    }

    // MARK: The head

    private func headline(color: Bool, silence: Int?) -> String {
        let seen =
            "cluster \(overview.cluster.prefix(8)), as \(Wording.printable(overview.node)) "
            + "sees it · epoch \(overview.epoch) · q ends"
        let title = Paint.bold("henge top", color: color)
        guard let silence else { return "\(title) · \(seen)" }
        let note = Paint.bad("no node answers since \(silence) s", color: color)
        return "\(title) · \(note) · \(seen)"
    }

    private func totals(color: Bool) -> [String] {
        let allUp = overview.membersUp == overview.members
        let up = "\(overview.membersUp) of \(overview.members) up"
        var first = "nodes " + (allUp ? Paint.good : Paint.bad)(up, color: color)
        guard let totals = overview.totals else { return [first + "   rates in a second"] }
        first += "   reads \(Self.rate(totals.reads))/s   writes \(Self.rate(totals.writes))/s   "
        let errors = "errors \(Self.rate(totals.errors))/s"
        first += totals.errors > 0 ? Paint.bad(errors, color: color) : errors
        let second =
            "reads p50 \(Self.delay(totals.readP50)) p99 \(Self.delay(totals.readP99))   "
            + "writes p50 \(Self.delay(totals.writeP50)) p99 \(Self.delay(totals.writeP99))"
        return [first, second]
    }

    private func curves(width: Int, color: Bool) -> [String] {
        let room = min(Self.historyMax, max(10, width - 34))
        let most = rates.suffix(room).max() ?? 0
        let slowest = delays.suffix(room).max() ?? 0
        return [
            "requests/s " + Paint.good(Sparkline.text(rates.suffix(room)), color: color)
                + " up to \(Self.rate(most))",
            "slower p99 " + Paint.doubtful(Sparkline.text(delays.suffix(room)), color: color)
                + " up to \(Self.delay(Int(slowest)))",
        ]
    }

    // MARK: Nodes

    private func nodeTable(width: Int) -> Table {
        let hasZones = overview.nodes.contains { !$0.zone.isEmpty }
        // The rest has no room on a narrow terminal.
        let isWide = width >= 100
        var columns: [Table.Column] = [.init("node"), .init("state")]
        if hasZones { columns.append(.init("zone")) }
        columns += [
            .init("reads/s", .right), .init("writes/s", .right), .init("errors/s", .right),
            .init("p50", .right), .init("p99", .right), .init("hints", .right),
        ]
        if isWide {
            columns += [.init("in flight", .right), .init("keys", .right), .init("bytes", .right)]
        }
        var table = Table(columns)
        for node in overview.nodes {
            var cells = [
                Painted(Wording.printable(node.name, limit: 20), .bold), Self.state(node),
            ]
            if hasZones { cells.append(Painted(Wording.printable(node.zone, limit: 16))) }
            cells += [
                Painted(Self.rate(node.reads)), Painted(Self.rate(node.writes)),
                Painted(Self.rate(node.errors), (node.errors ?? 0) > 0 ? .bad : .plain),
                Painted(Self.delay(node.p50)), Painted(Self.delay(node.p99)),
                Painted(
                    node.answers ? Wording.grouped(node.hints.reduce(0) { $0 + $1.count }) : "–"),
            ]
            if isWide {
                cells += [
                    Painted(node.inFlight.map { Wording.grouped($0) } ?? "–"),
                    Painted(node.keys.map { Wording.grouped($0) } ?? "–"),
                    Painted(node.bytes.map { Wording.bytes($0) } ?? "–"),
                ]
            }
            table.add(cells)
        }
        return table
    }

    private static func state(_ node: OverviewView.Node) -> Painted {
        let isSilent = !node.answers && !node.isDown && !node.isCandidate
        let text = Wording.printable(node.state) + (isSilent ? ", silent" : "")
        switch node.state {
        case "up" where !isSilent: return Painted(text, .good)
        case "down": return Painted(text, .bad)
        default: return Painted(text, .doubtful)
        }
    }

    // MARK: Work in the background

    private func transfers(color: Bool) -> [String] { overview.change?.lines(color: color) ?? [] }

    private func hints(color: Bool) -> [String] {
        let delivered = overview.nodes.reduce(0) { $0 + ($1.hintsDelivered ?? 0) }
        var lines: [String] = []
        for node in overview.nodes {
            for hints in node.hints {
                let paused = node.hintsPaused ? Paint.doubtful(", paused", color: color) : ""
                lines.append(
                    "\(Wording.printable(node.name)) keeps \(Wording.grouped(hints.count)) hints, "
                        + "\(Wording.bytes(hints.bytes)), for \(Wording.printable(hints.target)), "
                        + "the oldest \(HintsView.age(hints.oldestMilliseconds)) old\(paused)"
                )
            }
        }
        if delivered > 0 { lines.append("hints delivered: \(Self.rate(delivered))/s") }
        return lines
    }

    private var repairs: [String] {
        var lines: [String] = []
        for node in overview.nodes {
            for comparing in node.comparing where comparing.differing > 0 {
                let done = comparing.differing - comparing.left
                let share = Double(done) / Double(comparing.differing)
                lines.append(
                    "\(Wording.printable(node.name)) with \(Wording.printable(comparing.peer)) "
                        + "\(Bar.text(share, width: 20, padded: true)) \(Wording.grouped(done)) of "
                        + "\(Wording.grouped(comparing.differing)) differing partitions mended"
                )
            }
        }
        let repaired = overview.nodes.reduce(0) { $0 + ($1.readRepairs ?? 0) }
        if repaired > 0 { lines.append("replicas mended by reads: \(Self.rate(repaired))/s") }
        return lines
    }

    // MARK: Hot keys

    private func hotKeys(rows: Int, width: Int) -> Table {
        var table = Table([
            .init("hot key"), .init("bucket"), .init("requests", .right), .init("±", .right),
            .init("share", .right), .init(""),
        ])
        let most = max(1, overview.hotKeys.map(\.requests).max() ?? 1)
        // The other columns, the bar among them where there is room for one.
        let isWide = width >= 80
        let room = max(12, min(48, width - (isWide ? 56 : 44)))
        for key in overview.hotKeys.prefix(max(0, rows)) {
            let name = key.key.map { Wording.printable($0, limit: room) + (key.isCut ? "…" : "") }
            let share = Double(key.requests) / Double(max(1, overview.hotRequests))
            table.add([
                Painted(name ?? "token \(key.token.prefix(8))…"),
                Painted(key.bucket.map { Wording.printable($0, limit: 12) } ?? ""),
                Painted(Wording.grouped(key.requests)),
                Painted(key.error > 0 ? Wording.grouped(key.error) : "", .faint),
                Painted(Wording.percent(share)),
                Painted(isWide ? Bar.text(Double(key.requests) / Double(most), width: 10) : ""),
            ])
        }
        return table
    }

    // MARK: Numbers

    private static func rate(_ number: Double?) -> String {
        guard let number else { return "–" }
        if number > 0, number < 10 { return Wording.decimal(number, places: 1) }
        return Wording.grouped(Int(min(max(0, number), 1e15).rounded()))
    }

    /// - Parameter microseconds: nil where nothing was asked for.
    private static func delay(_ microseconds: Int?) -> String {
        guard let microseconds else { return "–" }
        if microseconds < 1_000 { return "\(microseconds) µs" }
        let milliseconds = Double(microseconds) / 1_000
        return milliseconds < 1_000
            ? "\(Wording.decimal(milliseconds, places: milliseconds < 10 ? 1 : 0)) ms"
            : "\(Wording.decimal(milliseconds / 1_000, places: 1)) s"
    }
}
