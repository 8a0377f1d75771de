import HengeCommand
import HengeSimulator
import Testing

@Suite struct GossipTextTests {
    private var report: GossipSimulation.Report {
        var options = GossipSimulation.Options(nodes: 3, seed: 1)
        options.calm = .seconds(5)
        return GossipSimulation(options).run()
    }

    @Test("a cluster is a line under the titles, and an object in JSON")
    func texts() {
        let report = report
        let lines = GossipText.lines([report, report], color: false)
        #expect(lines.count == 3 && lines[0].hasPrefix("nodes") && lines[1] == lines[2])
        #expect(lines[1].hasSuffix("5 s") && lines[1].hasPrefix("    3"))
        let json = GossipText.json(report).text
        #expect(json.hasPrefix(#"{"nodes":3,"join_rounds":"#))
        #expect(json.hasSuffix(#""false_suspicions":0,"false_downs":0,"seconds":5}"#))
    }
}
