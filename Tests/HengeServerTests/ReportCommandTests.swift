import HengeBase
import HengeMessages
import HengeServer
import Testing

@Suite struct ReportCommandTests {
    @Test("any node reports on the whole cluster, with what was written and deleted")
    func distribution() async throws {
        try await TestCluster.with(nodes: 4, replicas: 2) { cluster in
            let client = try await cluster.client()
            for number in 0..<300 { _ = try await client("SET key\(number) 0123456789") }
            for number in 0..<20 { _ = try await client("DEL key\(number)") }
            _ = try await client("HENGE.BUCKET other")
            for number in 0..<50 { _ = try await client("SET key\(number) v") }
            // Two values of one key that know nothing of each other.
            _ = try await client("HENGE.SET twice a CONSISTENCY ALL")
            _ = try await client("HENGE.SET twice b CONSISTENCY ALL")

            // The others hear of what was written at QUORUM a moment later.
            try await eventually("all replicas are counted") {
                let report = try await client.value("HENGE.REPORT DISTRIBUTION SAMPLE 0")
                let nodes = report["nodes"]?.elements ?? []
                return nodes.reduce(0) { $0 + ($1["keys"]?.int ?? 0) } == 2 * 331
            }
            for node in [0, 3] {
                let report = try await cluster.client(node).value("HENGE.REPORT DISTRIBUTION")
                #expect(report["source"]?.text == "cluster" && report["keys"]?.int == 331)
                #expect(report["tombstones"]?.int == 20 && report["siblings"]?.int == 1)
                #expect(report["missing"]?.elements.isEmpty == true)
                let partitions = try #require(report["partitions"]).elements
                #expect(partitions.count == 64)
                #expect(partitions.reduce(0) { $0 + ($1["keys"]?.int ?? 0) } == 331)
                let nodes = try #require(report["nodes"]).elements
                #expect(nodes.map { $0["name"]?.text } == ["n1", "n2", "n3", "n4"])
                let held = nodes.reduce(0) { $0 + ($1["bytes"]?.int ?? 0) }
                #expect(held == 2 * (report["bytes"]?.int ?? 0))
                let sample = try #require(report["sample"])
                #expect(sample["records"]?.int == 351 && sample["population"]?.int == 351)
                let buckets = try #require(sample["buckets"]).elements
                #expect(buckets.map { $0["name"]?.text } == ["default", "other"])
                #expect(buckets.map { $0["keys"]?.int } == [280, 51])
                #expect(buckets.map { $0["tombstones"]?.int } == [20, 0])
                #expect(buckets.map { $0["siblings"]?.int } == [0, 1])
                let most = try #require(sample["most_siblings"]).elements
                #expect(most.map { $0["key"]?.text } == ["twice"])
            }
        }
    }

    @Test("a part of the records stands for all of them")
    func estimate() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let client = try await cluster.client()
            for number in 0..<2_000 { _ = try await client("SET key\(number) 0123456789") }
            let report = try await client.value("HENGE.REPORT DISTRIBUTION SAMPLE 400")
            let sample = try #require(report["sample"])
            let looked = try #require(sample["records"]?.int)
            // Nodes count what is durable there, which for one may be a little less.
            #expect((300...401).contains(looked), "\(looked)")
            let estimated = sample["buckets"]?.elements.first?["keys"]?.int ?? 0
            #expect(abs(estimated - (report["keys"]?.int ?? 0)) <= 5, "\(estimated)")
        }
    }

    @Test("records that stand out are found, where they are")
    func records() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let client = try await cluster.client()
            for number in 0..<100 { _ = try await client("SET key\(number) v") }
            let large = String(repeating: "x", count: 5_000)
            _ = try await client("SET large \(large) CONSISTENCY ALL")
            for number in 0..<5 { _ = try await client("HENGE.SET many \(number) CONSISTENCY ALL") }
            _ = try await client("HENGE.SET two a CONSISTENCY ALL")
            _ = try await client("HENGE.SET two b CONSISTENCY ALL")
            let siblings = try await client.value("HENGE.REPORT SIBLINGS")
            let found = try #require(siblings["records"]).elements
            #expect(found.map { $0["key"]?.text } == ["many", "two"])
            #expect(found.map { $0["siblings"]?.int } == [5, 2])
            #expect(siblings["siblings"]?.int == 5)
            // Only two partitions have any.
            #expect((2...20).contains(siblings["looked_at"]?.int ?? 0))
            let sizes = try await client.value("HENGE.REPORT SIZES SAMPLE 1000")
            let largest = try #require(sizes["records"]?.elements.first)
            #expect(largest["key"]?.text == "large" && largest["bytes"]?.int ?? 0 > 5_000)
            #expect(sizes["report"]?.text == "sizes")
        }
    }

    @Test("wrong words are refused, and the connection goes on")
    func refused() async throws {
        try await TestCluster.with(nodes: 1, replicas: 1) { cluster in
            let client = try await cluster.client()
            #expect(
                try await client("HENGE.REPORT")
                    == "-ERR wrong number of arguments for 'henge.report' command")
            #expect(
                try await client("HENGE.REPORT NOTHING")
                    == "-ERR unknown subcommand 'NOTHING'. Try HENGE.REPORT HELP.")
            for wrong in ["SAMPLE", "SAMPLE 1 2", "MORE 1"] {
                #expect(
                    try await client("HENGE.REPORT DISTRIBUTION \(wrong)") == "-ERR syntax error")
            }
            #expect(
                try await client("HENGE.REPORT DISTRIBUTION SAMPLE -1")
                    == "-ERR SAMPLE is a number of records from 0 to 100000000")
            let report = try await client.value("HENGE.REPORT DISTRIBUTION")
            #expect(report["keys"]?.int == 0 && report["chi_square"] == .null)
            #expect(try await client("PING") == "+PONG")
        }
    }
}
