import HengeClient
import HengeCommand
import Testing

@Suite struct EntropyViewTests {
    /// A node that is a home replica of 64 ranges, whose ages in seconds `ages` gives.
    private func node(
        _ name: String,
        replicas: Int64 = 2,
        differences: Int64 = 0,
        running: [HengeReply] = [],
        ages: (Int) -> Double?
    ) throws -> EntropyView.Node {
        let ages = (0..<64).map(ages)
        let never = ages.count { $0 == nil }
        return try EntropyView.Node(
            .fields(
                ("node", .bulk(name)), ("ready", .boolean(never == 0)),
                (
                    "oldest_verified_seconds",
                    ages.compactMap { $0 }.max().map { .double($0) } ?? .null
                ),
                ("unverified", .integer(Int64(never))), ("differences", .integer(differences)),
                ("received", .integer(7)), ("sent", .integer(8)), ("purged", .integer(9)),
                ("tombstones", .integer(10)), ("comparisons", .integer(1100)),
                ("failed", .integer(12)), ("running", .array(running)),
                ("scrubbed", .double(0.5)), ("scrubbed_seconds_ago", .null),
                ("bytes_raw", .integer(2048)), ("bytes_compressed", .integer(1024)),
                ("hand_off_bytes_raw", .integer(4096)),
                ("hand_off_bytes_compressed", .integer(3072)),
                (
                    "ranges",
                    .array(
                        ages.enumerated().map { partition, age in
                            .array([
                                .integer(Int64(partition)), .integer(replicas),
                                age.map { .double($0) } ?? .null, .integer(0),
                            ])
                        })
                )
            )
        )
    }

    private func view(_ nodes: [EntropyView.Node], unreached: [String] = []) -> EntropyView {
        EntropyView(nodes: nodes, unreached: unreached, partitions: 64, replicas: 2)
    }

    @Test("a range is as old as on the replica where it is oldest")
    func oldest() throws {
        let view = view([
            try node("n1") { $0 == 3 ? 125.5 : 1 }, try node("n2") { $0 == 5 ? 9 : 2 },
        ])
        #expect(view.oldestMs == 125_500)
        #expect(view.ranges[3].verifiedMs == 125_500)
        #expect(view.ranges[5].verifiedMs == 9000)
        #expect(view.ranges[0].verifiedMs == 2000)
        #expect(view.verified(within: 2000) == 62)
        #expect(view.verified(within: 1999) == 0)
        let lines = view.lines(color: false)
        #expect(lines[0] == "all 64 ranges verified, the oldest 2 min 5 s ago")
        #expect(lines[1] == "▁▁▁█" + String(repeating: "▁", count: 60))
    }

