package import HengeBase
package import HengeNode

/// What clients ask a node for most: each of its shards has counted its own keys.
package struct HeatFigures: ShardFigure {
    /// Of each shard; empty while nothing is counted.
    private var heats: [Heat]

    package init(_ heat: Heat?) {
        heats = heat.map { [$0] } ?? []
    }

    package mutating func merge(_ other: HeatFigures) { heats += other.heats }

    /// What was counted in this window; nil while nothing is counted.
    package func sum(_ window: Heat.Window) -> HeatSum? {
        heats.isEmpty ? nil : HeatSum(heats, window)
    }
}

/// The requests of a window, of all shards.
package struct HeatSum: Sendable {
    /// How far back it goes: to where the shard that began first did.
    package let began: Instant
    /// What has been counted at all, most requests first.
    package let keys: [HotKey]
    /// What a key that is not among ``keys`` has at most.
    package let countMin: Int
    package let total: Load
    package let partitions: [Load]
    /// Of each minute, the oldest first, the current one last: requests by range of tokens.
    package let minutes: [[UInt32]]

    /// - Parameter heats: of at least one shard; none has counted keys of another.
    fileprivate init(_ heats: [Heat], _ window: Heat.Window) {
        let slices = heats.map { $0.slice(window) }
        began = slices.map(\.began).min() ?? slices[0].began
        total = slices.reduce(Load()) { $0 + $1.keys.total }
        partitions = slices.dropFirst().reduce(slices[0].partitions) { sums, slice in
            zip(sums, slice.partitions).map { $0 + $1 }
        }
        minutes = Self.minutes(heats)
        let least = slices.map(\.keys.countMin).max() ?? 0
        guard slices.count > 1 else {
            keys = slices[0].keys.keys
            countMin = least
            return
        }
        let all = slices.flatMap(\.keys.keys).sorted {
            ($1.requests, $0.token.rawValue) < ($0.requests, $1.token.rawValue)
        }
        // As many as one shard alone would tell of.
        let count = slices.map(\.keys.capacity).max() ?? all.count
        keys = Array(all.prefix(count))
        countMin = max(least, all.count > count ? all[count].requests : 0)
    }

    /// What a key has at most that is not among the first so many.
    func unlistedMax(_ listed: Int) -> Int {
        keys.count > listed ? keys[listed].requests : countMin
    }

    /// The shards' minutes begin a little apart; the current one of each goes with the others'.
    private static func minutes(_ heats: [Heat]) -> [[UInt32]] {
        var sums: [[UInt32]] = []
        for minutes in heats.map(\.map.minutes) {
            let missing = minutes.count - sums.count
            if missing > 0 {
                sums.insert(contentsOf: minutes.prefix(missing).map { $0.map { _ in 0 } }, at: 0)
            }
            let first = sums.count - minutes.count
            for (place, minute) in minutes.enumerated() {
                sums[first + place] = zip(sums[first + place], minute).map { $0 &+ $1 }
            }
        }
        return sums
    }
}
