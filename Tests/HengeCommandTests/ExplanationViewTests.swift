import HengeClient
import HengeCommand
import Testing

@Suite struct ExplanationViewTests {
    private func step(
        _ node: String,
        _ us: Int64,
        _ event: String,
        _ peer: String? = nil,
        _ more: (String, HengeReply)...
    ) -> HengeReply {
        var fields = [
            ("node", HengeReply.bulk(node)), ("after_us", .integer(us)), ("event", .bulk(event)),
        ]
        if let peer { fields.append(("peer", .bulk(peer))) }
        return .map((fields + more).map { HengeReply.Entry(key: .bulk($0.0), value: $0.1) })
    }

    private func version(_ digest: String) -> [(String, HengeReply)] {
        [("digest", .bulk(digest)), ("siblings", .integer(1)), ("bytes", .integer(64))]
    }

    private func replica(
        _ node: String,
        _ state: String = "up",
        role: String = "replica",
        for home: String? = nil
    ) -> HengeReply {
        .fields(
            ("node", .bulk(node)), ("zone", .bulk("")), ("state", .bulk(state)),
            ("role", .bulk(role)), ("for", home.map { .bulk($0) } ?? .null)
        )
    }

    private func reply(
        _ command: String = "GET",
        coordinator: String = "n1",
        read: (Int64, Int64)? = nil,
        write: (Int64, Int64)? = nil,
        outcome: String = "found",
        replicas: [HengeReply],
        after: Int64? = nil,
        steps: [HengeReply],
        cut: Bool = false
    ) -> HengeReply {
        func level(_ value: Int64?) -> HengeReply { value.map { .integer($0) } ?? .null }
        return .fields(
            ("command", .bulk(command)), ("bucket", .bulk("default")), ("key", .bulk("greeting")),
            ("token", .bulk("9c3f00000000abcd")), ("slot", .integer(9999)),
            ("partition", .integer(624)), ("epoch", .integer(4)), ("node", .bulk("n1")),
            ("coordinator", .bulk(coordinator)), ("level", .bulk("QUORUM")),
            ("sloppy", .boolean(false)),
            ("required", .fields(("read", level(read?.1)), ("write", level(write?.1)))),
            ("reached", .fields(("read", level(read?.0)), ("write", level(write?.0)))),
            ("preference_list", .array(replicas)),
            ("ok", .boolean(!outcome.hasPrefix("TIMEOUT"))), ("outcome", .bulk(outcome)),
            ("answer", .null), ("after_us", after.map { .integer($0) } ?? .null),
            ("steps", .array(steps)), ("cut", .boolean(cut))
        )
    }

    @Test("a read with a stale replica: a line a question, its answer on it, equal versions alike")
    func staleRead() throws {
        let new = version("aaaa000011112222")
        let answer = ("found", HengeReply.bulk("object"))
        let digest = ("digest", HengeReply.bulk("bbbb000011112222"))
        let view = try ExplanationView(
            reply(
                read: (2, 2),
                replicas: [replica("n1"), replica("n2"), replica("n3", "down")],
                after: 2_000,
                steps: [
                    step("n1", 0, "coordinates", nil, ("reads", .integer(2))),
                    step("n1", 0, "skips", "n3"),
                    step("n1", 0, "asks", "n1", ("for", .bulk("object"))),
                    step("n1", 0, "asks", "n2", ("for", .bulk("digest"))),
                    step("n1", 500, "answers", "n1", answer, new[0], new[1], new[2]),
                    step("n1", 1_000, "answers", "n2", ("found", .bulk("digest")), digest),
                    step("n1", 1_000, "merges", nil, new[0], new[1], new[2]),
                    step("n1", 1_000, "repairs", "n2"),
                    step("n1", 2_000, "repaired", "n2", ("result", .bulk("durable"))),
                    step("n1", 2_000, "replies", nil, ("ok", .boolean(true))),
                ]
            )
        )
        let lines = view.lines(color: false)
        #expect(lines.contains("level        QUORUM: 2 replicas read, 2 needed"))
        #expect(lines.contains("outcome      found  after 2.000 ms"))
        #expect(lines.contains("n3       down   replica"))
        func line(_ text: String) -> String { lines.first { $0.contains(text) } ?? "no \(text)" }
        let mark = "● aaaa000011112222  1 sibling, 64 B"
        #expect(line("reads its own object").hasPrefix("0.000  0.500  n1    reads"))
        #expect(line("reads its own object").hasSuffix(mark))
        #expect(line("asks n2 for the digest").hasSuffix("▲ bbbb000011112222"))
        #expect(line("merges what differs").hasSuffix(mark))
        #expect(line("repairs n2").hasPrefix("1.000  1.000  n1    repairs n2"))
        #expect(line("repairs n2").hasSuffix("├───────────────┤  durable"))
        #expect(line("n3 is down, so it is not asked").contains("◆"))
        #expect(line("answers the client").hasSuffix("◆  found"))
        // Each answer is on the line of its question.
        #expect(!lines.contains { $0.contains("hears of") })
        let colored = view.lines(color: true).joined()
        #expect(colored.contains("\u{1B}[") && !lines.joined().contains("\u{1B}["))
    }

