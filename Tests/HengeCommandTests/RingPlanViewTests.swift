import HengeClient
import HengeCommand
import Testing

@Suite struct RingPlanViewTests {
    /// n3 leaves a ring of three, and n4 joins, which has not said what room it has.
    private func reply(refusals: [HengeReply] = []) -> HengeReply {
        .fields(
            ("id", .bulk("0badcafe")), ("epoch", .integer(3)), ("replicas", .integer(2)),
            ("partitions", .integer(4)),
            ("operations", .array([.bulk("add n4"), .bulk("remove n3")])),
            (
                "moves",
                .array([
                    .fields(
                        ("partition", .integer(3)), ("from", .bulk("n3")), ("to", .bulk("n4")))
                ])
            ),
            ("moves_lower_bound", .integer(1)), ("replica_moves", .integer(2)),
            ("replica_moves_lower_bound", .integer(2)), ("bytes", .integer(3 << 20)),
            ("bytes_per_second", .integer(1 << 20)), ("minutes", .double(0.05)),
            (
                "violations",
                .array([
                    .fields(
                        ("kind", .bulk("zone")), ("partitions_before", .integer(0)),
                        ("partitions", .integer(2)), ("fewest", .integer(1)),
                        ("possible", .integer(2)))
                ])
            ),
            ("refusals", .array(refusals)),
            ("replica_sets_before", .integer(3)), ("replica_sets_after", .integer(2)),
            (
                "nodes",
                .array([
                    node("n1", "stays", 2, 2, bytesIn: 0, free: 1 << 30),
                    node("n3", "leaves", 2, 1, bytesIn: 0, free: 1 << 30),
                    node("n4", "joins", 0, 1, bytesIn: 3 << 20, free: nil),
                ])
            ),
            ("owners_before", .array(["n1", "n3", "n1", "n3"].map { .bulk($0) })),
            ("owners_after", .array(["n1", "n3", "n1", "n4"].map { .bulk($0) }))
        )
    }

    private func node(
        _ name: String,
        _ role: String,
        _ before: Int64,
        _ after: Int64,
        bytesIn: Int64,
        free: Int64?
    ) -> HengeReply {
        .fields(
            ("name", .bulk(name)), ("role", .bulk(role)), ("zone", .bulk("")),
            ("weight", .integer(1)), ("vnodes_before", .integer(before)),
            ("vnodes_after", .integer(after)), ("share_before", .double(Double(before) / 4)),
            ("share_after", .double(Double(after) / 4)), ("keys_before", .integer(before * 1000)),
            ("keys_after", .integer(after * 1000)), ("bytes_before", .integer(before << 20)),
            ("bytes_after", .integer(after << 20)), ("bytes_in", .integer(bytesIn)),
            ("bytes_out", .integer(0)), ("disk_needed", .integer(bytesIn * 2)),
            ("disk_free", free.map { .integer($0) } ?? .null)
        )
    }

    @Test("a plan is drawn with both rings, each node before and after, and what it takes")
    func drawing() throws {
        let plan = try RingPlanView(reply())
        let lines = RingPlanDrawing.lines(plan, color: false)
        let text = lines.joined(separator: "\n")
        #expect(text.contains("before") && text.contains("after"))
        #expect(text.contains("plan 0badcafe from epoch 3: add n4, remove n3"))
        #expect(text.contains("1 of 4 vnodes move (1 must), and with them 2 partition replicas"))
        #expect(text.contains("3.00 MiB to transfer, about 3 s at 1.00 MiB/s for each node"))
        #expect(text.contains("distinct replica sets: 3 before, 2 after"))
        #expect(
            text.contains(
                "in 2 partitions replicas would share a zone (0 before): 1 of 2 possible "
                    + "zones at worst"))
        #expect(
            lines.contains {
                $0.contains("n3    leaves  –          1       2  → 1  50.0 %  → 25.0 %")
            })
        let room = lines.last { $0.contains("n4") }
        #expect(room?.contains("3.00 MiB  ████████████████    0 B       6.00 MiB") ?? false)
        #expect(room?.hasSuffix("unknown") ?? false)
        // The left ring has no node C, the right one has.
        let circles = lines.prefix { !$0.isEmpty }
        #expect(circles.allSatisfy { !$0.prefix(26).contains("C") })
        #expect(circles.contains { $0.dropFirst(30).contains("C") })
        #expect(!text.contains("\u{1B}") && !text.contains("refused"))
        let colored = RingPlanDrawing.lines(plan, color: true).joined(separator: "\n")
        #expect(stripped(colored) == text)
    }

    private func stripped(_ text: String) -> String {
        text.replacing(/\u{1B}\[[0-9;]*m/, with: "")
    }

    @Test("a refusal is told, and whether it may be overruled")
    func refusals() throws {
        let refusal = HengeReply.fields(
            ("code", .bulk("fewer_nodes")), ("reason", .bulk("only 2 left")),
            ("may_be_overruled", .boolean(true)))
        let plan = try RingPlanView(reply(refusals: [refusal]))
        #expect(plan.refusals.map(\.mayBeOverruled) == [true])
        #expect(RingPlanDrawing.lines(plan, color: false).last == "refused: only 2 left")
    }

    @Test("--json has every field that scripts rely on")
    func shape() {
        let text = JSON(reply()).text
        for part in [
            #""epoch":3,"#, #""moves":[{"partition":3,"from":"n3","to":"n4"}],"#,
            #""moves_lower_bound":1,"#, #""bytes":3145728,"#, #""minutes":0.05,"#,
            #""violations":["#, #""vnodes_before":2,"vnodes_after":1,"#, #""bytes_in":0,"#,
            #""bytes_out":0,"#, #""disk_free":null"#,
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test("what is staged is listed, with what is wrong and what comes next")
    func stage() throws {
        func view(
            _ operations: [String], _ fault: String?, _ candidates: [String]
        ) throws
            -> [String]
        {
            try RingStageView(
                .fields(
                    ("node", .bulk("n1")), ("epoch", .integer(1)),
                    ("operations", .array(operations.map { .bulk($0) })),
                    ("fault", fault.map { .bulk($0) } ?? .null),
                    ("candidates", .array(candidates.map { .bulk($0) })))
            ).lines
        }
        #expect(try view([], nil, []) == ["nothing is staged at n1"])
        #expect(
            try view(["add n4", "weight n1 2"], nil, ["n4"]) == [
                "staged at n1:", "  add n4", "  weight n1 2", "asked to join: n4",
                "henge ring plan shows what it takes, henge ring commit does it",
            ])
        #expect(
            try view(["remove n1"], "no", []) == [
                "staged at n1:", "  remove n1", "this can't be done: no",
            ])
    }
}

