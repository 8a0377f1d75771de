package import HengeBase

/// The requests of a stretch of time.
package struct HeatSlice: Sendable {
    package private(set) var began: Instant
    package internal(set) var keys: HotKeySketch
    package internal(set) var partitions: [Load]

    init(began: Instant, partitions: Int, capacity: Int) {
        self.began = began
        keys = HotKeySketch(capacity: capacity)
        self.partitions = Array(repeating: Load(), count: partitions)
    }

    /// These as one.
    ///
    /// - Parameter slices: at least one, of the same ring; the first began first.
    init(merging slices: [HeatSlice]) {
        invariant(!slices.isEmpty)
        self = slices[0]
        guard slices.count > 1 else { return }
        keys = HotKeySketch.merged(slices.map(\.keys), capacity: keys.capacity)
        for slice in slices.dropFirst() {
            for partition in partitions.indices {
                partitions[partition] += slice.partitions[partition]
            }
        }
    }
}
