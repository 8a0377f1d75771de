import HengeClient
import HengeCommand
import Testing

/// What `henge wait-settled` makes of what nodes say.
@Suite struct SettleProgressTests {
    private func ring(_ states: [String]) throws -> RingView {
        try RingView(
            .ring(nodes: states.count, owners: Array(0..<states.count), states: states)
        )
    }

    private func answer(
        token: String = "00000000000000aa",
        epoch: Int64 = 1,
        _ left: [HengeReply] = []
    ) -> Result<HengeReply, HengeError> {
        .success(
            .fields(
                ("node", .bulk("n1")), ("token", .bulk(token)), ("epoch", .integer(epoch)),
                ("settled", .boolean(left.isEmpty)), ("left", .array(left))
            )
        )
    }

    private func left(
        _ kind: String,
        for peer: String? = nil,
        _ count: Int64,
        bytes: Int64? = nil,
        wait: String? = nil,
        waitFor: String? = nil
    ) -> HengeReply {
        .fields(
            ("kind", .bulk(kind)), ("for", peer.map { .bulk($0) } ?? .null),
            ("count", .integer(count)), ("bytes", bytes.map { .integer($0) } ?? .null),
            ("wait", wait.map { .bulk($0) } ?? .null),
            ("wait_for", waitFor.map { .bulk($0) } ?? .null)
        )
    }

    private func words(_ progress: SettleProgress) -> [String] {
        progress.questions.map { "\($0.node.name) \($0.words.joined(separator: " "))" }
    }

    private let refused = HengeError(
        .connectionFailed,
        "can't connect to 127.0.0.1:6402 (connection refused, errno 111)"
    )

