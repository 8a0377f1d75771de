import Foundation
import HengeClient
import HengeCommand
import NIOCore
import Testing

/// `henge wait-settled` on real processes.
@Suite(.serialized) struct SettleTests {
    private static let keys = 300

    private func write(_ client: HengeClient, _ value: String) async throws {
        for key in 0..<Self.keys {
            try await client.put(ByteBuffer(string: value), for: ByteBuffer(string: "k\(key)"))
        }
    }

    /// How many keys all three replicas hold one version of.
    private func equal(_ cluster: TestCluster, _ keys: [Int]) async throws -> Int {
        var count = 0
        for key in keys {
            let shown = try await cluster.henge("inspect", "k\(key)", "--json").json()
            let replicas = try #require(shown["replicas"] as? [[String: Any]])
            let digests = replicas.map { "\($0["digest"] ?? "none")" }
            if digests.count == 3, Set(digests).count == 1, digests[0] != "<null>" { count += 1 }
        }
        return count
    }

    @Test("a node that is down is named when time is up; once it is back all replicas are equal")
    func downAndBack() async throws {
        try await TestCluster.run { cluster in
            let client = try cluster.client()
            try await write(client, "old")
            #expect(try await cluster.cluster("kill", "n3").status == 0)
            try await write(client, "new")

            let late = try await cluster.henge("wait-settled", "--timeout-s", "6")
            #expect(late.status == 4 && late.errorLines.count == 1, "\(late.errors)")
            #expect(late.errors.contains("to deliver hints to n3"), "\(late.errors)")
            #expect(late.errors.contains("n3 is down"), "\(late.errors)")
            #expect(late.errors.contains("n3 has still to answer"), "\(late.errors)")
            let json = try await cluster.henge("wait-settled", "--timeout-s", "5", "--json")
            #expect(json.status == 4)
            let left = try #require(try json.json()["left"] as? [[String: Any]])
            #expect(
                left.contains {
                    $0["kind"] as? String == "hints" && $0["for"] as? String == "n3"
                        && $0["wait"] as? String == "down" && $0["count"] as? Int ?? 0 > 0
                }
            )

            // It waits for a node that is not there, until it is.
            let address = cluster.address(of: 1).description
            async let waiting = Henge.run(["wait-settled", "--node", address])
            #expect(try await cluster.cluster("start", "n3").status == 0)
            let settled = try await waiting
            #expect(settled.status == 0, "\(settled.text)\(settled.errors)")
            #expect(settled.text.contains("settled in "), "\(settled.text)")
            let sample = Array(stride(from: 0, to: Self.keys, by: 15))
            #expect(try await equal(cluster, sample) == sample.count)
            let hints = try await cluster.henge("report", "hints", "--json").json()
            #expect(hints["count"] as? Int == 0)
            await client.close()
        }
    }

    @Test("under steady writes it comes to an end")
    func steadyLoad() async throws {
        try await TestCluster.run { cluster in
            let clients = try (1...3).map { try cluster.client($0) }
            let writers = clients.map { client in
                Task {
                    var number = 0
                    while !Task.isCancelled {
                        number += 1
                        try await client.put(
                            ByteBuffer(string: "v\(number)"),
                            for: ByteBuffer(string: "k\(number % Self.keys)")
                        )
                    }
                    return number
                }
            }
            try await eventually("some are written") {
                try await cluster.henge("get", "k99").status == 0
            }
            let result = try await cluster.henge("wait-settled", "--timeout-s", "170", "--json")
            for writer in writers { writer.cancel() }
            #expect(result.status == 0, "\(result.text)\(result.errors)")
            #expect(try result.json()["settled"] as? Bool == true)
            for writer in writers { #expect(try await writer.value > 10) }
            for client in clients { await client.close() }
        }
    }

    @Test("wrong usage is told, and a cluster that is not there")
    func usage() async throws {
        let wrong = try await Henge.run(["wait-settled", "--timeout-s", "0"])
        #expect(wrong.status == 2 && wrong.errors.contains("1 to 604800"), "\(wrong.errors)")
        let base = try TestCluster.freeBasePort(nodes: 1)
        let nobody = try await Henge.run(["wait-settled", "--node", "127.0.0.1:\(base)"])
        #expect(nobody.status == 1 && nobody.errors.contains("refused"), "\(nobody.errors)")
    }
}
