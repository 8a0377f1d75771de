import HengeBase
import HengeMessages
import HengeRing
import HengeServer
import Testing

@Suite struct DistributionReportTests {
    private func ring(_ list: String, partitions: Int = 256, replicas: Int = 3) throws -> Ring {
        Ring(
            try RingDocument.bootstrap(
                try BootstrapList.parse(list), replicas: replicas, partitions: partitions))
    }

    private func equal(_ count: Int) -> String {
        (1...count).map { "n\($0)=h\($0):1" }.joined(separator: ",")
    }

    private func report(_ keys: [String], _ ring: Ring) -> DistributionReport {
        var tally = Array("default".utf8).withUnsafeBytes { KeyTally(bucket: $0) }
        for key in keys { Array(key.utf8).withUnsafeBytes { tally.add($0) } }
        return DistributionReport(DistributionSurvey(tally, ring: ring))
    }

    private func codes(_ report: DistributionReport) -> [String] {
        report.findings.map(\.code.rawValue)
    }

    @Test("even keys on equal nodes: sums, shares, efficiency, and nothing to complain about")
    func even() throws {
        let keys = (0..<200_000).map { "key\($0)" }
        let report = report(keys, try ring(equal(4)))
        #expect(report.total.keys == 200_000)
        #expect(report.partitions.map(\.keys).reduce(0, +) == 200_000)
        #expect(report.nodes.compactMap(\.load).total.keys == 600_000)
        #expect(abs(report.nodes.compactMap(\.share).reduce(0, +) - 1) < 1e-9)
        #expect(report.nodes.allSatisfy { $0.fairShare == 0.25 })
        let most = Double(report.nodes.compactMap(\.load).map(\.keys).max() ?? 0)
        #expect(abs(report.nodeStatistics.keys.efficiency - 150_000 / most) < 1e-9)
        #expect((report.chiSquare?.p ?? 0) > 0.001)
        #expect(!report.findings.contains { $0.isNotable })
        #expect(codes(report).contains("even") && codes(report).contains("hash"))
    }

    @Test("weights, one that is too heavy, and zones are told apart")
    func weights() throws {
        let keys = (0..<50_000).map { "key\($0)" }
        let weighted = report(
            keys, try ring("n1=h1:1/weight=2,n2=h2:1,n3=h3:1,n4=h4:1,n5=h5:1,n6=h6:1"))
        #expect(codes(weighted).contains("weights") && !codes(weighted).contains("overweight"))
        #expect(abs((weighted.nodes[0].share ?? 0) - 2.0 / 7) < 0.01)
        let heavy = report(keys, try ring("n1=h1:1/weight=9,n2=h2:1,n3=h3:1,n4=h4:1,n5=h5:1"))
        #expect(codes(heavy).contains("overweight"))
        #expect((heavy.nodes[0].share ?? 0) <= 1.0 / 3 + 1e-9)
        let few = report(keys, try ring("n1=h1:1/weight=2,n2=h2:1,n3=h3:1"))
        #expect(codes(few).contains("everywhere") && !codes(few).contains("weights"))
        let zoned = report(
            keys, try ring("n1=h1:1/zone=a,n2=h2:1/zone=a,n3=h3:1/zone=b,n4=h4:1/zone=c"))
        #expect(zoned.zones.map(\.name) == ["a", "b", "c"])
        #expect(zoned.zones.map(\.nodes) == [2, 1, 1])
        #expect(abs(zoned.zones.map(\.share).reduce(0, +) - 1) < 1e-9)
    }

    @Test("a hash tag that gathers keys is named, and the hash is not blamed")
    func tags() throws {
        let keys = (0..<20_000).map { "key\($0)" } + (0..<5_000).map { "{tenant}\($0)" }
        let report = report(keys, try ring(equal(5)))
        let finding = try #require(report.findings.first { $0.code == .hashTags })
        #expect(finding.isNotable && finding.text.contains("{tenant}"))
        #expect(finding.text.contains("20.0 %"))
        let hash = try #require(report.findings.first { $0.code == .hash })
        #expect(!hash.isNotable && hash.text.contains("hash tags"))
        #expect((report.chiSquare?.p ?? 1) < 1e-6)
        // The tag's keys still spread within their slot.
        #expect((report.fineChiSquare?.p ?? 0) > 0.001)
    }

    @Test("few keys, repeated keys, and none at all")
    func few() throws {
        let few = report((0..<100).map { "key\($0)" }, try ring(equal(5)))
        #expect(codes(few).contains("few_keys"))
        let same = report([String](repeating: "again", count: 5_000), try ring(equal(5)))
        #expect(same.findings.contains { $0.code == .hash && $0.text.contains("more than once") })
        let none = report([], try ring(equal(5)))
        #expect(codes(none) == ["empty"] && none.chiSquare == nil)
        #expect(none.nodes.allSatisfy { $0.share == 0 } && none.largestPartitions(5).isEmpty)
    }

    @Test("who did not answer is named and left out, not counted as empty")
    func missing() throws {
        let ring = try ring(equal(4))
        let cells = (0..<256).map { _ in KeyLoad(keys: 10, bytes: 100, siblings: 1) }
        var held = DistributionSurvey.holdings(of: cells, on: ring).map(Optional.some)
        held[1] = nil
        let report = DistributionReport(
            DistributionSurvey(
                source: .cluster, ring: ring, isChanging: true, cells: cells, held: held,
                counting: ["n3"]))
        #expect(report.survey.missing == ["n2"] && report.nodes[1].share == nil)
        #expect(codes(report).prefix(3) == ["missing", "counting", "changing"])
        #expect(codes(report).contains("siblings"))
        #expect(report.nodeStatistics.keys.efficiency > 0.95)
    }

    @Test("a sample takes each record with the same chance, and all when there are few")
    func plan() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let records = (0..<64).map { _ in generator.below(40) }
            let total = records.reduce(0, +)
            let wanted = 1 + generator.below(1_500)
            let plan = SamplePlan(
                records: records,
                wanted: wanted,
                offset: Double(generator.below(1_000)) / 1_000,
                reader: { $0 % 5 == 4 ? nil : NodeID(UInt16($0 % 5)) }
            )
            #expect(plan.population == total)
            var spans: [Int: Int] = [:]
            for (node, list) in plan.spans {
                for span in list {
                    #expect(UInt16(span.partition % 5) == node.rawValue)
                    spans[span.partition] = span.records
                }
            }
            let rate = min(1, Double(wanted) / Double(max(1, total)))
            for (partition, count) in records.enumerated() where partition % 5 != 4 {
                let share = Double(count) * rate
                let given = Double(spans[partition] ?? 0)
                #expect(abs(given - share) < 1 && given <= Double(count))
                if wanted >= total { #expect(given == Double(count)) }
            }
        }
    }
}