    @Test("each node is asked for its mark until nothing but comparisons is left, then for these")
    func story() throws {
        let pairs = left("comparisons", for: "n2", 64, wait: "hints")
        var progress = SettleProgress(try ring(["up", "up", "candidate"]))
        #expect(words(progress) == ["n1 HENGE.SETTLED", "n2 HENGE.SETTLED"])
        try progress.take([
            ("n1", answer(token: "1", [pairs])),
            ("n2", answer(token: "2", [left("drops", 4), pairs])),
        ])
        #expect(words(progress) == ["n1 HENGE.SETTLED TOKEN 1", "n2 HENGE.SETTLED TOKEN 2"])
        try progress.take([
            ("n1", answer(token: "1", [pairs])), ("n2", answer(token: "2", [pairs])),
        ])
        #expect(
            words(progress) == [
                "n1 HENGE.SETTLED TOKEN 1 COMPARE", "n2 HENGE.SETTLED TOKEN 2 COMPARE",
            ]
        )
        #expect(!progress.isDone)
        try progress.take([("n1", answer(token: "1")), ("n2", answer(token: "2", [pairs]))])
        #expect(words(progress) == ["n2 HENGE.SETTLED TOKEN 2 COMPARE"])
        try progress.take([("n2", answer(token: "2"))])
        #expect(progress.isDone && progress.questions.isEmpty)
        #expect(
            progress.json(elapsedMs: 1500).text
                == #"{"settled":true,"seconds":1.5,"nodes":["n1","n2"],"left":[]}"#
        )
        #expect(progress.result(elapsedMs: 1500).hasPrefix("settled in 1 s: "))
    }

    @Test("what is left stands in a table, in a line, and in JSON, with why it waits")
    func drawing() throws {
        var progress = SettleProgress(try ring(["up", "down"]))
        try progress.take([
            (
                "n1",
                answer([
                    left("transfers", 12, bytes: 2048, wait: "budget"),
                    left("hints", for: "n2", 1234, bytes: 5000, wait: "down", waitFor: "n2"),
                ])
            ),
            ("n2", .failure(refused)),
        ])
        #expect(
            progress.lines(elapsedMs: 2000, color: false) == [
                "settling for 2 s: 0 of 2 nodes have done what they had to",
                "node  has still                 left      size",
                "n1    to take over partitions     12  2.00 KiB  clients' requests come first",
                "n1    to deliver hints to n2   1,234  4.88 KiB  n2 is down",
                "n2    to answer                                 "
                    + "can't connect to 127.0.0.1:6402 connection refused",
            ]
        )
        let failure = progress.tooLate(elapsedMs: 2000)
        #expect(failure.status == .timedOut)
        #expect(
            failure.message
                == "not settled after 2 s: n2 has still to answer (can't connect to "
                + "127.0.0.1:6402 connection refused); n1 has still to take over partitions: 12 "
                + "left (clients' requests come first); n1 has still to deliver hints to n2: 1,234 "
                + "left (n2 is down); it goes on by itself: wait again, or see henge ring show"
        )
        #expect(
            progress.json(elapsedMs: 2000).text.hasPrefix(
                #"{"settled":false,"seconds":2.0,"nodes":["n1","n2"],"left":[{"node":"n1","#
                    + #""kind":"transfers","for":null,"count":12,"bytes":2048,"wait":"budget","#
                    + #""wait_for":null},{"node":"n1","kind":"hints","for":"n2","count":1234,"#
            )
        )
    }

    @Test("a node that started anew makes a new mark, and one that left is waited for no more")
    func lost() throws {
        var progress = SettleProgress(try ring(["up", "up", "up"]))
        let open = [left("hints", for: "n2", 1)]
        try progress.take([
            ("n1", answer(token: "1", open)), ("n2", answer(token: "2", open)),
            ("n3", answer(token: "3")),
        ])
        try progress.take([
            ("n1", .failure(HengeError(reply: "NOTOKEN this node has no such mark"))),
            ("n2", .failure(refused)),
        ])
        #expect(words(progress) == ["n1 HENGE.SETTLED", "n2 HENGE.SETTLED TOKEN 2"])
        #expect(progress.silent.map(\.name) == ["n1", "n2"])
        progress.refresh(try ring(["up"]))
        #expect(progress.nodes.map(\.name) == ["n1", "n3"])
        try progress.take([("n1", answer(token: "4"))])
        #expect(progress.isDone)
    }

    @Test("when a node starts anew while others compare, all begin anew")
    func lostLate() throws {
        let pairs = left("comparisons", for: "n2", 64)
        var progress = SettleProgress(try ring(["up", "up"]))
        try progress.take([
            ("n1", answer(token: "1", [pairs])), ("n2", answer(token: "2", [pairs])),
        ])
        try progress.take([("n1", answer(token: "1")), ("n2", .failure(refused))])
        #expect(words(progress) == ["n2 HENGE.SETTLED TOKEN 2 COMPARE"])
        let unknown = HengeError(reply: "NOTOKEN this node has no such mark")
        try progress.take([("n2", .failure(unknown))])
        #expect(words(progress) == ["n1 HENGE.SETTLED", "n2 HENGE.SETTLED"])
        #expect(!progress.isDone)
        // It has a hint of which the others' comparisons knew nothing.
        try progress.take([
            ("n1", answer(token: "3", [pairs])),
            ("n2", answer(token: "4", [left("hints", for: "n1", 1), pairs])),
        ])
        #expect(words(progress) == ["n1 HENGE.SETTLED TOKEN 3", "n2 HENGE.SETTLED TOKEN 4"])
    }

    @Test("a node with an older ring makes its mark anew once it has the newest of the beginning")
    func epochs() throws {
        var progress = SettleProgress(try ring(["up", "up"]))
        try progress.take([
            ("n1", answer(token: "1", epoch: 7, [left("change", 9)])),
            ("n2", answer(token: "2", epoch: 6)),
        ])
        #expect(words(progress) == ["n1 HENGE.SETTLED TOKEN 1", "n2 HENGE.SETTLED"])
        #expect(progress.line.contains("n2 has still to adopt the ring of epoch 7"))
        // Later ones do not count.
        try progress.take([
            ("n1", answer(token: "1", epoch: 9)), ("n2", answer(token: "3", epoch: 7)),
        ])
        #expect(progress.isDone)
    }

    @Test("an answer of another kind is a fault")
    func fault() throws {
        var progress = SettleProgress(try ring(["up"]))
        #expect(throws: ReplyFields.Fault.self) {
            try progress.take([("n1", .success(.integer(1)))])
        }
    }
}
