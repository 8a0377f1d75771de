import HengeBase

/// A random cluster and random changes of it, for measuring and testing placements.
package struct PlacementSequence: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// 1 to 4 nodes join.
        case add
        /// 1 to 4 nodes leave, as long as more than N stay.
        case remove
        /// A node leaves, another with its weight and zone joins.
        case replace
        /// 1 to 4 nodes get other weights.
        case weight
        /// 1 to 4 nodes get other zones, or all; only in a cluster that has zones.
        case zone
        /// Some join, some leave and some get other weights at once.
        case mixed
    }

    package private(set) var members: [Member]
    package let replicas: Int
    private let nodesMax: Int
    private let weightMax: Int
    private let zones: Int
    private var lastID: UInt16 = 0
    private var generator: SeededGenerator

    /// Half of the clusters have equal weights, the others up to 2, 4 or 10; half have no zones,
    /// the others 2 to 8. Small ones are as frequent as large ones: sizes are even on a logarithmic
    /// scale.
    ///
    /// - Parameters:
    ///   - nodesMax: at least `replicas`.
    ///   - replicas: N; every cluster has as many nodes at least.
    package init(seed: UInt64, nodesMax: Int, replicas: Int) {
        invariant(nodesMax >= replicas && nodesMax <= Member.countMax)
        generator = SeededGenerator(seed: seed)
        self.nodesMax = nodesMax
        self.replicas = replicas
        weightMax = [1, 1, 1, 2, 4, 10][generator.below(6)]
        zones = generator.chance(1, in: 2) ? 0 : 2 + generator.below(7)
        var ceiling = replicas + 1
        while ceiling <= nodesMax, !generator.chance(1, in: 5) { ceiling += 1 + ceiling / 2 }
        let count = replicas + generator.below(min(ceiling, nodesMax + 1) - replicas)
        members = []
        for _ in 0..<count { join() }
    }

    /// Makes one random change. It may turn out to be none, such as a weight for the same weight.
    package mutating func change() -> Kind {
        let kinds = Kind.allCases.filter { $0 != .zone || zones > 0 }
        let kind = kinds[generator.below(kinds.count)]
        switch kind {
        case .add: add()
        case .remove: remove()
        case .replace: replace()
        case .weight: reweigh()
        case .zone: rezone()
        case .mixed:
            add()
            remove()
            reweigh()
        }
        return kind
    }

    private mutating func add() {
        for _ in 0...generator.below(4) where members.count < nodesMax { join() }
    }

    private mutating func remove() {
        for _ in 0...generator.below(4) where members.count > replicas {
            members.remove(at: generator.below(members.count))
        }
    }

    private mutating func replace() {
        let old = members.remove(at: generator.below(members.count))
        join(zone: old.zone, weight: old.weight)
    }

    private mutating func reweigh() {
        for _ in 0...generator.below(4) {
            let index = generator.below(members.count)
            let weight = 1 + generator.below(max(2, weightMax))
            members[index] = Self.like(members[index], zone: members[index].zone, weight: weight)
        }
    }

    private mutating func rezone() {
        let isAll = generator.chance(1, in: 8)
        let some = (0...generator.below(4)).map { _ in generator.below(members.count) }
        for index in isAll ? Array(members.indices) : some {
            let zone = randomZone()
            members[index] = Self.like(members[index], zone: zone, weight: members[index].weight)
        }
    }

    private mutating func join(zone: String? = nil, weight: Int? = nil) {
        lastID += 1
        let weight = weight ?? 1 + generator.below(weightMax)
        members.append(
            Member(
                id: NodeID(lastID),
                name: "n\(lastID)",
                peerAddress: "n\(lastID):7401",
                zone: zone ?? randomZone(),
                weight: weight
            )
        )
    }

    private mutating func randomZone() -> String {
        zones == 0 ? "" : "z\(generator.below(zones))"
    }

    private static func like(_ member: Member, zone: String, weight: Int) -> Member {
        Member(
            id: member.id,
            name: member.name,
            peerAddress: member.peerAddress,
            zone: zone,
            weight: weight
        )
    }
}