    @Test("a write: what is not answered stays open, a loss ends what it was asked, hints are told")
    func write() throws {
        let view = try ExplanationView(
            reply(
                "SET",
                write: (2, 2),
                outcome: "written",
                replicas: [replica("n1"), replica("n2"), replica("n3", "suspect")],
                after: 100,
                steps: [
                    step("n1", 0, "sends", "n1"), step("n1", 0, "sends", "n2"),
                    step("n1", 0, "sends", "n3"),
                    step("n1", 50, "stores", "n1", ("result", .bulk("durable"))),
                    step("n1", 100, "stores", "n2", ("result", .bulk("failed: nospace"))),
                    step("n1", 100, "replies"), step("n1", 400, "loses", "n3"),
                    step("n1", 400, "hints", "n3", ("result", .bulk("kept"))),
                    step("n1", 400, "sends", "n4"),
                ]
            )
        )
        let lines = view.lines(color: false)
        func line(_ text: String) -> String { lines.first { $0.contains(text) } ?? "no \(text)" }
        #expect(lines.contains("level        QUORUM: stored on 2, 2 needed"))
        #expect(line("stores it").hasSuffix("durable"))
        #expect(line("sends it to n2").hasSuffix("failed: nospace"))
        #expect(line("sends it to n3").hasSuffix("✗  lost"))
        #expect(line("keeps a hint for n3").hasPrefix("0.400 "))
        #expect(line("sends it to n4").hasSuffix("no answer awaited"))
        // Where the client was answered can be seen on every line.
        #expect(line("keeps a hint").contains("┊"))
        #expect(!lines.contains { $0.contains("loses") })
    }

    @Test("a forwarded request names both nodes and says what its times are worth")
    func forwarded() throws {
        let view = try ExplanationView(
            reply(
                coordinator: "n2",
                outcome: "TIMEOUT required=2 received=1 too few replicas answered in time",
                replicas: [replica("n2"), replica("n4", role: "stand-in", for: "n3")],
                after: 900,
                steps: [
                    step("n1", 0, "forwards", "n2", ("hedge", .boolean(false))),
                    step("n2", 100, "stands_in", "n4", ("for", .bulk("n3"))),
                    step("n2", 800, "replies"), step("n1", 900, "forward_answered", "n2"),
                    step("n1", 900, "replies"), step("n1", 901, "later\u{1B}[2Jthan this version"),
                ],
                cut: true
            )
        )
        let lines = view.lines(color: false)
        #expect(lines.contains("coordinator  n2, to which n1 forwarded it"))
        #expect(lines.contains("n4       up     stands in for n3"))
        #expect(lines.contains { $0.contains("hands it to n2 ") && $0.hasSuffix("answered") })
        #expect(lines.contains { $0.contains("n4 stands in for n3, which is down") })
        #expect(lines.contains { $0.hasSuffix("TIMEOUT") })
        #expect(lines.suffix(2).first == "times of n2 are estimates, by the time that n1 waited")
        #expect(lines.last == "there was more than is shown")
        #expect(!view.isSuccess && lines.allSatisfy { !$0.contains("\u{1B}") })
    }

    @Test("what is no explanation is refused with the field that lacks")
    func refused() throws {
        #expect(throws: ReplyFields.Fault.self) { try ExplanationView(.bulk("hello")) }
        #expect(throws: ReplyFields.Fault(field: "command", wanted: "text")) {
            try ExplanationView(.fields(("key", .bulk("k"))))
        }
        let bad = reply(replicas: [], steps: [.fields(("node", .bulk("n1")))])
        #expect(throws: ReplyFields.Fault(field: "after_us", wanted: "a whole number")) {
            try ExplanationView(bad)
        }
    }
}
