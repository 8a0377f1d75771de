/// A hybrid logical timestamp: 48 bits of wall-clock milliseconds, then a 16-bit counter.
///
/// Later writes that know of earlier ones have greater timestamps even when clocks disagree.
/// Source: Kulkarni et al., *Logical Physical Clocks*, 2014.
@usableFromInline
package struct HybridTimestamp: Hashable, Comparable, Sendable {
    @usableFromInline package let rawValue: UInt64

    @inlinable package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    @inlinable package init(wall: WallTime, counter: UInt16) {
        rawValue = min(wall.milliseconds, 0xFFFF_FFFF_FFFF) << 16 | UInt64(counter)
    }

    @inlinable package static var zero: HybridTimestamp { HybridTimestamp(rawValue: 0) }

    @inlinable package var wall: WallTime { WallTime(milliseconds: rawValue >> 16) }
    @inlinable package var counter: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

    @inlinable package static func < (a: HybridTimestamp, b: HybridTimestamp) -> Bool {
        a.rawValue < b.rawValue
    }
}

/// Issues hybrid timestamps that only rise, and learns of those that others issued.
@usableFromInline
package struct HybridClock: Sendable {
    /// The greatest timestamp issued or observed.
    @usableFromInline package private(set) var latest: HybridTimestamp

    /// How far ahead of this clock a remote timestamp may be before it is refused.
    @usableFromInline package let driftMax: Interval

    package init(driftMax: Interval, latest: HybridTimestamp = .zero) {
        self.driftMax = driftMax
        self.latest = latest
    }

    /// A timestamp greater than every one issued or observed before.
    package mutating func next(wall: WallTime) -> HybridTimestamp {
        let fromWall = HybridTimestamp(wall: wall, counter: 0)
        // Adding one to the raw value carries an overflowing counter into the milliseconds.
        latest = max(fromWall, HybridTimestamp(rawValue: latest.rawValue &+ 1))
        return latest
    }

    /// Whether a remote timestamp is within the bound. Compared with the later of the wall clock
    /// and this clock, so that a wall clock set back doesn't make a node refuse what it accepted.
    package func accepts(_ remote: HybridTimestamp, wall: WallTime) -> Bool {
        let now = max(wall.milliseconds, latest.wall.milliseconds)
        return remote.wall.milliseconds <= now &+ driftMax.milliseconds
    }

    /// Makes later timestamps exceed `remote`.
    package mutating func observe(_ remote: HybridTimestamp) {
        latest = max(latest, remote)
    }
}
