import Foundation
import Testing

/// `henge report …` of real nodes, and of lists of keys without any.
@Suite(.serialized) struct ReportTests {
    @Test("a report of a cluster, of any node, names the node that is gone")
    func cluster() async throws {
        try await TestCluster.run { cluster in
            for number in 0..<40 {
                // A busy machine may be too late for ALL.
                try await eventually("key\(number) is on all nodes") {
                    try await cluster.henge("put", "key\(number)", "value", "--consistency", "all")
                        .status == 0
                }
            }
            let report = try await cluster.henge("report", "distribution", "--json", node: 2)
            let json = try report.json()
            #expect(json["keys"] as? Int == 40 && json["exact"] as? Bool == true)
            let nodes = try #require(json["nodes"] as? [[String: Any]])
            #expect(nodes.map { $0["keys"] as? Int } == [40, 40, 40])
            let text = try await cluster.henge(
                "report", "distribution", "--what-if", "add=n4", "weight=n1:2")
            #expect(text.status == 0 && text.text.contains("40 keys"))
            #expect(text.text.contains("what if: add n4, weight n1 2"))
            let page = try await cluster.henge("report", "distribution", "--format", "html")
            #expect(page.text.hasPrefix("<!DOCTYPE html>") && page.text.contains("</html>"))
            let wrong = try await cluster.henge("report", "distribution", "--what-if", "remove=n9")
            #expect(wrong.status == 2 && wrong.errorLines.count == 1)
            for name in ["siblings", "sizes", "hints", "entropy"] {
                for format in ["text", "json", "html"] {
                    let result = try await cluster.henge("report", name, "--format", format)
                    #expect(result.status == 0 && result.errors.isEmpty, "\(name) \(format)")
                    #expect(result.text.hasPrefix("<!DOCTYPE") == (format == "html"), "\(name)")
                }
            }
            #expect(try await cluster.cluster("kill", "n3").status == 0)
            let rest = try await cluster.henge("report", "distribution", "--json").json()
            #expect(rest["missing"] as? [String] == ["n3"] && rest["keys"] as? Int == 40)
            #expect(rest["exact"] as? Bool == false)
        }
    }

    @Test("a list of keys needs no cluster, from a file or a pipe")
    func keys() async throws {
        let list = (0..<2_000).map { "user:\($0)" }.joined(separator: "\n") + "\n"
        let result = try await Henge.run(
            [
                "report", "distribution", "--keys", "-", "--nodes", "5", "--partitions", "256",
                "--compare-strategies", "--json",
            ],
            input: Data(list.utf8)
        )
        let json = try result.json()
        #expect(json["keys"] as? Int == 2_000 && json["source"] as? String == "keys")
        #expect((json["nodes"] as? [Any])?.count == 5)
        #expect((json["strategies"] as? [Any])?.count == 4)
        let missing = try await Henge.run(["report", "distribution", "--keys", "/nonexistent"])
        #expect(missing.status == 1 && missing.errorLines.count == 1)
        for wrong in [["--partitions", "100"], ["--nodes", "0"], ["--what-if", "grow"]] {
            let result = try await Henge.run(
                ["report", "distribution", "--keys", "-"] + wrong, input: Data(list.utf8))
            #expect(result.status == 2, "\(wrong): \(result.errors)")
        }
    }
}
