import HengeCommand
import Testing

@Suite struct LoadComparisonTests {
    private static let load = LoadDescription(
        mix: "80:20",
        distribution: "uniform",
        keys: 1000,
        valueBytes: 100,
        connections: 50,
        pipeline: 1,
        rate: nil,
        consistency: "quorum"
    )

    /// 4,000 operations a second of 2 ms each.
    private static var result: LoadResult {
        var result = LoadResult(startedAt: 0)
        result.endedAt = 1_000_000_000
        result.operations = 4000
        for _ in 0..<4000 { result.latencies.record(nanoseconds: 2_000_000, isWrite: true) }
        return result
    }

    private func written(_ text: String, _ body: (String) throws -> Void) throws {
        let path = "/tmp/henge-earlier-\(UInt64.random(in: 0 ... .max)).json"
        try SmallFile.write(text, to: path)
        defer { SmallFile.remove(path) }
        try body(path)
    }

    @Test("what --json prints is read back")
    func roundTrip() throws {
        try written(LoadReport(Self.result, of: Self.load).json.text) { path in
            let earlier = try EarlierRun.read(path)
            #expect(earlier.load == Self.load)
            #expect(earlier.rate == 4000 && earlier.errors == 0)
            #expect(earlier.latency.count == LatencySummary.fields.count)
            #expect(earlier.latency["p99.99"] == 2)
        }
    }

    @Test(arguments: ["", "{}", "[1]", #"{"rate":1,"errors":0,"latency_ms":{}}"#])
    func otherFilesAreRefused(text: String) throws {
        try written(text) { path in
            let failure = #expect(throws: CommandFailure.self) { try EarlierRun.read(path) }
            #expect(failure?.status == .failed)
            #expect(failure?.message.hasPrefix(path) == true)
        }
        let missing = #expect(throws: CommandFailure.self) { try EarlierRun.read("/nowhere/x") }
        #expect(missing?.message == "can't read /nowhere/x")
    }

    @Test func anotherLoadIsRefusedByName() {
        var other = Self.load
        other.mix = "set"
        other.pipeline = 16
        other.rate = 500
        let earlier = EarlierRun(load: other, rate: 1, errors: 0, latency: [:])
        let failure = #expect(throws: CommandFailure.self) {
            try earlier.require(comparable: Self.load, path: "before.json")
        }
        #expect(failure?.status == .usage)
        #expect(
            failure?.message
                == "before.json is of another load: --mix 80:20 here, set there; "
                + "--pipeline 1 here, 16 there; --rate none here, 500.0 there"
        )
    }

    @Test func theSameMixInOtherNumbersIsTheSame() {
        var other = Self.load
        other.mix = "4:1"
        #expect(Self.load.conflicts(with: other).isEmpty)
        for mix in ["3:1", "get", "ping"] {
            other.mix = mix
            #expect(Self.load.conflicts(with: other).map(\.name) == ["mix"])
        }
        #expect(OperationMix.ping.isSame(as: .ping) && !OperationMix.ping.isSame(as: .get))
        #expect(!OperationMix.set.isSame(as: nil))
    }

    @Test func figuresStandBesideEarlierOnesWithTheirRatio() {
        var load = Self.load
        load.consistency = "one"
        let earlier = EarlierRun(
            load: load,
            rate: 2000,
            errors: 7,
            latency: ["p50": 4, "p99": 1.6, "p99.9": 0]
        )
        let report = LoadReport(Self.result, of: Self.load, beside: earlier)
        let lines = report.lines().map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.contains("a second 4,000 2,000 2.00"), "\(lines)")
        #expect(lines.contains("p50 2.000 4.000 0.50"))
        #expect(lines.contains("p99 2.000 1.600 1.25"))
        // Without a figure, or one of 0, there is no ratio.
        #expect(lines.contains("p99.9 2.000 0.000 –"))
        #expect(lines.contains("p99.99 2.000 – –"))
        #expect(lines.contains("differs: --consistency quorum here, one there"))
        #expect(lines.contains("the earlier run had 7 errors"))
        #expect(
            report.json.text.hasSuffix(
                #""p99":1.25,"p99.9":null,"p99.99":null,"max":null},"#
                    + #""differs":{"consistency":{"here":"quorum","there":"one"}}}}"#
            )
        )
    }

    @Test func percentilesAreATable() {
        let lines = LoadReport(Self.result).lines().map { $0.split(separator: " ") }
        #expect(
            lines[1] == [
                "latency", "ms", "mean", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99",
                "max",
            ]
        )
        #expect(lines[2].first == "all" && lines[2].count == 10)
        #expect(lines.count == 3)
    }
}
