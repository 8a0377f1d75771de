import HengeBase
import HengeMessages
import HengeNode
import HengeRESP
import HengeServer
import NIOCore
import Testing

@Suite struct SettleCommandTests {
    @Test("HENGE.SETTLED makes a mark, TOKEN asks for it, and COMPARE lets comparisons begin")
    func commands() async throws {
        try await TestCluster.with(nodes: 2, replicas: 2) { cluster in
            let client = try await cluster.client()
            let first = try await client.value("HENGE.SETTLED")
            #expect(first["node"]?.text == "n1" && first["epoch"]?.int == 1)
            let token = try #require(first["token"]?.text)
            #expect(token.utf8.count == 16)
            let kinds = try #require(first["left"]).elements.map { $0["kind"]?.text }
            #expect(kinds.contains("comparisons"))
            try await eventually("only comparisons are left") {
                let value = try await client.value("HENGE.SETTLED TOKEN \(token)")
                let left = try #require(value["left"]).elements
                #expect(value["settled"]?.int == 0)
                return left.allSatisfy {
                    $0["kind"]?.text == "comparisons" && $0["wait"]?.text == "hints"
                }
            }
            try await eventually("all is done") {
                let value = try await client.value("HENGE.SETTLED TOKEN \(token) COMPARE")
                return value["settled"]?.int == 1
            }
            let done = try await client.value("HENGE.SETTLED TOKEN \(token)")
            #expect(done["settled"]?.int == 1)
            #expect(
                try await client("HENGE.SETTLED TOKEN 0123456789abcdef")
                    == "-NOTOKEN this node has no such mark; HENGE.SETTLED makes a new one"
            )
            for wrong in ["TOKEN", "TOKENS x", "TOKEN x y", "TOKEN x COMPARE y"] {
                #expect(try await client("HENGE.SETTLED \(wrong)") == "-ERR syntax error")
            }
            #expect(try await client("HENGE.SETTLED TOKEN x").hasPrefix("-NOTOKEN "))
        }
    }

    @Test("a report names what is left, and what it waits for")
    func report() throws {
        let two = NodeID(2)
        let status = SettleStatus(
            token: SettleToken(rawValue: 255),
            epoch: 7,
            left: [
                .init(.hints(for: two, count: 3, bytes: 400), wait: .down(two)),
                .init(.transfers(partitions: 5, bytes: 600), wait: .transfer(.source(two))),
                .init(.change(partitions: 8), wait: nil),
                .init(.drops(partitions: 9), wait: .counting),
                .init(.comparisons(with: two, partitions: 10), wait: .hints),
            ]
        )
        var out = ByteBuffer()
        SettleReport(node: "n1", status: status) { "n\($0.rawValue)" }
            .tree.write(RESPWriter(.v3), into: &out)
        var parser = RESPValueParser()
        let value = try #require(try parser.next(&out))
        #expect(value["token"]?.text == "00000000000000ff" && value["epoch"]?.int == 7)
        #expect(value["settled"] == .boolean(false))
        let rows = try #require(value["left"]).elements.map { left in
            ["kind", "for", "wait", "wait_for"]
                .map { left[$0] == .null ? "-" : left[$0]?.text ?? "nothing" }
                .joined(separator: " ")
                + " \(left["count"]?.int ?? -1) \(left["bytes"]?.int ?? -1)"
        }
        #expect(
            rows == [
                "hints n2 down n2 3 400", "transfers - source n2 5 600", "change - - - 8 -1",
                "drops - counting - 9 -1", "comparisons n2 hints - 10 -1",
            ]
        )
    }
}