    @Test("the picture of a node that never verified a range, with its table and its totals")
    func never() throws {
        let running = HengeReply.fields(
            ("peer", .bulk("n2")), ("differing", .integer(40)), ("left", .integer(30)),
            ("seconds", .double(1.5))
        )
        let view = view(
            [
                try node("n1", differences: 1, running: [running]) { $0 < 2 ? nil : 8 },
                try node("n2", differences: 2) { $0 < 32 ? 4 : 8 },
            ],
            unreached: ["n3"]
        )
        #expect(view.oldestMs == nil)
        let strip = "??" + String(repeating: "█", count: 62)
        let table = [
            "node  ranges  oldest  never  differed  received  sent  tombstones  purged  "
                + "compared  failed   scrub",
            "n1        64     8 s      2         1         7     8          10       9  "
                + "   1,100      12  50.0 %",
            "n2        64     8 s      0         2         7     8          10       9  "
                + "   1,100      12  50.0 %",
        ]
        #expect(
            view.lines(color: false) == [
                "2 of 64 ranges not verified since their nodes started", strip,
                "age over the ring, each 1 range, █ 8 s, ? never verified", "",
            ] + table + [
                "since their starts: 3 partitions differed; 4.00 KiB sent as 2.00 KiB to compare, "
                    + "8.00 KiB as 6.00 KiB to hand over",
                "n1 is not ready to compare yet",
                "n1 compares with n2: 30 of 40 differing partitions left, for 1 s",
                "no answer from n3",
            ]
        )
    }

    @Test("JSON has what is promised, null where there is no age")
    func json() throws {
        let view = view([try node("n1", differences: 3) { $0 == 0 ? nil : 1.25 }])
        let text = view.json.text
        #expect(
            text.hasPrefix(
                #"{"oldest_verified_seconds":null,"differences":3,"ranges":[{"partition":0,"#
                    + #""verified_seconds":null,"replicas":2},{"partition":1,"#
                    + #""verified_seconds":1.25,"replicas":2},"#
            )
        )
        #expect(text.contains(#"],"bytes_raw":2048,"bytes_compressed":1024,"unverified":1,"#))
        #expect(text.hasSuffix(#""bytes_compressed":1024}],"unreached":[]}"#))
    }

    @Test("ranges that no node tells of are not verified, but a key's only replica needs nothing")
    func untold() throws {
        let silent = view([], unreached: ["n1"])
        #expect(silent.unverified == 64)
        #expect(silent.oldestMs == nil)
        #expect(silent.verified(within: .max) == 0)
        let half = view([try node("n1") { _ in 1 }], unreached: ["n2"])
        #expect(half.verified(within: .max) == 0)
        let alone = view([try node("n1", replicas: 1) { _ in nil }])
        #expect(alone.unverified == 0)
        #expect(alone.verified(within: 0) == 64)
        #expect(
            alone.lines(color: false)[0]
                == "each key has one replica: there is nothing to compare"
        )
    }

    @Test("an answer of another kind is a fault")
    func fault() {
        #expect(throws: ReplyFields.Fault.self) { try EntropyView.Node(.text("OK")) }
        for age in [HengeReply.double(-1), .double(.nan), .double(.infinity), .boolean(true)] {
            #expect(throws: ReplyFields.Fault.self) {
                try EntropyView.Node(
                    .fields(
                        ("node", .bulk("n")), ("ready", .boolean(true)),
                        ("oldest_verified_seconds", age)))
            }
        }
    }

    // MARK: A repair

    @Test("a repair is done once all replicas have verified all ranges since it began")
    func repair() throws {
        var progress = RepairProgress(
            before: view([
                try node("n1", differences: 5) { _ in 1 },
                try node("n2", differences: 1) { _ in 1 },
            ])
        )
        progress.update(
            view([
                try node("n1", differences: 8) { $0 < 16 ? 0.5 : 3 },
                try node("n2", differences: 1) { _ in 0.5 },
            ]),
            elapsedMs: 2000
        )
        #expect(progress.verified == 16)
        #expect(!progress.isDone)
        #expect(progress.line == "16 of 64 ranges verified, 3 differences, 2 s")
        #expect(
            progress.bar(width: 8, color: false)
                == "██       16 of 64 ranges verified, 3 differences, 2 s"
        )
        let failure = progress.tooLate
        #expect(failure.status == .timedOut)
        #expect(failure.message.hasPrefix("only 16 of 64 ranges verified after 2 s; the repair"))
        progress.update(
            view([
                try node("n1", differences: 8) { _ in 2.9 },
                // It started anew, and counts from there.
                try node("n2", differences: 0) { _ in 1 },
            ]),
            elapsedMs: 3000
        )
        #expect(progress.isDone)
        #expect(
            progress.result
                == "64 ranges verified in 3 s; 3 differences mended with 7 records; "
                + "2.00 KiB sent as 1.00 KiB"
        )
        #expect(progress.json.text.hasPrefix(#"{"verified":64,"ranges":64,"seconds":3.0,"#))
    }

    @Test("a node that does not answer keeps a repair from being done, and is named")
    func silentNode() throws {
        let node = try node("n1") { _ in 0 }
        var progress = RepairProgress(before: view([node]))
        progress.update(view([node], unreached: ["n2"]), elapsedMs: 1000)
        #expect(!progress.isDone)
        #expect(progress.tooLate.message.contains("no answer from n2"))
    }
}
