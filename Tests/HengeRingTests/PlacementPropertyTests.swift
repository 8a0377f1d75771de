import HengeBase
import HengeRing
import Testing

@Suite struct PlacementPropertyTests {
    @Test("random members get their shares, spaced wherever that is possible")
    func randomMembers() {
        for seed in 1...100 as ClosedRange<UInt64> { check(seed: seed) }
    }

    private func check(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let partitions = generator.chance(1, in: 5) ? 128 : 64
        let replicas = 1 + generator.below(generator.chance(1, in: 4) ? 8 : 4)
        let zones = generator.below(7)
        let weightMax = [1, 2, 5, 30][generator.below(4)]
        let list = members(
            (0...generator.below(generator.chance(1, in: 3) ? 40 : 10)).map { _ in
                let zone = zones < 2 ? "" : "z\(generator.below(zones))"
                return (zone, 1 + generator.below(weightMax))
            }
        )
        let result = Placement.initial(
            members: list,
            partitions: partitions,
            replicas: replicas
        )
        let view = Naive(list, result, replicas: replicas)
        let label: Comment =
            "seed \(seed): Q=\(partitions) N=\(replicas) \(list.map { "\($0.zone)*\($0.weight)" })"

        #expect(result.owners.count == partitions, label)
        for (share, member) in zip(result.shares, list) {
            #expect(share.id == member.id && share.vnodes == view.vnodes[member.id] ?? 0, label)
            #expect(abs(Double(share.vnodes) - share.fairShare) < 1, label)
            #expect(share.vnodes <= share.replicas, label)
        }
        #expect(result.spacingViolations == view.spacing.violations, label)
        #expect(result.zoneViolations == view.zones.violations, label)
        if view.spacing.isPossible { #expect(result.spacingViolations == 0, label) }
        if view.zones.isPossible { #expect(result.zoneViolations == 0, label) }
        let again = Placement.initial(members: list, partitions: partitions, replicas: replicas)
        #expect(again == result, label)
    }

    @Test("on tiny rings, nothing is better than what it finds")
    func exhaustive() {
        for weights in [
            [1, 1, 1], [2, 1, 1], [3, 2, 1], [4, 1, 1], [1, 1, 1, 1], [3, 2, 2, 1],
        ] {
            for partitions in 5...8 {
                for replicas in 2...3 {
                    let list = members(weights.map { ("", $0) })
                    let result = Placement.initial(
                        members: list,
                        partitions: partitions,
                        replicas: replicas
                    )
                    let window = min(replicas, result.shares.count { $0.vnodes > 0 })
                    let found = Naive.missing(result.owners, window: window)
                    let best = least(result.shares.map { ($0.id, $0.vnodes) }, window: window)
                    #expect(found == best, "\(weights) Q=\(partitions) N=\(replicas)")
                }
            }
        }
    }

    /// The least sum of squared gaps over all arrangements of these counts.
    private func least(_ counts: [(NodeID, Int)], window: Int) -> Int {
        var best = Int.max
        func extend(_ owners: [NodeID], _ rest: [(NodeID, Int)]) {
            if rest.allSatisfy({ $0.1 == 0 }) {
                best = min(best, Naive.missing(owners, window: window))
                return
            }
            for (index, (node, count)) in rest.enumerated() where count > 0 {
                var next = rest
                next[index].1 = count - 1
                extend(owners + [node], next)
                // The ring has no beginning.
                if owners.isEmpty { return }
            }
        }
        extend([], counts)
        return best
    }
}

/// A placement judged from its owners alone, slowly.
private struct Naive {
    struct Spread {
        /// Windows that are not spread.
        let violations: Int
        /// Whether totals let every window be spread.
        let isPossible: Bool
    }

    let vnodes: [NodeID: Int]
    let spacing: Spread
    let zones: Spread

    init(_ members: [Member], _ result: PlacementResult, replicas: Int) {
        let owners = result.owners
        let vnodes = Dictionary(owners.map { ($0, 1) }, uniquingKeysWith: +)
        let window = min(replicas, vnodes.count)
        let most = owners.count / window
        spacing = Spread(
            violations: Self.windows(owners, window).count { Set($0).count < window },
            isPossible: vnodes.values.allSatisfy { $0 <= most }
        )

        let domains = Dictionary(
            uniqueKeysWithValues: members.map { ($0.id, $0.zone.isEmpty ? $0.name : $0.zone) }
        )
        let placed = owners.map { domains[$0] ?? "" }
        let totals = Dictionary(placed.map { ($0, 1) }, uniquingKeysWith: +)
        let wanted = min(window, totals.count)
        let fewest = (owners.count + window - 1) / window
        zones = Spread(
            violations: Self.windows(placed, window).count { Set($0).count < wanted },
            isPossible: spacing.isPossible
                && (wanted == window
                    ? totals.values.allSatisfy { $0 <= most }
                    : totals.values.allSatisfy { $0 >= fewest })
        )
        self.vnodes = vnodes
    }

    /// The sum over windows of the square of the nodes that each lacks.
    static func missing(_ owners: [NodeID], window: Int) -> Int {
        windows(owners, window).reduce(0) {
            let lacking = window - Set($1).count
            return $0 + lacking * lacking
        }
    }

    private static func windows<T>(_ ring: [T], _ width: Int) -> [[T]] {
        ring.indices.map { start in (0..<width).map { ring[(start + $0) % ring.count] } }
    }
}
