import HengeBase

/// What is known of a node when a change is planned.
package struct NodeFacts: Hashable, Sendable {
    /// Bytes that the file system of its data still takes.
    package var diskFree: Int
    package var diskTotal: Int

    package init(diskFree: Int, diskTotal: Int) {
        self.diskFree = max(0, diskFree)
        self.diskTotal = max(0, diskTotal)
    }
}

/// What one replica of a partition holds.
package struct PartitionFacts: Hashable, Sendable {
    package let keys: Int
    /// Of keys and objects, before compression.
    package let bytes: Int

    package static let nothing = PartitionFacts(keys: 0, bytes: 0)

    /// What is claimed beyond it is cut, so that sums over any ring stay numbers.
    private static let most = 1 << 42

    package init(keys: Int, bytes: Int) {
        self.keys = min(max(0, keys), Self.most)
        self.bytes = min(max(0, bytes), Self.most)
    }

    /// The larger of each: a replica that misses some holds less, none holds more than all.
    package func merged(_ other: PartitionFacts) -> PartitionFacts {
        PartitionFacts(keys: max(keys, other.keys), bytes: max(bytes, other.bytes))
    }
}

/// What a plan is made of besides the ring.
package struct RingFacts: Sendable {
    /// By name, members and candidates; those that did not answer are missing.
    package var nodes: [String: NodeFacts]
    /// By partition.
    package var partitions: [PartitionFacts]
    /// Of each node, in and out, while it transfers; at least 1.
    package var bytesPerSecond: Int

    package init(
        nodes: [String: NodeFacts],
        partitions: [PartitionFacts],
        bytesPerSecond: Int
    ) {
        self.nodes = nodes
        self.partitions = partitions
        self.bytesPerSecond = max(1, bytesPerSecond)
    }
}
