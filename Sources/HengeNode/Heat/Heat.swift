package import HengeBase
package import HengeMessages
import HengeRing

/// Which keys, partitions and stretches of the ring this node's clients ask for most: of the last
/// minute, of the last hour and since the start.
///
/// Each request that this node has coordinated is counted once, where its answer is made, so that
/// the counts of all nodes add up to those of the cluster. What is kept is slices of half a minute,
/// merged into ones of five minutes, and those into one since the start: so a request is counted in
/// one place, and the memory is fixed.
package struct Heat: Sendable {
    package enum Window: String, CaseIterable, Sendable {
        /// The last 60 to 90 seconds.
        case minute
        /// The last 60 to 65 minutes.
        case hour
        case start
    }

    /// Keys that each sketch counts.
    package static let capacity = 512

    static let sliceLength = Interval.seconds(30)
    static let slicesOfMinute = 2
    static let slicesOfBlock = 10
    static let blocksOfHour = 12

    private let capacity: Int
    private var current: HeatSlice
    /// Past ones that belong to no block yet, or to the last minute; the oldest first.
    private var slices: [HeatSlice] = []
    /// How many of `slices` are in a block already.
    private var mergedSlices = 0
    /// Of five minutes each, the oldest first.
    private var blocks: [HeatSlice] = []
    /// All before those in `blocks`.
    private var older: HeatSlice?
    package private(set) var map: HeatMap

    /// - Parameter capacity: keys that each sketch counts; 1...16,384.
    package init(partitions: Int, capacity: Int = Heat.capacity, now: Instant) {
        self.capacity = capacity
        current = HeatSlice(began: now, partitions: partitions, capacity: capacity)
        map = HeatMap(now: now)
    }

    /// Counts a request that was carried out.
    ///
    /// - Parameter bytes: of the object that was read or written.
    package mutating func count(
        _ key: StoredKey,
        partition: Int,
        isWrite: Bool,
        bytes: Int
    ) {
        current.keys.count(key, isWrite: isWrite, bytes: bytes)
        if isWrite {
            current.partitions[partition].writes += 1
        } else {
            current.partitions[partition].reads += 1
        }
        current.partitions[partition].bytes += bytes
        map.count(key.token)
    }

    /// Ends slices whose time is over; to be called about once a second.
    package mutating func advance(to now: Instant) {
        map.advance(to: now)
        guard now.since(current.began) >= Self.sliceLength else { return }
        slices.append(current)
        current = HeatSlice(
            began: now,
            partitions: current.partitions.count,
            capacity: capacity
        )
        if slices.count - mergedSlices == Self.slicesOfBlock { closeBlock() }
        while slices.count > Self.slicesOfMinute, mergedSlices > 0 {
            slices.removeFirst()
            mergedSlices -= 1
        }
    }

    private mutating func closeBlock() {
        blocks.append(HeatSlice(merging: Array(slices[mergedSlices...])))
        mergedSlices = slices.count
        guard blocks.count > Self.blocksOfHour else { return }
        let oldest = blocks.removeFirst()
        older = older.map { HeatSlice(merging: [$0, oldest]) } ?? oldest
    }

    /// What was counted in this window; its ``HeatSlice/began`` tells how far back it goes.
    package func slice(_ window: Window) -> HeatSlice {
        let recent = Array(slices[mergedSlices...]) + [current]
        switch window {
        case .minute: return HeatSlice(merging: slices.suffix(Self.slicesOfMinute) + [current])
        case .hour: return HeatSlice(merging: blocks + recent)
        case .start: return HeatSlice(merging: (older.map { [$0] } ?? []) + blocks + recent)
        }
    }
}
