package import HengeBase
package import HengeMessages
package import HengeRing

/// Names a client's request to the driver, which knows where the answer goes.
package struct Ticket: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// A reading of both clocks of a machine.
package struct ClockReading: Hashable, Sendable {
    package var now: Instant
    package var wall: WallTime

    package init(now: Instant, wall: WallTime) {
        self.now = now
        self.wall = wall
    }
}

/// What happens to a shard.
package enum ShardInput: Sendable {
    case request(Ticket, ClientRequest)
    /// List live keys of the whole cluster from a token on; one page an answer.
    case scan(Ticket, ScanRange, timeout: Interval)
    /// How many keys the cluster holds.
    case count(Ticket, timeout: Interval)
    case message(from: NodeID, PeerMessage)
    case storage(StorageCompletion)
    /// The node can be asked from now on.
    case peerUp(NodeID)
    /// The node will not answer: its connection is gone, or it is believed to be down.
    case peerDown(NodeID)
    /// Whether the actors of the last clean stop may go on: true once every other node has said
    /// that it has met no later life of this one, false when one has.
    case actorsConfirmed(Bool)
    case hints(HintCommand)
    /// A newer ring than the one that the shard has; the node is a member of it or of its target,
    /// or was one.
    case ring(Ring)
    /// A member has adopted the ring of this epoch, at least.
    case memberEpoch(NodeID, UInt64)
    /// Compare every partition with every other home replica as soon as may be.
    case compareNow
    /// Slow upkeep, such as dropping hints that are too old. Due every
    /// ``Shard/housekeepingInterval``, also while nothing is in flight.
    case housekeeping
    /// Time has passed: end what is past its deadline, and hedge reads that lag. Due every
    /// ``Shard/tickInterval`` while anything is in flight, and at ``Shard/nextWake``.
    case tick
}

/// What a shard wants done, in this order.
package enum ShardEffect: Sendable {
    case send(NodeID, PeerMessage)
    /// As `send`, compressed and beside the requests, so that it never delays them.
    case sendBulk(NodeID, PeerMessage)
    case storage(StorageRequest)
    case reply(Ticket, ShardReply)
    /// Another node has the ring of this epoch, which is newer than the shard's: get it.
    case ringIsOld(epoch: UInt64, NodeID)
    case note(ShardNote)
}

/// What an operator wants done about hints.
package enum HintCommand: Hashable, Sendable {
    /// Delivers none until `resume`; new ones are kept.
    case pause
    case resume
    /// Forgets the hints for a node, or all.
    case drop(NodeID?)
}

package enum ShardReply: Sendable {
    case response(ClientResponse)
    /// As `response`, for a request that asked for an explanation.
    case explained(ClientResponse, Explanation)
    case page(ScanPage)
    case count(Int)
}

/// Something that an operator should hear of; the driver logs it, at a bounded rate.
package enum ShardNote: Hashable, Sendable {
    case rottenRecord(StoredKey)
    case actorRenewed(partition: Int)
    case manySiblings(StoredKey, count: Int)
    case clockDrift(from: NodeID, aheadMilliseconds: UInt64)
    case unexpectedMessage(from: NodeID)
    /// A stretch of records can't be read.
    case unreadable(ClosedRange<Token>)
    /// The data directory is an old copy; it is compared before it is read from.
    case mustCompare
}

extension ShardReply {
    /// The answer to a request on a key, explained or not; nil for others.
    package var response: ClientResponse? {
        switch self {
        case .response(let response), .explained(let response, _): response
        case .page, .count: nil
        }
    }

    /// How long an explained request took to its answer, without what it was held for after that.
    package var answeredAfter: Interval? {
        guard case .explained(_, let explanation) = self else { return nil }
        return explanation.legs.first?.replied?.after
    }
}
