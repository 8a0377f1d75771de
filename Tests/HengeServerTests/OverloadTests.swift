import HengeBase
import Testing

/// What a node does with more than it can do, over sockets.
@Suite(.serialized) struct OverloadTests {
    @Test("beyond the bound requests are refused at once, and those within are done")
    func bound() async throws {
        // Of one shard: several share the bound, and a key's may be full while others are not.
        try await TestCluster.with(nodes: 1, replicas: 1, shards: 1) {
            $0.requestsMax = 4
        } _: { cluster in
            let client = try await cluster.client()
            let count = 400
            for index in 0..<count { client.send(["SET", "k\(index)", "v"]) }
            var replies: [String] = []
            for _ in 0..<count { replies.append(try await client.reply()) }
            let refused = replies.filter { $0.hasPrefix("-OVERLOADED inflight=4 limit=4 ") }
            let done = replies.indices.filter { replies[$0] == "+OK" }
            #expect(refused.count + done.count == count, "\(Set(replies))")
            #expect(!refused.isEmpty && done.count >= 4)
            // What was refused was not done, and what was done is there.
            for index in 0..<count {
                let stored = try await client("GET k\(index)") != "nil"
                #expect(stored == (replies[index] == "+OK"), "k\(index)")
            }
            let status = try await client.value("HENGE.STATUS")
            #expect(status["requests_refused"]?.int == refused.count)
            #expect(status["requests_in_flight"]?.int == 0)
        }
    }

    @Test("what has waited behind others past its timeout is answered TIMEOUT and not carried out")
    func expired() async throws {
        try await TestCluster.with(
            nodes: 1,
            replicas: 1,
            {
                $0.requestTimeout = .milliseconds(2)
                $0.durability = .sync
            }
        ) { cluster in
            let client = try await cluster.client()
            let count = 3000
            for index in 0..<count { client.send(["SET", "k", "\(index)"]) }
            var replies: [String] = []
            for _ in 0..<count { replies.append(try await client.reply()) }
            let expired = replies.indices.filter { replies[$0].contains("waited too long") }
            #expect(!expired.isEmpty)
            for index in expired {
                #expect(
                    replies[index] == "-TIMEOUT required=1 received=0 it waited too long behind "
                        + "others; nothing was done"
                )
            }
            var value = ""
            try await eventually("the value can be read") {
                value = try await client("GET k")
                return value.hasPrefix("\"")
            }
            let last = Int(value.dropFirst().dropLast()) ?? -1
            #expect(!expired.contains(last), "\(last) was carried out")
            let status = try await client.value("HENGE.STATUS")
            #expect((status["requests_expired"]?.int ?? 0) >= expired.count)
        }
    }
}
