import HengeClient
import HengeCommand
import Testing

@Suite struct HotKeysViewTests {
    private func key(
        _ name: String?,
        token: String,
        reads: Int64,
        writes: Int64 = 0,
        error: Int64 = 0
    ) -> HengeReply {
        .fields(
            ("token", .bulk(token)), ("bucket", name == nil ? .null : .bulk("default")),
            ("key", name.map { .bulk($0) } ?? .null), ("cut", .boolean(false)),
            ("reads", .integer(reads)), ("writes", .integer(writes)),
            ("bytes", .integer(100 * (reads + writes))), ("error", .integer(error))
        )
    }

    private func node(
        _ keys: [HengeReply],
        reads: Int64,
        errorMax: Int64 = 0,
        minutes: [[Int64]]
    ) -> HengeReply {
        .fields(
            ("node", .bulk("n1")), ("counting", .boolean(true)), ("window", .bulk("minute")),
            ("seconds", .integer(70)), ("reads", .integer(reads)), ("writes", .integer(0)),
            ("bytes", .integer(reads * 100)), ("error_max", .integer(errorMax)),
            ("keys", .array(keys)),
            ("partition_reads", .array([.integer(reads), .integer(0)])),
            ("partition_writes", .array([.integer(0), .integer(0)])),
            ("partition_bytes", .array([.integer(0), .integer(0)])),
            ("minutes", .array(minutes.map { .array($0.map { .integer($0) }) }))
        )
    }

    private func row(_ first: Int64) -> [Int64] { [first] + Array(repeating: 0, count: 63) }

    @Test("counts of nodes add up; what one may have left out becomes an error")
    func merging() throws {
        let first = node(
            [key("hot", token: "a", reads: 90), key("warm", token: "b", reads: 8, error: 2)],
            reads: 200,
            errorMax: 5,
            minutes: [row(150), row(50)]
        )
        let second = node(
            [key(nil, token: "c", reads: 7), key("hot", token: "a", reads: 10, writes: 1)],
            reads: 20,
            errorMax: 3,
            minutes: [row(20)]
        )
        for replies in [[first, second], [second, first]] {
            var view = HotKeysView(window: "minute", limit: 20)
            for reply in replies { try view.add(reply) }
            #expect(view.keys.map(\.token) == ["a", "b", "c"])
            #expect(view.keys.map(\.requests) == [101, 8, 7])
            // The first is on both, and neither is unsure of it.
            #expect(view.keys.map(\.error) == [0, 2 + 3, 5])
            #expect(view.errorMax == 8 && view.reads == 220 && view.seconds == 70)
            #expect(view.partitions.map(\.requests) == [220, 0])
            // The current minute of both is the last.
            #expect(view.minutes.map { $0[0] } == [150, 70])
        }
    }

    @Test("text names what is counted, its error and the hottest partition")
    func text() throws {
        var view = HotKeysView(window: "minute", limit: 1)
        try view.add(
            node(
                [key("hot", token: "a", reads: 90), key(nil, token: "b", reads: 8, error: 2)],
                reads: 140,
                errorMax: 5,
                minutes: [row(140)]
            )
        )
        view.lacks("n3")
        let lines = view.lines(color: false)
        #expect(
            lines[0]
                == "the last minute (1 min 10 s): 140 reads, 0 writes, 13.7 KiB, 2 a second"
        )
        #expect(lines.contains { $0.hasPrefix("default  hot        90") })
        #expect(!lines.contains { $0.contains("token b") }, "more than --count asks for")
        #expect(lines.contains { $0.contains("not listed had 5 requests at most") })
        #expect(lines.contains("000… █") && lines.contains("100… ·"))
        #expect(lines.last == "no answer from n3")
    }

    @Test("a page has keys, partitions and a cell for each minute and stretch that was asked for")
    func page() throws {
        var view = HotKeysView(window: "hour", limit: 20)
        try view.add(
            node(
                [key("<hot>", token: "a", reads: 90), key(nil, token: "b", reads: 8, error: 2)],
                reads: 140,
                errorMax: 5,
                minutes: [row(100), row(0), row(40)]
            )
        )
        let text = view.page.text
        #expect(text.contains("&lt;hot&gt;") && !text.contains("<hot>"))
        #expect(text.contains("token b"))
        #expect(text.contains("000…, 2 min ago: 100") && text.contains("000…, this minute: 40"))
        #expect(!text.contains("1 min ago:"), "nothing is drawn for nothing")
        let idle = HotKeysView(window: "hour", limit: 20)
        #expect(idle.page.text.contains("No requests in this time."))
        #expect(!idle.page.text.contains("The ring by time"))
    }

    @Test("a node that counts nothing is named, not taken for idle")
    func silent() throws {
        var view = HotKeysView(window: "hour", limit: 20)
        try view.add(.fields(("node", .bulk("n2")), ("counting", .boolean(false))))
        #expect(view.lines(color: false).contains("hot keys are not counted by n2"))
    }

    @Test("an answer of another shape is refused, not drawn")
    func faults() {
        var view = HotKeysView(window: "hour", limit: 20)
        #expect(throws: ReplyFields.Fault.self) { try view.add(.integer(1)) }
        let odd = node([], reads: 1, minutes: [row(1), [1]])
        #expect(throws: ReplyFields.Fault.self) {
            try view.add(node([], reads: 1, minutes: [row(1), row(2)]))
            try view.add(odd)
        }
    }
}
