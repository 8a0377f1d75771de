import HengeBase

/// Dynamo's three strategies of partitioning beside Henge's placement, by load-balancing
/// efficiency: the mean load of a node divided by that of the node with most (section 6.2, figure
/// 8).
///
/// Without a ``LoadCurve`` keys are spread evenly by their hashes and there are so many of them
/// that the load of a range is its length: no noise of keys, no popular ones. Each range loads the
/// N nodes of its preference list alike. The paper measured requests and gives sizes in abstract
/// units; here a size is a number of entries, of tokens in strategies 1 and 2 and of partitions in
/// strategy 3 and Henge. Strategy 2 is not charged for its partitions, of which there are eight to
/// a token.
package struct PlacementStrategies: Sendable {
    package let nodes: Int
    package let replicas: Int
    /// What lies where; nil for as much everywhere.
    private let curve: LoadCurve?
    private var generator: SeededGenerator

    /// Efficiencies at one size of metadata, each 0...1.
    package struct Sample: Hashable, Sendable {
        /// T random tokens a node, ranges end at tokens.
        package let randomTokens: Double
        /// T random tokens a node, ranges are equal.
        package let randomTokensEqualPartitions: Double
        /// Q/S tokens a node, ranges are equal, claimed in random order.
        package let equalShares: Double
        /// Henge's initial placement.
        package let henge: Double
    }

    /// - Parameters:
    ///   - nodes: S, at least `replicas`.
    ///   - curve: what lies where; as much everywhere when nil.
    package init(nodes: Int, replicas: Int, seed: UInt64, curve: LoadCurve? = nil) {
        invariant(nodes >= replicas && replicas >= 1)
        self.nodes = nodes
        self.replicas = replicas
        self.curve = curve
        generator = SeededGenerator(seed: seed)
    }

    /// No placement of whole equal partitions that keeps nodes within one of their share is better
    /// where every node is on N lists for each of its partitions.
    package func efficiencyMost(entries: Int) -> Double {
        Double(entries) / Double(nodes) / Double((entries + nodes - 1) / nodes)
    }

    /// Efficiencies of one random draw.
    ///
    /// - Parameter entries: of metadata, at least one a node; Q, where partitions are equal.
    package mutating func sample(entries: Int) -> Sample {
        invariant(entries >= nodes)
        let tokens = randomTokens(each: (entries + nodes / 2) / nodes)
        return Sample(
            randomTokens: efficiency(byToken: tokens),
            randomTokensEqualPartitions: efficiency(tokens, partitions: 8 * entries),
            equalShares: efficiency(owners: shuffledShares(entries)),
            henge: hengeEfficiency(entries)
        )
    }

    private mutating func randomTokens(each count: Int) -> [(token: UInt64, node: Int)] {
        (0..<nodes * count).map { (generator.next(), $0 % nodes) }.sorted { $0 < $1 }
    }

    /// Strategy 1: the range up to a token belongs to its node and the next distinct ones.
    private func efficiency(byToken tokens: [(token: UInt64, node: Int)]) -> Double {
        let ring = tokens.map(\.node)
        var loads = [Double](repeating: 0, count: nodes)
        for index in tokens.indices {
            let previous = tokens[index == 0 ? tokens.count - 1 : index - 1].token
            let load = load(behind: previous, through: tokens[index].token)
            for node in walk(ring, from: index) { loads[node] += load }
        }
        return Self.efficiency(loads)
    }

    /// Strategy 2: a partition belongs to the first distinct nodes from its end on.
    private func efficiency(_ tokens: [(token: UInt64, node: Int)], partitions: Int) -> Double {
        let ring = tokens.map(\.node)
        var loads = [Double](repeating: 0, count: nodes)
        var next = 0
        let width = UInt64.max / UInt64(partitions)
        for partition in 0..<partitions {
            let end = UInt64(partition) * width + (width - 1)
            while next < tokens.count, tokens[next].token < end { next += 1 }
            let load = load(of: partition, width: width)
            for node in walk(ring, from: next % ring.count) { loads[node] += load }
        }
        return Self.efficiency(loads)
    }

    /// Strategy 3, and whoever else claims equal partitions.
    private func efficiency(owners: [Int]) -> Double {
        var loads = [Double](repeating: 0, count: nodes)
        for partition in owners.indices {
            let load = load(of: partition, width: UInt64.max / UInt64(owners.count))
            for node in walk(owners, from: partition) { loads[node] += load }
        }
        return Self.efficiency(loads)
    }

    private func load(behind start: UInt64, through end: UInt64) -> Double {
        curve?.load(from: start, to: end) ?? Double(end &- start)
    }

    /// Of one of equal partitions; 1 where as much lies everywhere.
    private func load(of partition: Int, width: UInt64) -> Double {
        let start = UInt64(partition) * width
        return curve?.load(from: start, to: start + width) ?? 1
    }

    /// Q/S partitions each, those left over to the first nodes.
    private mutating func shuffledShares(_ partitions: Int) -> [Int] {
        var owners = (0..<partitions).map { $0 % nodes }
        owners.shuffle(using: &generator)
        return owners
    }

    private func hengeEfficiency(_ partitions: Int) -> Double {
        let members = (1...nodes).map { number in
            Member(id: NodeID(UInt16(number)), name: "n\(number)", peerAddress: "n\(number):7401")
        }
        let result = Placement.initial(
            members: members,
            partitions: partitions,
            replicas: replicas
        )
        guard curve != nil else {
            return Self.efficiency(result.shares.map { Double($0.replicas) })
        }
        return efficiency(owners: result.owners.map { Int($0.rawValue) - 1 })
    }

    /// The first N distinct nodes.
    private func walk(_ ring: [Int], from start: Int) -> [Int] {
        var found: [Int] = []
        for offset in ring.indices where found.count < replicas {
            let node = ring[(start + offset) % ring.count]
            if !found.contains(node) { found.append(node) }
        }
        return found
    }

    private static func efficiency(_ loads: [Double]) -> Double {
        DistributionStatistics(counts: loads).efficiency
    }
}
