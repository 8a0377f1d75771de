import HengeBase
import HengeMessages
import HengeRESP
import HengeServer
import NIOCore
import Testing

@Suite struct WatchTests {
    @Test("any node tells what the whole cluster does")
    func overview() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let client = try await cluster.client(0)
            let watcher = try await cluster.client(2)
            let first = try await watcher.value("HENGE.OVERVIEW")
            #expect(first["node"]?.text == "n3" && first["epoch"]?.int == 1)
            try await eventually("rates of the node that takes the requests") {
                for number in 0..<20 {
                    _ = try await client("SET key\(number) value")
                    _ = try await client("GET key\(number)")
                }
                let overview = try await watcher.value("HENGE.OVERVIEW")
                let nodes = overview["nodes"]?.elements ?? []
                #expect(nodes.map { $0["name"]?.text } == ["n1", "n2", "n3"])
                guard let totals = overview["totals"], totals["read_p99_us"]?.int != nil,
                    nodes.allSatisfy({ $0["keys"]?.int == 20 })
                else { return false }
                // Only the first node coordinated anything.
                #expect(nodes[1]["p99_us"]?.int == nil)
                return nodes[0]["p99_us"]?.int != nil && totals["write_p50_us"]?.int != nil
            }
            try await eventually("what is asked for most, since the pulses tell it") {
                // Of the last minute, which on a busy machine may be over.
                for number in 0..<20 { _ = try await client("GET key\(number)") }
                let heat = try await watcher.value("HENGE.OVERVIEW")["heat"]
                return heat?["keys"]?.elements.contains { $0["key"]?.text == "key7" } ?? false
            }
        }
    }

    @Test("a node that does not run is told to be down, with no numbers of it")
    func down() async throws {
        try await TestCluster.with(nodes: 3, running: 2) { cluster in
            let client = try await cluster.client(0)
            try await eventually("the others are seen as they are") {
                let nodes = try await client.value("HENGE.OVERVIEW")["nodes"]?.elements ?? []
                return nodes.map { $0["state"]?.text } == ["up", "up", "down"]
                    && nodes.map { $0["keys"]?.int } == [0, 0, nil]
            }
        }
    }

    @Test("a rate is what came between two pulses of one life")
    func rates() throws {
        var earlier = NodePulse()
        earlier[.uptime] = 5_000_000
        earlier[.reads] = 100
        earlier[.timedOut] = 7
        earlier.readTimes.record(.seconds(1))
        var later = earlier
        later[.uptime] = 7_000_000
        later[.reads] = 500
        later[.timedOut] = 8
        later[.unavailable] = 3
        later.readTimes.record(.microseconds(64))
        let rate = try #require(PulseRate(from: earlier, to: later))
        #expect(rate.seconds == 2 && rate[.reads] == 200 && rate.failures == 2)
        #expect(rate.readTimes.quantile(1) == .microseconds(64))
        // A counter of another life starts again; the same moment has no length.
        #expect(PulseRate(from: later, to: earlier) == nil)
        #expect(PulseRate(from: later, to: later) == nil)
        let sum = ClusterRate([rate, rate])
        #expect(sum.reads == 400 && sum.failures == 4 && sum.readTimes.count == 2)
    }

    @Test("seconds that nobody watched are those that the nodes kept, added up")
    func unwatched() throws {
        func second(_ time: UInt64, writes: UInt32, _ times: UInt8...) -> PulseHistory.Second {
            PulseHistory.Second(
                time: time, reads: 0, writes: writes, failures: 5, readTimes: [],
                writeTimes: times.map { PulseHistory.Times(bucket: $0, count: 1) })
        }
        var history = OverviewHistory()
        var watched = NodePulse()
        watched[.uptime] = 1_000_000
        let before = watched
        watched[.uptime] = 2_000_000
        watched[.writes] = 7
        history.add(ClusterRate([try #require(PulseRate(from: before, to: watched))]), at: 12_400)
        let kept = [
            PulseHistory([
                second(10, writes: 30, 7), second(12, writes: 990), second(13, writes: 10),
                second(15, writes: 990),
            ]),
            PulseHistory([second(10, writes: 12, 7, 39), second(11, writes: 0)]),
        ]
        let tree = history.tree(with: kept, until: 14_999)
        guard case .array(let samples) = tree else { throw TestError.badPort }
        let rows = samples.compactMap { sample in
            if case .array(let values) = sample { values } else { nil }
        }
        // One was watched and kept; one is not over, so another clock's.
        #expect(rows.map { $0[0] } == [10_000, 11_000, 12_400, 13_000].map { .integer($0) })
        #expect(rows.map { $0[2] } == [.double(4.2), .double(0), .double(7), .double(1)])
        #expect(rows.map { $0[3] } == [.double(1), .double(0.5), .double(0), .double(0.5)])
        // Three writes: two of at most 8 µs and one of more.
        #expect(rows[0][6] == .integer(8) && rows[0][7] == .integer(128))
        #expect(rows[1][7] == .null && rows[0][5] == .null)
    }

    @Test("a history keeps the last five minutes")
    func bounded() {
        var history = PulseHistory()
        for time in 0..<1_000 as Range<UInt64> {
            history.add(
                PulseHistory.Second(
                    time: time, reads: 0, writes: 0, failures: 0, readTimes: [], writeTimes: []))
        }
        #expect(history.seconds.map(\.time) == Array(700..<1_000))
    }

    /// Every request of random nodes is counted exactly, and each node then tells its `listed`
    /// first keys: the merged counts may lack what was not told, by no more than their errors.
    @Test("merged hot keys are off by no more than they say")
    func heat() throws {
        for seed in 1...200 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var truth: [UInt64: Int] = [:]
            var heats: [PulseHeat] = []
            for _ in 0..<(1 + generator.below(4)) {
                let counts = (0..<20).map { UInt64($0) }.map { ($0, generator.below(100)) }
                for (token, count) in counts { truth[token, default: 0] += count }
                let sorted = counts.sorted { $0.1 > $1.1 }
                let listed = 1 + generator.below(19)
                heats.append(Self.heat(sorted, listed: listed))
            }
            let tree = HeatMerge(heats).tree
            let fields = try #require(Self.fields(tree))
            let total = truth.values.reduce(0, +)
            #expect(fields["reads"] == .integer(total), "seed \(seed)")
            guard case .array(let keys)? = fields["keys"],
                case .integer(let least)? = fields["error_max"]
            else { throw TestError.badPort }
            var told: Set<UInt64> = []
            for key in keys {
                let key = try #require(Self.fields(key))
                guard case .text(let text)? = key["token"],
                    case .integer(let reads)? = key["reads"],
                    case .integer(let error)? = key["error"], let token = UInt64(text, radix: 16)
                else { throw TestError.badPort }
                told.insert(token)
                let real = Int64(truth[token] ?? 0)
                #expect(reads <= real && real <= reads + error, "seed \(seed), \(token)")
            }
            for (token, count) in truth where !told.contains(token) {
                #expect(Int64(count) <= least, "seed \(seed), \(token)")
            }
        }
    }

    private static func heat(_ sorted: [(UInt64, Int)], listed: Int) -> PulseHeat {
        PulseHeat(
            seconds: 60,
            reads: UInt64(sorted.reduce(0) { $0 + $1.1 }),
            writes: 0,
            bytes: 0,
            least: UInt64(sorted[listed].1),
            keys: sorted.prefix(listed).map { token, count in
                PulseHeat.Key(
                    token: token, stored: ByteBuffer(), storedLength: 0, reads: UInt64(count),
                    writes: 0, bytes: 0, error: 0)
            },
            minutes: []
        )
    }

    private static func fields(_ tree: ReplyTree) -> [String: ReplyTree]? {
        guard case .map(let fields) = tree else { return nil }
        return Dictionary(fields.map { ($0.name, $0.value) }) { first, _ in first }
    }
}
