import HengeBase
package import HengeRing

/// How evenly the keys of a cluster lie on its nodes, zones and partitions, and why.
package struct DistributionReport: Sendable {
    package struct Node: Sendable {
        package let member: Member
        package let vnodes: Int
        /// On how many preference lists it is.
        package let replicas: Int
        /// All replicas that it holds; nil when it did not answer.
        package let load: KeyLoad?
        /// Of the keys of all nodes, each replica counted, 0...1; nil without an answer.
        package let share: Double?
        package let bytesShare: Double?
        /// What its weight is of all weights.
        package let fairShare: Double
        /// What the ring gives it: its part of all places on preference lists.
        package let placedShare: Double
    }

    package struct Zone: Sendable {
        package let name: String
        package let nodes: Int
        /// Of those of its nodes that answered.
        package let load: KeyLoad
        package let share: Double
        package let fairShare: Double
    }

    /// A pair of the same of keys and of bytes.
    package struct Pair<Value: Sendable>: Sendable {
        package let keys: Value
        package let bytes: Value
    }

    package let survey: DistributionSurvey
    /// Each key once.
    package let total: KeyLoad
    package let nodes: [Node]
    /// By name; empty where no node has a zone.
    package let zones: [Zone]
    package let partitions: [KeyLoad]
    /// Of the nodes that answered, against their weights.
    package let nodeStatistics: Pair<DistributionStatistics>
    package let partitionStatistics: Pair<DistributionStatistics>
    /// Of keys on partitions; nil for too few keys.
    package let chiSquare: ChiSquareTest?
    /// Of the part of the hash below the slot; nil where keys are not known one by one.
    package let fineChiSquare: ChiSquareTest?
    package private(set) var findings: [DistributionFinding]

    package init(_ survey: DistributionSurvey) {
        let partitions = survey.partitions
        self.survey = survey
        self.partitions = partitions
        total = survey.cells.total
        let nodes = Self.nodes(survey)
        self.nodes = nodes
        zones = Self.zones(nodes)
        let answered = nodes.filter { $0.load != nil }
        nodeStatistics = Pair(
            keys: Self.statistics(answered) { $0.keys },
            bytes: Self.statistics(answered) { $0.bytes }
        )
        partitionStatistics = Pair(
            keys: DistributionStatistics(counts: partitions.map { Double($0.keys) }),
            bytes: DistributionStatistics(counts: partitions.map { Double($0.bytes) })
        )
        chiSquare =
            survey.arePartitionsExact ? ChiSquareTest(equal: partitions.map(\.keys)) : nil
        fineChiSquare = survey.fine.flatMap { ChiSquareTest(equal: $0) }
        findings = []
        findings = DistributionFinding.all(of: self)
    }

    private static func nodes(_ survey: DistributionSurvey) -> [Node] {
        let ring = survey.ring
        let members = ring.document.members
        var indexes: [NodeID: Int] = [:]
        for (index, member) in members.enumerated() { indexes[member.id] = index }
        var replicas = [Int](repeating: 0, count: members.count)
        for partition in 0..<ring.partitions {
            ring.preferenceList(partition: partition).forEach { node in
                if let index = indexes[node] { replicas[index] += 1 }
            }
        }
        let all = survey.held.compactMap(\.self).total
        let weights = members.reduce(0) { $0 + $1.weight }
        return members.enumerated().map { index, member in
            let load = survey.held[index]
            return Node(
                member: member,
                vnodes: ring.vnodes(of: member.id),
                replicas: replicas[index],
                load: load,
                share: load.map { fraction($0.keys, of: all.keys) },
                bytesShare: load.map { fraction($0.bytes, of: all.bytes) },
                fairShare: fraction(member.weight, of: weights),
                placedShare: fraction(replicas[index], of: ring.partitions * ring.replicas)
            )
        }
    }

    private static func zones(_ nodes: [Node]) -> [Zone] {
        let all = nodes.compactMap(\.load).total.keys
        let names = Set(nodes.map(\.member.zone)).filter { !$0.isEmpty }.sorted()
        return names.map { name in
            let inside = nodes.filter { $0.member.zone == name }
            let load = inside.compactMap(\.load).total
            return Zone(
                name: name,
                nodes: inside.count,
                load: load,
                share: fraction(load.keys, of: all),
                fairShare: inside.reduce(0) { $0 + $1.fairShare }
            )
        }
    }

    private static func statistics(
        _ nodes: [Node],
        _ number: (KeyLoad) -> Int
    ) -> DistributionStatistics {
        guard !nodes.isEmpty else { return DistributionStatistics(counts: [0]) }
        return DistributionStatistics(
            counts: nodes.map { Double($0.load.map(number) ?? 0) },
            fairShares: nodes.map(\.fairShare)
        )
    }

    private static func fraction(_ part: Int, of whole: Int) -> Double {
        whole > 0 ? Double(part) / Double(whole) : 0
    }

    /// The partitions with most keys, most first.
    package func largestPartitions(_ count: Int) -> [(partition: Int, load: KeyLoad)] {
        partitions.indices
            .sorted { (partitions[$0].keys, $1) > (partitions[$1].keys, $0) }
            .prefix(count)
            .filter { partitions[$0].keys > 0 }
            .map { ($0, partitions[$0]) }
    }

    /// Of the largest partition, relative to the mean; 0 without keys.
    package static func maximumToMean(_ statistics: DistributionStatistics) -> Double {
        statistics.mean > 0 ? statistics.maximum / statistics.mean : 0
    }
}
