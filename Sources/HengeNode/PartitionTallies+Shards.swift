import HengeBase
package import HengeMessages

extension PartitionTallies {
    /// - Parameters:
    ///   - weights: by partition.
    ///   - isComplete: whether the records that were on disk at the start are counted in.
    package init(_ weights: [RecordWeight], isComplete: Bool) {
        self.init(partitions: weights.count, saved: isComplete ? weights : nil)
        guard !isComplete else { return }
        for (partition, weight) in weights.enumerated() { add(weight, partition: partition) }
    }

    /// Adds what another shard of the node holds.
    ///
    /// - Parameter other: of as many partitions.
    package mutating func merge(_ other: PartitionTallies) {
        invariant(other.weights.count == weights.count)
        self = PartitionTallies(
            zip(weights, other.weights).map { ($0 + $1).counts },
            isComplete: isComplete && other.isComplete
        )
    }
}
