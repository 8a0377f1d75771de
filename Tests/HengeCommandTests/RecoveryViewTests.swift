import HengeClient
import HengeCommand
import Testing

@Suite struct RecoveryViewTests {
    private func reply(refusals: [HengeReply] = []) -> HengeReply {
        .fields(
            ("cluster", .bulk("00c0ffee00c0ffee")), ("epoch", .integer(7)),
            ("next_epoch", .integer(1 << 32)), ("lost", .array([.bulk("n3"), .bulk("n4")])),
            ("survivors", .array([.bulk("n1"), .bulk("n2")])), ("partitions", .integer(1_024)),
            ("partitions_gone", .integer(100)), ("partitions_in_doubt", .integer(300)),
            ("partitions_thinned", .integer(600)), ("refusals", .array(refusals))
        )
    }

    @Test("the loss is said in words before anybody is asked")
    func words() throws {
        let view = try RecoveryView(reply())
        #expect(view.refusals.isEmpty && view.survivors == ["n1", "n2"])
        let text = view.lines(color: false).joined(separator: "\n")
        for part in [
            "cluster 00c0ffee00c0ffee from epoch 7", "for good: n3, n4",
            "    100  all that was in them", "    300  maybe acknowledged writes, also at QUORUM",
            "    600  maybe writes that were acknowledged below QUORUM", "     24  nothing",
            "If n3, n4 still run somewhere",
        ] {
            #expect(text.contains(part), "\(part) in \(text)")
        }
        #expect(!text.contains("\u{1B}") && !text.contains("refused"))
    }

    @Test("what stands against it is said, too")
    func refusals() throws {
        let refusal = HengeReply.fields(("code", .bulk("is_up")), ("reason", .bulk("n3 is up")))
        let view = try RecoveryView(reply(refusals: [refusal]))
        #expect(view.refusals == [.init(code: "is_up", reason: "n3 is up")])
        #expect(view.lines(color: false).last == "refused: n3 is up")
    }

    @Test("a reply without a field is a fault")
    func faults() {
        #expect(throws: ReplyFields.Fault.self) { try RecoveryView(.fields()) }
    }
}
