package import HengeBase

/// What the control planes of two nodes say to each other.
package enum GossipMessage: Hashable, Sendable {
    /// What the sender has heard of every node; wants a ``news(_:)`` back.
    case digest([Heartbeat])
    /// What the receiver of a digest knows better, maybe nothing.
    case news([Heartbeat])
    /// The sender is about to stop: send it nothing new.
    case leaving
    /// Answers a new connection: the highest life of the receiver that the sender has met, other
    /// than the one that has just connected; 0 for none.
    case otherLife(UInt64)
}

/// A sign of life of a node.
package struct Heartbeat: Hashable, Sendable {
    package var node: NodeID
    /// Which process of the node: later ones are higher.
    package var life: UInt64
    /// Rises by one each round of that process.
    package var beat: UInt64

    package init(node: NodeID, life: UInt64, beat: UInt64) {
        self.node = node
        self.life = life
        self.beat = beat
    }
}
