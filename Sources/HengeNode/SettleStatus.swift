package import HengeBase
package import HengeMessages

/// What is left of all that a node had to do for its replicas at some time.
package struct SettleStatus: Hashable, Sendable {
    package enum Work: Hashable, Sendable {
        /// Writes that a node missed. Of the bytes, those of what was kept later are a part.
        case hints(for: NodeID, count: Int, bytes: Int)
        /// Partitions that this node takes over.
        case transfers(partitions: Int, bytes: Int)
        /// A change of the ring; partitions that are not through, of whatever node.
        case change(partitions: Int)
        /// Partitions that other nodes hold now, and that this one is to forget.
        case drops(partitions: Int)
        /// Partitions that are to be found or made equal with those of a node.
        case comparisons(with: NodeID, partitions: Int)
    }

    package enum Wait: Hashable, Sendable {
        case down(NodeID)
        /// An operator has paused the delivery of hints.
        case paused
        /// Hints and changes of the ring come first, here and at all other nodes: what they bring
        /// to one replica a comparison that was made before would not bring to the others.
        case hints
        /// The records are still being counted after a start.
        case counting
        case transfer(TransferWait)
    }

    package struct Left: Hashable, Sendable {
        package let work: Work
        /// Why it does not go on; nil while it does.
        package let wait: Wait?

        package init(_ work: Work, wait: Wait?) {
            self.work = work
            self.wait = wait
        }
    }

    package let token: SettleToken
    /// Of the ring that the node has.
    package let epoch: UInt64
    /// Empty once all is done.
    package let left: [Left]

    package init(token: SettleToken, epoch: UInt64, left: [Left]) {
        self.token = token
        self.epoch = epoch
        self.left = left
    }
}
