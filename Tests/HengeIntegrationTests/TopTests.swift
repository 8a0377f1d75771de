import Foundation
import Testing

/// `henge top` of real nodes, without a terminal.
@Suite(.serialized) struct TopTests {
    @Test("it prints one picture, or a line of JSON a second, and names a node that is gone")
    func top() async throws {
        try await TestCluster.run { cluster in
            #expect(try await cluster.henge("put", "hot", "value").status == 0)
            let text = try await cluster.henge("top", node: 2)
            #expect(text.status == 0 && text.errors.isEmpty)
            #expect(text.text.contains("as n2 sees it") && text.text.contains("3 of 3 up"))
            // Colours and whatever moves the cursor are for terminals.
            #expect(!text.text.contains("\u{1B}"))
            #expect(try await cluster.cluster("kill", "n3").status == 0)
            let lines = try await cluster.henge("top", "--json", "--count", "2").text
                .split(separator: "\n")
            #expect(lines.count == 2)
            for line in lines {
                let json = try #require(
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                let nodes = try #require(json["nodes"] as? [[String: Any]])
                #expect(nodes.map { $0["state"] as? String } == ["up", "up", "down"])
                let totals = try #require(json["totals"] as? [String: Any])
                #expect(totals["errors"] as? Double == 0)
            }
        }
    }

    @Test("wrong usage and no node at all are told in one line")
    func failures() async throws {
        let wrong = try await Henge.run(["top", "--count", "0"])
        #expect(wrong.status == 2 && wrong.errorLines.count == 1)
        let none = try await Henge.run(["top", "--node", "127.0.0.1:1"])
        #expect(none.status == 1 && none.errorLines.count == 1)
    }
}
