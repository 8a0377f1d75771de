import HengeRing

/// One thing that explains how keys lie, in words.
package struct DistributionFinding: Hashable, Sendable {
    /// What it is about. Names are stable.
    package enum Code: String, Sendable {
        case empty
        case missing
        case counting
        case changing
        case everywhere
        case weights
        case overweight
        case placement
        case fewKeys = "few_keys"
        case hashTags = "hash_tags"
        case sizes
        case hash
        case siblings
        case even
    }

    package let code: Code
    package let text: String
    /// Whether it is worth a look: it makes some node do more than its share, or hides something.
    package let isNotable: Bool

    init(_ code: Code, notable: Bool = false, _ text: String) {
        self.code = code
        self.text = text
        isNotable = notable
    }

    /// In the order in which they are best read.
    static func all(of report: DistributionReport) -> [DistributionFinding] {
        let survey = report.survey
        var found: [DistributionFinding] = []
        if !survey.missing.isEmpty {
            let names = survey.missing.joined(separator: ", ")
            found.append(
                Self(
                    .missing, notable: true, "No answer from \(names): what they hold is left out.")
            )
        }
        if !survey.counting.isEmpty {
            let names = survey.counting.joined(separator: ", ")
            found.append(
                Self(
                    .counting, notable: true,
                    "\(names) still count what is on their disks: their numbers may be too low."))
        }
        if survey.isChanging {
            found.append(
                Self(
                    .changing, notable: true,
                    "Partitions are being moved: nodes hold some that they are about to drop."))
        }
        guard report.total.keys > 0 else {
            return found + [Self(.empty, "There are no keys, so there is nothing to compare.")]
        }
        found += placement(report)
        found += chance(report)
        found += contents(report)
        return found + summary(report, isExplained: found.contains(where: \.isNotable))
    }

    // MARK: What the ring does

    private static func placement(_ report: DistributionReport) -> [DistributionFinding] {
        let ring = report.survey.ring
        let nodes = report.nodes
        var found: [DistributionFinding] = []
        if nodes.count <= ring.document.replicas {
            let count = nodes.count == 1 ? "The only node" : "Each of the \(nodes.count) nodes"
            found.append(
                Self(
                    .everywhere,
                    "\(count) holds every key, since there are \(ring.document.replicas) replicas "
                        + "of each: weights have no say."))
            return found
        }
        if Set(nodes.map(\.member.weight)).count > 1 {
            let shares = nodes.sorted { $0.fairShare > $1.fairShare }.prefix(3)
                .map { "\($0.member.name) \(percent($0.fairShare))" }
            found.append(
                Self(
                    .weights,
                    "Weights differ, so fair shares do: \(shares.joined(separator: ", "))"
                        + (nodes.count > 3 ? " and so on." : ".")))
        }
        let heavy = nodes.filter { $0.fairShare * Double(ring.replicas) > 1 + 1e-9 }
        for node in heavy {
            found.append(
                Self(
                    .overweight, notable: true,
                    "\(node.member.name) is due \(percent(node.fairShare)) by its weight, but can "
                        + "hold each key once only: \(percent(1 / Double(ring.replicas))) of all "
                        + "replicas at most, and the others hold the rest."))
        }
        let furthest = nodes.max { abs(placementGap($0)) < abs(placementGap($1)) }
        if heavy.isEmpty, let furthest, abs(placementGap(furthest)) > 0.01 {
            found.append(
                Self(
                    .placement, notable: true,
                    "The ring gives \(furthest.member.name) "
                        + "\(percent(furthest.placedShare)) of all "
                        + "places where its weight is due \(percent(furthest.fairShare)): "
                        + "\(ring.partitions) partitions can't be shared out more finely"
                        + (report.zones.count > 1 ? ", and zones of unequal weight bind." : ".")))
        }
        return found
    }

    private static func placementGap(_ node: DistributionReport.Node) -> Double {
        node.fairShare > 0 ? node.placedShare / node.fairShare - 1 : 0
    }

    // MARK: What the keys do

    private static func chance(_ report: DistributionReport) -> [DistributionFinding] {
        var found: [DistributionFinding] = []
        let keys = Double(report.total.keys)
        // Of a node that holds a part q of all partitions, as of a coin thrown for each key.
        let parts = Double(report.survey.ring.partitions)
        let spread =
            report.nodes.map { node -> Double in
                let q = Double(node.replicas) / parts
                return q > 0 ? ((1 - q) / (keys * q)).squareRoot() : 0
            }.max() ?? 0
        if spread > 0.01 {
            found.append(
                Self(
                    .fewKeys,
                    "There are only \(grouped(report.total.keys)) keys: chance alone moves a node "
                        + "some \(percent(spread)) off its share, and up to three times that now "
                        + "and then."))
        }
        found += hashTags(report)
        let isTagged = found.contains { $0.code == .hashTags && $0.isNotable }
        if let test = report.chiSquare {
            found.append(hash(test, of: "partitions", isTagged: isTagged))
        }
        if let fine = report.fineChiSquare, fine.p < 0.001 {
            found.append(
                Self(
                    .hash, notable: true,
                    "Within their slots tokens are not spread evenly (p \(probability(fine.p))): "
                        + "the list may name keys more than once."))
        }
        return found
    }

    private static func hash(
        _ test: ChiSquareTest,
        of what: String,
        isTagged: Bool
    ) -> DistributionFinding {
        let text =
            "p \(probability(test.p)), chi-square \(Int(test.statistic.rounded())) at "
            + "\(test.degrees) degrees of freedom"
        if test.p >= 0.001 {
            return Self(
                .hash, "The hash spreads keys over \(what) as evenly as chance does (\(text)).")
        }
        return Self(
            .hash, notable: !isTagged,
            "Keys lie on \(what) less evenly than chance would have them (\(text))"
                + (isTagged ? ", as hash tags make them." : ": look at the largest partitions."))
    }

    private static func hashTags(_ report: DistributionReport) -> [DistributionFinding] {
        guard let tags = report.survey.hashTags, tags.keys > 0 else { return [] }
        let part = Double(tags.keys) / Double(max(1, report.total.keys))
        let about = tags.isExact ? "" : "about "
        var text =
            "\(about)\(percent(min(1, part))) of the keys have a hash tag, so that those of "
            + "one tag lie together"
        text = text.prefix(1).uppercased() + text.dropFirst()
        let largest = report.largestPartitions(1).first
        let mean = report.partitionStatistics.keys.mean
        // Six standard deviations of what chance gives, and not for a handful of keys.
        let isFull =
            largest.map { Double($0.load.keys) > mean + 6 * mean.squareRoot() + 8 } ?? false
        if let slot = tags.largest.first, isFull {
            let name = String(decoding: slot.tag, as: UTF8.self)
            text +=
                "; {\(name)} is a tag of slot \(slot.slot), where \(grouped(slot.keys)) of them "
                + "are"
        } else if isFull, let largest {
            text +=
                "; partition \(largest.partition) has \(decimal(Double(largest.load.keys) / mean)) "
                + "times the mean"
        }
        return [Self(.hashTags, notable: isFull, text + ".")]
    }

    // MARK: What is in them

    private static func contents(_ report: DistributionReport) -> [DistributionFinding] {
        var found: [DistributionFinding] = []
        let keys = report.nodeStatistics.keys.efficiency
        let bytes = report.nodeStatistics.bytes.efficiency
        if bytes < keys - 0.02,
            let large = report.partitions.indices.max(by: {
                report.partitions[$0].bytes < report.partitions[$1].bytes
            })
        {
            let load = report.partitions[large]
            found.append(
                Self(
                    .sizes, notable: true,
                    "Bytes lie less evenly than keys: objects differ in size. Partition \(large) "
                        + "has most, \(grouped(load.bytes)) bytes in \(grouped(load.keys)) keys."))
        }
        if report.total.siblings > 0 {
            found.append(
                Self(
                    .siblings,
                    "\(grouped(report.total.siblings)) versions stand beside others of their keys: "
                        + "writers have not settled them; henge report siblings tells where."))
        }
        return found
    }

    private static func summary(
        _ report: DistributionReport,
        isExplained: Bool
    ) -> [DistributionFinding] {
        let worst = report.nodeStatistics.keys.maximumToFair
        guard worst > 0, worst < 1.05, !isExplained else { return [] }
        return [
            Self(
                .even,
                "Nobody holds more than \(percent(worst - 1)) over its fair share of keys.")
        ]
    }

    // MARK: Numbers

    private static func percent(_ part: Double) -> String { "\(decimal(part * 100)) %" }

    private static func decimal(_ number: Double) -> String {
        let tenths = Int((max(0, number) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func probability(_ p: Double) -> String {
        guard p >= 0.001 else { return "< 0.001" }
        let thousandths = String(Int((p * 1000).rounded()))
        let digits = String(repeating: "0", count: 4 - thousandths.count) + thousandths
        return "= \(digits.prefix(1)).\(digits.dropFirst())"
    }

    private static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }
}
