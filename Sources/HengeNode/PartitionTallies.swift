import HengeBase
package import HengeMessages

/// How many records, keys and bytes this node holds in each partition, exact once the first count
/// of the records on disk has been added.
package struct PartitionTallies: Sendable {
    package private(set) var weights: [RecordWeight]
    /// Whether the records that were on disk at the start are counted in.
    package private(set) var isComplete: Bool

    init(partitions: Int, saved: [RecordWeight]?) {
        weights = saved ?? Array(repeating: .nothing, count: partitions)
        isComplete = saved != nil
    }

    mutating func add(_ change: RecordWeight, partition: Int) {
        weights[partition] = (weights[partition] + change).counts
    }

    /// Nothing is left of the partition.
    mutating func forget(_ partition: Int) {
        weights[partition] = .nothing
    }

    /// Adds what was on disk before the first write of this run.
    mutating func addInitial(_ initial: [RecordWeight]) {
        invariant(!isComplete && initial.count == weights.count)
        for partition in weights.indices { add(initial[partition], partition: partition) }
        isComplete = true
    }

    package var total: RecordWeight { weights.reduce(.nothing, +) }

    /// Keys by partition, never negative even while the first count is under way.
    package var keys: [Int] { weights.map { max(0, $0.keys) } }
}
