package import HengeBase

/// What a member tells the others, while the ring changes, of its part in it. A report that is late
/// or lost costs time alone: what it says stays true for as long as its epoch lasts.
package struct RingReport: Hashable, Sendable {
    /// Of the ring that the sender has adopted.
    package var epoch: UInt64
    /// The partitions, ascending, that the sender is to join the replicas of and has taken over, so
    /// that all of it is durable there.
    package var ready: [UInt16]
    /// The sender is about to leave the ring, holds nothing more for other nodes, and takes nothing
    /// more in by the ring of `epoch`.
    package var isDrained: Bool
    /// Members that come into the ring by the change that is running and that the sender has no
    /// connection to, ascending.
    package var unreached: [NodeID]
    package var progress: TransferProgress

    /// Whether the sender joins the replicas of any partition.
    package var takesOver: Bool {
        !ready.isEmpty || progress.partitionsLeft > 0 || progress.partitionsDone > 0
    }

    package init(
        epoch: UInt64,
        ready: [UInt16] = [],
        isDrained: Bool = false,
        unreached: [NodeID] = [],
        progress: TransferProgress = .init()
    ) {
        self.epoch = epoch
        self.ready = ready
        self.isDrained = isDrained
        self.unreached = unreached
        self.progress = progress
    }
}

/// How far a node is with the partitions that it takes over.
package struct TransferProgress: Hashable, Sendable {
    package var partitionsDone = 0
    package var partitionsLeft = 0
    package var keysDone = 0
    package var bytesDone = 0
    /// An estimate, from what the sources hold.
    package var bytesLeft = 0
    /// Of late.
    package var bytesPerSecond = 0
    /// Records that could not be read at their source and were left out.
    package var recordsSkipped = 0
    /// Why nothing moves; nil while something does, or when nothing is left.
    package var wait: TransferWait?

    package init() {}
}

/// Why a transfer does not go on.
package enum TransferWait: Hashable, Sendable {
    /// Too few of the partition's replicas have adopted the step yet.
    case adoption
    /// No node that the data can come from is up.
    case source(NodeID)
    /// Clients' requests come first: the background budget is used up.
    case budget
    /// This node's disk is full, or does not keep up.
    case storage
    /// All has moved, and this node, which leaves, still holds something for other nodes.
    case held
}
