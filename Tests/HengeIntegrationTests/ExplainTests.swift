import Foundation
import Testing

/// `henge explain` against real nodes.
@Suite(.serialized) struct ExplainTests {
    private func steps(_ json: [String: Any]) -> [(node: String, event: String, peer: String)] {
        (json["steps"] as? [[String: Any]] ?? []).map { step in
            (
                step["node"] as? String ?? "", step["event"] as? String ?? "",
                step["peer"] as? String ?? ""
            )
        }
    }

    @Test("a write with a node killed tells of its hint; the node's stale record, of its repair")
    func killedAndStale() async throws {
        try await TestCluster.run { cluster in
            #expect(try await cluster.henge("explain", "SET", "k", "old").status == 0)
            // So that n3 comes back with what it had.
            #expect(try await cluster.henge("hints", "pause").status == 0)
            #expect(try await cluster.cluster("kill", "n3").status == 0)
            var json: [String: Any] = [:]
            try await eventually("n3 is known to be down") {
                json = try await cluster.henge("explain", "SET", "k", "new", "--json").json()
                return steps(json).contains { $0.event == "skips" && $0.peer == "n3" }
            }
            #expect(json["outcome"] as? String == "written" && json["cut"] as? Bool == false)
            #expect(steps(json).contains { $0.event == "hints" && $0.peer == "n3" })
            let replicas = try #require(json["preference_list"] as? [[String: Any]])
            #expect(
                replicas.first { $0["node"] as? String == "n3" }?["state"] as? String == "down"
            )
            let lines = try await cluster.henge("explain", "SET", "k", "newer").text
            #expect(lines.contains("n3 is down, so it is not asked"))
            #expect(lines.contains(" hint for n3"))
            let refused = try await cluster.henge("explain", "GET", "k", "--consistency", "all")
            #expect(refused.status == 3 && refused.text.contains("UNAVAILABLE"))

            #expect(try await cluster.cluster("start", "n3").status == 0)
            var repaired = false
            try await eventually("n3 answers again") {
                let result = try await cluster.henge(
                    "explain", "GET", "k", "--consistency", "all", "--json")
                guard result.status == 0 else { return false }
                json = try result.json()
                repaired = steps(json).contains { $0.event == "repaired" && $0.peer == "n3" }
                return true
            }
            #expect(repaired && steps(json).contains { $0.event == "merges" })
            let again = try await cluster.henge("explain", "GET", "k", "--consistency", "all")
            #expect(!again.text.contains("repairs") && again.text.contains("found"))
            #expect(try await cluster.henge("explain", "DEL", "k", node: 2).status == 0)
            let gone = try await cluster.henge("explain", "GET", "k").text
            #expect(gone.contains("outcome      absent"))
            let usage = try await cluster.henge("explain", "MGET", "a", "b")
            #expect(usage.status == 1 && usage.errors.contains("can't be explained"))
        }
    }
}
