package import HengeBase

/// Decides which node claims which position of the ring.
package enum Placement {
    package static func initial(
        members: [Member],
        partitions: Int,
        replicas: Int
    ) -> PlacementResult {
        var credit = [Int](repeating: 0, count: members.count)
        let total = members.reduce(0) { $0 + $1.weight }
        let owners = (0..<partitions).map { _ in
            for (index, member) in members.enumerated() { credit[index] += member.weight }
            var best = 0
            for index in credit.indices where credit[index] > credit[best] { best = index }
            credit[best] -= total
            return members[best].id
        }
        return PlacementResult(owners: owners, spacingViolations: 0, zoneViolations: 0)
    }
}

/// A placement and what could not be had.
package struct PlacementResult: Hashable, Sendable {
    package let owners: [NodeID]
    package let spacingViolations: Int
    package let zoneViolations: Int
}
