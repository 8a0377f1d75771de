import HengeBase
import HengeMessages
import HengeNode
import HengeRESP
import HengeServer
import NIOCore
import Testing

@Suite struct EntropyCommandTests {
    /// A report as a client of RESP3 reads it.
    private func read(_ report: EntropyReport) throws -> RESPValue {
        var out = ByteBuffer()
        report.tree.write(RESPWriter(.v3), into: &out)
        var parser = RESPValueParser()
        return try #require(try parser.next(&out))
    }

    @Test("HENGE.ENTROPY tells of every range, and HENGE.REPAIR answers at once")
    func commands() async throws {
        try await TestCluster.with(nodes: 2, replicas: 2) { cluster in
            let client = try await cluster.client()
            #expect(try await client("HENGE.REPAIR") == "+OK")
            let value = try await client.value("HENGE.ENTROPY")
            #expect(value["node"]?.text == "n1")
            let ranges = try #require(value["ranges"]).elements.map(\.elements)
            #expect(ranges.map { $0[0].int } == Array(0..<64))
            #expect(ranges.allSatisfy { $0.count == 4 && $0[1].int == 2 })
            #expect(value["differences"]?.int == 0)
            #expect(
                try await client("HENGE.REPAIR now")
                    == "-ERR wrong number of arguments for 'henge.repair' command"
            )
            #expect(
                try await client("HENGE.ENTROPY now")
                    == "-ERR wrong number of arguments for 'henge.entropy' command"
            )
            let status = try await client.value("HENGE.STATUS")
            for name in [
                "comparisons", "comparisons_failed", "partitions_differed", "entropy_received",
                "entropy_sent", "obsolete_dropped", "purged", "scrubbed", "leaves_mended",
                "bulk_entropy_bytes_raw_sent", "bulk_entropy_bytes_compressed_sent",
                "bulk_hand_off_bytes_raw_sent", "bulk_hand_off_bytes_compressed_sent",
            ] {
                #expect(status[name]?.int != nil, "\(name)")
            }
        }
    }

    @Test("a report has ages in seconds, null before the first, and each counter in its place")
    func report() throws {
        var counters = ShardCounters()
        counters.partitionsDiffered = 1
        counters.entropyReceived = 2
        counters.entropySent = 3
        counters.purged = 4
        counters.comparisons = 5
        counters.comparisonsFailed = 6
        var bulk = BulkTransport.Counters()
        bulk.entropyBytesRawSent = 7
        bulk.entropyBytesCompressedSent = 8
        bulk.handOffBytesRawSent = 9
        bulk.handOffBytesCompressedSent = 10
        let status = EntropyStatus(
            isReady: true,
            ranges: [
                .init(partition: 3, replicas: 2, verifiedAge: .milliseconds(1250), tombstones: 11),
                .init(partition: 4, replicas: 2, verifiedAge: nil, tombstones: 12),
                .init(partition: 5, replicas: 1, verifiedAge: nil, tombstones: 0),
            ],
            running: [.init(peer: NodeID(2), differing: 9, left: 8, age: .seconds(2))],
            scrubbed: 0.25,
            scrubbedAge: nil
        )
        let value = try read(
            EntropyReport(node: "n1", status: status, counters: counters, bulk: bulk) { "n\($0)" }
        )
        let names = [
            "differences", "received", "sent", "purged", "comparisons", "failed", "bytes_raw",
            "bytes_compressed", "hand_off_bytes_raw", "hand_off_bytes_compressed",
        ]
        #expect(names.map { value[$0]?.int } == Array(1...10))
        #expect(value["oldest_verified_seconds"] == RESPValue.double(1.25))
        #expect(value["unverified"]?.int == 1)
        #expect(value["tombstones"]?.int == 23)
        #expect(value["scrubbed"] == RESPValue.double(0.25))
        #expect(value["scrubbed_seconds_ago"] == RESPValue.null)
        let ranges = try #require(value["ranges"]).elements.map(\.elements)
        #expect(ranges.map { $0[2] } == [.double(1.25), .null, .null])
        let running = try #require(value["running"]?.elements.first)
        #expect(running["left"]?.int == 8)
        #expect(running["seconds"] == RESPValue.double(2))
    }

    @Test("messages survive every level of compression", arguments: BulkCodec.levels)
    func levels(_ level: Int) throws {
        var random = SeededGenerator(seed: 9)
        let noise = ByteBuffer(bytes: (0..<300_000).map { _ in UInt8(random.below(256)) })
        let text = ByteBuffer(string: String(repeating: "stone circle ", count: 20_000))
        for message in [noise, text] {
            var frame = BulkCodec.frame(message, level: level)
            let payload = try #require(try Frame.read(from: &frame))
            #expect(try BulkCodec.message(in: payload) == message)
        }
    }
}
