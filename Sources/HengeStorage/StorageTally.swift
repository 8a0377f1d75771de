package import HengeMessages

/// What a store holds, by partition.
package struct StorageTally: Hashable, Sendable {
    /// One for each partition, in order.
    package var partitions: [RecordWeight]
    /// The leaves of each partition's hash tree, in order, at the resolution of
    /// ``LeafSums/bits(forRecords:)``.
    package var leaves: [LeafSums]
    /// Records that fail their checksum or are no objects; they count in no partition.
    package var corruptRecords: Int

    package init(partitions: [RecordWeight], leaves: [LeafSums], corruptRecords: Int) {
        self.partitions = partitions
        self.leaves = leaves
        self.corruptRecords = corruptRecords
    }

    /// How far a count is.
    package struct Progress: Hashable, Sendable {
        package var records: Int
        /// Of the token space, 0...1; tokens are spread evenly, so it is also that of the time.
        package var fraction: Double
    }
}
