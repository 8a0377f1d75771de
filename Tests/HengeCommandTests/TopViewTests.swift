import HengeClient
import HengeCommand
import NIOCore
import Testing

@Suite struct TopViewTests {
    private static func node(_ name: String, _ state: String, hints: Int64 = 0) -> HengeReply {
        var fields: [(String, HengeReply)] = [
            ("name", .bulk(name)), ("state", .bulk(state)), ("role", .bulk("member")),
            ("zone", .bulk("a")), ("resp", .bulk("127.0.0.1:6401")),
            ("answers", .boolean(state != "down")),
        ]
        if state != "down" {
            fields += [
                ("reads", .double(1200)), ("writes", .double(340.5)), ("errors", .double(0)),
                ("p50_us", .integer(420)), ("p99_us", .integer(3500)), ("in_flight", .integer(6)),
                ("keys", .integer(1000)), ("bytes", .integer(1 << 20)),
                ("hints_delivered", .double(0)), ("read_repairs", .double(0)),
                ("hints_paused", .boolean(false)), ("unverified", .integer(0)),
                (
                    "hints",
                    .array(
                        hints == 0
                            ? []
                            : [
                                .fields(
                                    ("node", .bulk("n2")), ("count", .integer(hints)),
                                    ("bytes", .integer(2048)), ("oldest_ms", .integer(65_000)))
                            ])
                ),
                (
                    "comparing",
                    .array([
                        .fields(
                            ("node", .bulk("n3")), ("differing", .integer(40)),
                            ("left", .integer(10)))
                    ])
                ),
            ]
        }
        return .map(fields.map { HengeReply.Entry(key: .bulk($0.0), value: $0.1) })
    }

    private static func key(_ index: Int) -> HengeReply {
        .fields(
            ("token", .bulk("00000000000000\(10 + index)")), ("bucket", .bulk("default")),
            ("key", .bulk("user:\(index)\u{1B}[2J")), ("cut", .boolean(false)),
            ("reads", .integer(Int64(900 - index))), ("writes", .integer(100)),
            ("bytes", .integer(5000)), ("error", .integer(index == 0 ? 0 : 7))
        )
    }

    private static func reply(totals: HengeReply? = nil, heat: Bool = true) -> HengeReply {
        .fields(
            ("node", .bulk("n1")), ("cluster", .bulk("00c0ffee00c0ffee")), ("epoch", .integer(4)),
            ("time_ms", .integer(1_700_000_000_000)),
            ("totals", totals ?? Self.totals(errors: 2)),
            (
                "nodes",
                .array([node("n1", "up", hints: 1234), node("n2", "down"), node("n3", "up")])
            ),
            ("change", .null),
            (
                "heat",
                heat
                    ? .fields(
                        ("seconds", .integer(75)), ("reads", .integer(10_000)),
                        ("writes", .integer(2_000)), ("keys", .array((0..<24).map(key))))
                    : .null
            )
        )
    }

    private static func totals(errors: Double) -> HengeReply {
        .fields(
            ("reads", .double(3600)), ("writes", .double(1021.5)), ("errors", .double(errors)),
            ("read_p50_us", .integer(400)), ("read_p99_us", .integer(2500)),
            ("write_p50_us", .null), ("write_p99_us", .integer(1_200_000))
        )
    }

    @Test("it shows what the node sees")
    func story() throws {
        let overview = try OverviewView(Self.reply())
        #expect(overview.membersUp == 2 && overview.members == 3)
        #expect(overview.nodes[1].keys == nil && overview.nodes[1].isDown)
        let lines = TopView(overview).lines(width: 120, height: 50, color: false)
        let text = lines.joined(separator: "\n")
        for part in [
            "cluster 00c0ffee, as n1 sees it · epoch 4", "nodes 2 of 3 up", "reads 3,600/s",
            "errors 2.0/s", "reads p50 400 µs p99 2.5 ms", "writes p50 – p99 1.2 s",
            "n1 keeps 1,234 hints, 2.00 KiB, for n2, the oldest 1 min 5 s old",
            "n1 with n3", "30 of 40 differing partitions mended", "hot key",
        ] {
            #expect(text.contains(part), "\(part) in\n\(text)")
        }
        let down = try #require(lines.first { $0.hasPrefix("n2") })
        #expect(down.contains("down") && down.contains("–"))
    }

    @Test("it is never higher than the terminal, and keys take what is left")
    func heights() throws {
        let view = TopView(try OverviewView(Self.reply()))
        for height in 1...60 {
            let lines = view.lines(width: 80, height: height, color: true)
            #expect(lines.count <= height && !lines.isEmpty, "height \(height)")
        }
        let keys = view.lines(width: 80, height: 40, color: false).filter { $0.hasPrefix("user:") }
        #expect(keys.count > 10 && keys.count < 24)
    }

    @Test("no name can steer the terminal")
    func hostile() throws {
        let view = TopView(try OverviewView(Self.reply()))
        for line in view.lines(width: 120, height: 50, color: false) {
            #expect(!line.contains("\u{1B}"), "\(line)")
        }
    }

    @Test("without rates, without heat, and while nobody answers it says so")
    func little() throws {
        var view = TopView(try OverviewView(Self.reply(totals: .null, heat: false)))
        let first = view.lines(width: 100, height: 24, color: false).joined(separator: "\n")
        #expect(first.contains("rates in a second") && !first.contains("hot key"))
        view.update(try OverviewView(Self.reply()))
        view.update(try OverviewView(Self.reply(totals: Self.totals(errors: 0))))
        let lines = view.lines(width: 100, height: 24, color: false, silence: 9)
        #expect(lines[0].contains("no node answers since 9 s"))
        #expect(lines.contains { $0.hasPrefix("requests/s ██") })
    }

    @Test("a curve is as high as its values")
    func sparkline() {
        #expect(Sparkline.text([0, 1, 4, 7.9, 8]) == "▁▂▅██")
        #expect(Sparkline.text([0, 0]) == "▁▁")
        #expect(Sparkline.text([.nan, 2]) == " █")
        #expect(Sparkline.text([Double]()).isEmpty)
    }
}
