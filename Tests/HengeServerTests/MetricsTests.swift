import Foundation
import HengeBase
import HengeNode
import HengeServer
import HengeStorage
import Testing

@Suite struct MetricsTests {
    // MARK: The registry

    @Test("names are Prometheus's: base units last, _total for counters alone, each once")
    func names() throws {
        var seen: Set<String> = []
        for metric in MetricRegistry.all {
            #expect(seen.insert(metric.name).inserted, "\(metric.name) twice")
            #expect(metric.name.wholeMatch(of: /(henge|process)(_[a-z0-9]+)+/) != nil)
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter), "\(metric.name)")
            var stem = metric.name[...]
            if stem.hasSuffix("_total") { stem = stem.dropLast(6) }
            for unit in ["seconds", "bytes", "ratio"] {
                let isIt = metric.unit.rawValue == unit
                #expect(stem.hasSuffix("_" + unit) == isIt, "\(metric.name)")
            }
            #expect(!metric.help.isEmpty && !metric.help.hasSuffix("."), "\(metric.name)")
            #expect(
                Set(metric.labels).count == metric.labels.count && !metric.labels.contains("le"))
        }
    }

    @Test("every counter of the shard and of the storage is a metric, and is one metric")
    func coverage() {
        var shard = ShardCounters()
        let fields = Self.number(&shard)
        #expect(MetricTables.values(of: shard).sorted() == Array(1...fields))
        var storage = StorageMetrics()
        let numbers = Self.number(&storage)
        #expect(MetricTables.values(of: storage).sorted() == Array(1...numbers))
    }

    /// Sets the fields of a struct of whole numbers to 1, 2, 3, …; returns how many there are.
    private static func number<Counters>(_ counters: inout Counters) -> Int {
        withUnsafeMutableBytes(of: &counters) { bytes in
            let fields = bytes.bindMemory(to: Int.self)
            for index in fields.indices { fields[index] = index + 1 }
            return fields.count
        }
    }

    @Test("the text escapes labels and help, and tells histograms by cumulative buckets")
    func text() {
        let gauge = MetricDefinition.gauge("henge_test", "A \\ and\na line", by: ["peer"])
        let times = MetricDefinition.histogram("henge_test_seconds", "Times")
        var sheet = MetricSheet()
        sheet.add(gauge, ["a\"b\\c\nd"], 3)
        var histogram = LatencyHistogram()
        histogram.record(.microseconds(64))
        histogram.record(.microseconds(65))
        sheet.add(times, [], histogram)
        let lines = sheet.text(of: [gauge, times]).split(separator: "\n")
        #expect(lines[0] == "# HELP henge_test A \\\\ and\\na line.")
        #expect(lines[1] == "# TYPE henge_test gauge")
        #expect(lines[2] == "henge_test{peer=\"a\\\"b\\\\c\\nd\"} 3")
        #expect(lines.contains("henge_test_seconds_bucket{le=\"6.4e-05\"} 1"))
        #expect(lines.contains("henge_test_seconds_bucket{le=\"9.6e-05\"} 2"))
        #expect(
            lines.suffix(2) == ["henge_test_seconds_sum 0.000129", "henge_test_seconds_count 2"])
    }

    @Test("the offset of a clock is that of the shortest exchange, and its error bounds it")
    func clocks() throws {
        var generator = SeededGenerator(seed: 8)
        for ahead in [0, 250_000, -3_000_000] {
            var offset = ClockOffset()
            #expect(offset.best == nil)
            var shortest = UInt64.max
            for _ in 0..<20 {
                let there = UInt64(generator.below(2_000_000))
                let back = UInt64(generator.below(2_000_000))
                // Asked at 10^12 µs of this node's clock.
                let answered = 1_000_000_000_000 + Int(there / 1_000) + ahead
                offset.add(
                    tripNanoseconds: there + back,
                    ownMicroseconds: 1_000_000_000_000 + (there + back) / 1_000,
                    theirMicroseconds: UInt64(answered)
                )
                shortest = min(shortest, there + back)
                let best = try #require(offset.best)
                let truth = Double(ahead) / 1e6
                #expect(abs(best.offset - truth) <= best.error + 2e-6, "seed 8")
            }
            #expect(try #require(offset.best).error <= 2e-3)
        }
    }

    // MARK: The page

    @Test("a page tells what clients asked, at which level, how it ended and how long it took")
    func requests() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let client = try await cluster.client()
            for number in 0..<20 {
                // A read at ONE may ask the replica that a QUORUM did without.
                _ = try await client("SET key\(number) value CONSISTENCY ALL")
                _ = try await client("GET key\(number) CONSISTENCY ONE")
            }
            _ = try await client("GET none CONSISTENCY 2")
            _ = try await client("SET key0 other NX")
            _ = try await client("GET key0 CONSISTENCY 8")
            let page = try await Page(cluster)
            func count(_ operation: String, _ level: String, _ outcome: String) -> Double? {
                page["henge_requests_total", [operation, level, outcome]]
            }
            #expect(count("write", "all", "ok") == 20)
            #expect(count("write", "quorum", "not_applied") == 1)
            #expect(count("read", "one", "ok") == 20)
            #expect(count("read", "number", "ok") == 1)
            #expect(count("read", "number", "unavailable") == 1)
            #expect(count("read", "all", "ok") == 0)
            #expect(page["henge_request_duration_seconds_count", ["read", "one"]] == 20)
            #expect(page["henge_request_duration_seconds_count", ["write", "all"]] == 20)
            #expect(page["henge_request_duration_seconds_count", ["write", "quorum"]] == 1)
            #expect(page["henge_request_duration_seconds_count", ["read", "all"]] == nil)
            #expect(page["henge_read_objects_total", ["1"]] == 20)
            #expect(page["henge_keys"] == 20)
            try await client.close()
        }
    }

    @Test("after writes and reads on three nodes a page tells of peers, staleness and all the rest")
    func everything() async throws {
        try await TestCluster.with(nodes: 3, http: true) { cluster in
            let client = try await cluster.client()
            for number in 0..<200 {
                _ = try await client("SET key\(number) value CONSISTENCY ALL")
                _ = try await client("GET key\(number)")
            }
            _ = try await client("DEL key1")
            _ = try await client("DBSIZE")
            try await eventually("clocks are known") {
                let page = try await Page(cluster)
                return ["n2", "n3"].allSatisfy {
                    page["henge_peer_clock_offset_seconds", [$0]] != nil
                }
            }
            let page = try await Page(cluster)
            for peer in ["n2", "n3"] {
                #expect(page["henge_peer_up", [peer]] == 1)
                #expect(page["henge_peer_state", [peer, "up"]] == 1)
                let stores = try #require(
                    page["henge_replica_store_duration_seconds_count", [peer]]
                )
                #expect((200...201).contains(stores), "\(peer)")
                #expect(
                    try #require(page["henge_replica_fetch_duration_seconds_count", [peer]]) > 0)
                // Both nodes have the clock of this machine.
                let offset = try #require(page["henge_peer_clock_offset_seconds", [peer]])
                let error = try #require(page["henge_peer_clock_error_seconds", [peer]])
                #expect(abs(offset) <= error + 1e-5, "\(offset) ± \(error)")
            }
            let fresh = page["henge_staleness_fresh_ratio", ["quorum", "1.0"]]
            #expect(try #require(fresh) > 0.99)
            #expect(page["henge_staleness_fresh_seconds", ["one", "0.999"]] != nil)
            #expect(page["henge_tombstones"] == 1)
            #expect(page["henge_requests_total", ["count", "none", "ok"]] == 1)
            #expect(page["henge_ring_partitions", ["replica"]] == 64)
            #expect(try #require(page["henge_event_loop_lag_seconds_count"]) > 0)
            #expect(try #require(page["henge_rocksdb_memtables_bytes", ["objects"]]) > 0)
            #expect(page["henge_rocksdb_level_zero_files", ["objects"]] != nil)
            // Absent while nothing of the kind has happened.
            let absent: Set = [
                "henge_scrub_last_seconds", "henge_hints_oldest_seconds",
                "henge_entropy_oldest_verified_seconds", "henge_foreground_p99_seconds",
            ]
            let missing = MetricRegistry.all.map(\.name).filter { !page.names.contains($0) }
            #expect(Set(missing).subtracting(absent).isEmpty, "\(missing)")
            try await client.close()
        }
    }
}

/// A page of metrics, read.
private struct Page {
    let text: String
    private var values: [String: Double] = [:]
    private(set) var names: Set<String> = []

    init(_ cluster: TestCluster) async throws {
        let http = try await cluster.http()
        let reply = try await http(.GET, "/metrics")
        #expect(reply.status == 200)
        #expect(reply["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
        text = reply.text
        try await http.close()
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                names.insert(String(line.split(separator: " ")[2]))
            } else if !line.hasPrefix("#") {
                let space = try #require(line.lastIndex(of: " "))
                let value = try #require(Double(line[line.index(after: space)...]))
                values[Self.key(line[..<space])] = value
            }
        }
    }

    subscript(_ name: String, _ labels: [String] = []) -> Double? {
        values[([name] + labels).joined(separator: " ")]
    }

    /// The name and the values of the labels, `le` among them.
    private static func key(_ series: Substring) -> String {
        let parts = series.split(separator: "{", maxSplits: 1)
        guard parts.count == 2 else { return String(series) }
        let labels = parts[1].dropLast().split(separator: ",").map { label in
            label.split(separator: "\"", omittingEmptySubsequences: false)[1]
        }
        return ([parts[0]] + labels).joined(separator: " ")
    }
}
