import HengeClient
import HengeCommand
import Testing

@Suite struct HintsViewTests {
    private func holder(
        _ node: String,
        paused: Bool = false,
        targets: [HengeReply] = []
    ) throws -> HintsView.Holder {
        try HintsView.Holder(
            .fields(
                ("node", .bulk(node)), ("paused", .boolean(paused)), ("targets", .array(targets)),
                ("stored", .integer(1200)), ("delivered", .integer(3)), ("expired", .integer(2)),
                ("dropped", .integer(1)), ("bytes_delivered", .integer(2048))
            )
        )
    }

    private var target: HengeReply {
        .fields(
            ("node", .bulk("n3")), ("count", .integer(1197)), ("bytes", .integer(150_000)),
            ("oldest_ms", .integer(125_000)), ("paused", .boolean(false))
        )
    }

    @Test("hints stand in a table, with totals, pauses and who did not answer below")
    func lines() throws {
        let view = HintsView(
            holders: [
                try holder("n1", targets: [target]), try holder("n2", paused: true),
            ],
            unreached: ["n3"]
        )
        #expect(
            view.lines(color: false) == [
                "holder  for  hints     size     oldest",
                "n1      n3   1,197  146 KiB  2 min 5 s",
                "since their starts: 2,400 stored, 6 delivered (4.00 KiB), 4 expired, 2 dropped",
                "n2 has paused delivery; henge hints resume goes on",
                "no answer from n3",
            ]
        )
        #expect(
            view.json.text
                == #"{"count":1197,"bytes":150000,"nodes":[{"node":"n1","paused":false,"#
                + #""targets":[{"node":"n3","count":1197,"bytes":150000,"oldest_ms":125000}],"#
                + #""stored":1200,"delivered":3,"expired":2,"dropped":1,"bytes_delivered":2048},"#
                + #"{"node":"n2","paused":true,"targets":[],"stored":1200,"delivered":3,"#
                + #""expired":2,"dropped":1,"bytes_delivered":2048}],"unreached":["n3"]}"#
        )
    }

    @Test("without hints there is no table")
    func none() throws {
        let view = HintsView(holders: [try holder("n1")], unreached: [])
        #expect(view.lines(color: false).first == "no hints are waiting")
    }

    @Test("an answer of another kind is a fault")
    func fault() {
        #expect(throws: ReplyFields.Fault.self) { try HintsView.Holder(.text("OK")) }
    }

    @Test(
        "ages",
        arguments: [
            (0, "0 ms"), (999, "999 ms"), (1000, "1 s"), (59_999, "59 s"), (60_000, "1 min 0 s"),
            (3_600_000, "1 h 0 min"), (7_980_000, "2 h 13 min"),
        ])
    func ages(_ milliseconds: Int, _ text: String) {
        #expect(HintsView.age(milliseconds) == text)
    }
}
