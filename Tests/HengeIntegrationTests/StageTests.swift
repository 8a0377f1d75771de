import Foundation
import Testing

/// What is staged at one node, by commands that turn to others.
@Suite(.serialized) struct StageTests {
    @Test("whichever member is asked, the one that keeps what is staged is found")
    func anywhere() async throws {
        try await TestCluster.run { cluster in
            #expect(try await cluster.henge("ring", "weight", "n3", "2").status == 0)
            let more = try await cluster.henge("ring", "zone", "n1", "a", "--json", node: 2).json()
            #expect(more["node"] as? String == "n1")
            #expect(more["operations"] as? [String] == ["weight n3 2", "zone n1 a"])
            let plan = try await cluster.henge("ring", "plan", "--json", node: 3).json()
            #expect(plan["operations"] as? [String] == ["weight n3 2", "zone n1 a"])
            let committed = try await cluster.henge("ring", "commit", "--yes", node: 2)
            #expect(committed.status == 0, "\(committed.errors)")
            #expect(
                try await cluster.henge("ring", "progress", "--watch", node: 3).status == 0)
        }
    }
}
