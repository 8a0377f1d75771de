package import HengeBase
package import HengeMembership
package import HengeMessages
package import HengeRing

package import struct NIOCore.ByteBuffer

/// The choices of a control plane.
package struct ControlSettings: Sendable {
    /// How often a round of gossip is due.
    package var interval = Interval.seconds(1)
    /// Phi at which a node is down; above 0 and below ``PhiDetector/phiMax``.
    package var phiThreshold = PhiDetector.thresholdDefault
    /// How many random others hear of each round.
    package var fanout = 3
    /// A connection on which an answer is missing for so many intervals, while nothing else comes
    /// either, is given up. Each of these rounds asks again, so that a few lost messages don't
    /// count: at 5 % loss seven questions in a row go unanswered once in ten million.
    package var silenceIntervalsMax = 7
    package var election = RingElectionLimits()

    package init() {}
}

/// What happens to a control plane.
package enum ControlInput: Sendable {
    /// The node has started; comes first, once.
    case start
    /// A round is due: every ``ControlSettings/interval``, the first at a random time within one,
    /// so that nodes do not beat in step. What was heard and asked since the last comes before it.
    case tick
    /// A connection is ready, and the member at its other end is in this life.
    case connected(NodeID, life: UInt64)
    case disconnected(NodeID)
    case gossip(from: NodeID, GossipMessage)
    /// Something came from the member itself, whatever it was.
    case heard(NodeID)
    /// Requests were sent to the member, and since then nothing has come from it.
    case asked(NodeID)
    /// The node is about to stop.
    case stopping

    /// From members, and from nodes that want to be.
    case ring(from: NodeID, RingMessage)
    /// The bytes of the last ``ControlEffect/saveRing(_:)`` are durable.
    case ringSaved
    /// They are not, and may or may not be after a restart.
    case ringSaveFailed
    /// Try to make this the next ring; answered once by ``ControlEffect/proposalEnded(_:)``. One
    /// that comes while another is under way waits for its end.
    case propose(RingDocument, within: Interval)
    /// Try to go on by this unsafe recovery; answered in the same way.
    case recover(RingDocument, within: Interval)
    case report(from: NodeID, RingReport)
    /// How far this node's shard is with the change that is running; nil when nothing moves. Due
    /// before each ``tick``, and after ``ControlEffect/adopted(_:)``.
    case ownReport(RingReport?)
    /// A member was found to have the ring of this epoch.
    case memberHas(NodeID, epoch: UInt64)
    /// ``ControlPlane/nextDue`` has come.
    case due
}

/// What a control plane wants done, in this order.
package enum ControlEffect: Sendable {
    case send(NodeID, GossipMessage)
    /// Close the connection; for the control plane it is closed already.
    case disconnect(NodeID)
    /// For the shard.
    case peerUp(NodeID)
    case peerDown(NodeID)
    /// For the shard, see ``ShardInput/actorsConfirmed(_:)``.
    case confirmActors(Bool)
    /// Make this durable before whatever is written from now on.
    case saveLives(ByteBuffer)
    case note(ControlNote)

    case sendRing(NodeID, RingMessage)
    case sendReport(NodeID, RingReport)
    /// Make this durable in place of what was saved so before, and answer by
    /// ``ControlInput/ringSaved`` or ``ControlInput/ringSaveFailed``. One at a time.
    case saveRing(ByteBuffer)
    /// This is the ring from now on, and it is durable. Keep connections to its members alone,
    /// after what was sent before this is written; then it is for the shard,
    /// ``ShardInput/ring(_:)``.
    case adopted(Ring)
    /// For the shard, see ``ShardInput/memberEpoch(_:_:)``.
    case memberEpoch(NodeID, UInt64)
    /// Of proposals from outside, in their order.
    case proposalEnded(RingElection.Outcome)

    /// Whether it tells of the ring that was adopted last, or rests on it, and so has to wait until
    /// all shards of the node go by that.
    package var waitsForAdoption: Bool {
        switch self {
        case .sendRing, .sendReport, .saveRing, .adopted, .proposalEnded, .note: true
        case .send, .disconnect, .peerUp, .peerDown, .confirmActors, .saveLives, .memberEpoch:
            false
        }
    }
}

/// Something that an operator should hear of.
package enum ControlNote: Hashable, Sendable {
    case up(NodeID)
    case suspect(NodeID, phi: Double)
    /// A suspicion was wrong.
    case cleared(NodeID)
    case down(NodeID, DownReason)
    /// This node's data is older than what a life of it that `reporter` has met had.
    case oldCopy(reporter: NodeID, laterStart: UInt64)
    case ringAdopted(epoch: UInt64)
    /// This node is no member any more.
    case removed
    /// This node is no member any more since an unsafe recovery that it did not know of: the others
    /// took it for gone for good.
    case givenUp(epoch: UInt64)
    /// A node goes on by an unsafe recovery that is not this node's: two parts of the cluster have
    /// given each other up.
    case recoveredApart(epoch: UInt64, from: NodeID)
    /// Two rings of one epoch: somebody's disk was put back, or worse.
    case ringConflict(epoch: UInt64, from: NodeID)
    /// A node wants a ring that can't follow: it runs another version, or is broken.
    case ringInvalid(RingChangeFault, from: NodeID)
}

package enum DownReason: Hashable, Sendable {
    case late(phi: Double)
    /// It is maybe alive, but nothing comes through the connection.
    case silent(Interval)
    case disconnected
    /// It has said that it is about to stop.
    case leaving
    /// It is no member of the ring any more.
    case removed
}

/// What a node knows of a member.
package struct MemberStatus: Hashable, Sendable {
    package var liveness: Liveness
    package var phi: Double
    /// Since something last came from it directly; nil when nothing ever did.
    package var sinceContact: Interval?
    package var isConnected: Bool

    package init(
        liveness: Liveness,
        phi: Double = 0,
        sinceContact: Interval? = nil,
        isConnected: Bool
    ) {
        self.liveness = liveness
        self.phi = phi
        self.sinceContact = sinceContact
        self.isConnected = isConnected
    }
}