@Suite struct RingProgressViewTests {
    private func node(_ name: String, state: String = "up", wait: String? = nil) -> HengeReply {
        let takes: Int64 = name == "n4" ? 1 : 0
        return .fields(
            ("name", .bulk(name)), ("state", .bulk(state)), ("epoch", .integer(7)),
            ("partitions_done", .integer(24 * takes)), ("partitions_left", .integer(8 * takes)),
            ("keys_done", .integer(1200 * takes)),
            ("keys_left", takes > 0 ? .integer(400) : .null),
            ("job", takes > 0 ? .bulk("transferring") : .null),
            ("bytes_done", .integer(takes * 3 << 20)),
            ("bytes_left", .integer(takes << 20)),
            ("bytes_per_second", .integer(takes * 512 << 10)),
            ("seconds_left", takes > 0 ? .double(2) : .null),
            ("records_skipped", .integer(takes)), ("wait", wait.map { .bulk($0) } ?? .null),
            ("wait_for", wait == "source" ? .bulk("n2") : .null)
        )
    }

    private func view(
        running: Bool = true,
        wait: String? = nil,
        waitingFor: [String] = []
    ) throws -> RingProgressView {
        try RingProgressView(
            .fields(
                ("epoch", .integer(7)), ("running", .boolean(running)),
                ("aborting", .boolean(false)), ("partitions", .integer(32)),
                (
                    "steps",
                    .fields(
                        ("current", .integer(0)), ("write_both", .integer(10)),
                        ("read_next", .integer(6)), ("next", .integer(16)))
                ),
                ("partitions_waiting", .integer(waitingFor.isEmpty ? 0 : 1_200)),
                ("waiting_for", .array(waitingFor.map { .bulk($0) })),
                ("bytes_left", .integer(1 << 20)), ("bytes_per_second", .integer(512 << 10)),
                ("seconds_left", .double(2)),
                ("nodes", .array([node("n1"), node("n2", state: "down"), node("n4", wait: wait)]))
            ))
    }

    @Test("a bar for the whole, and one for each node that takes something over")
    func bars() throws {
        let lines = try view().lines(color: false)
        #expect(lines[0] == "the ring changes, epoch 7")
        #expect(
            lines[1] == "███████████████      16 of 32 partitions through (0 not begun, "
                + "10 transferring, 6 served by the new)")
        #expect(
            lines[3] == "n4    ███████████████         24 of 32  1,200   400  3.00 MiB  1.00 MiB  "
                + "512 KiB/s        2 s")
        #expect(
            Array(lines[4...]) == ["1 records could not be read at their sources", "n2 is down"])
        #expect(
            try view().line == "epoch 7: 16 of 32 partitions through (0 not begun, "
                + "10 transferring, 6 served by the new), 1.00 MiB left, 2 s left")
    }

    @Test(
        "why a node waits is said",
        arguments: [
            ("adoption", "waits for replicas to hear of the step"),
            ("source", "waits for n2 to be up"), ("budget", "waits: clients' requests come first"),
            ("storage", "waits for its disk"),
        ])
    func waits(wait: String, words: String) throws {
        #expect(try view(wait: wait).lines(color: false)[3].hasSuffix(words))
    }

    @Test("partitions that wait for new nodes are counted, with how not to wait any longer")
    func absent() throws {
        let words =
            "1,200 partitions wait for n5, n6 to be up and reached by all, or for henge ring abort"
        let waiting = try view(waitingFor: ["n5", "n6"])
        #expect(waiting.lines(color: false)[4] == words)
        #expect(waiting.line.hasSuffix("left; \(words)"))
    }

    @Test("when no change runs one line says so, and how the one that was watched has ended")
    func none() throws {
        #expect(
            try view(running: false).ending(wasAborting: false) == "the change is through; epoch 7")
        #expect(
            try view(running: false).ending(wasAborting: true) == "the change went back; epoch 7")
        #expect(
            try view(running: false).lines(color: false) == ["no change of the ring runs; epoch 7"]
        )
    }
}
