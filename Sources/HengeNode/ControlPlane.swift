package import HengeBase
package import HengeMembership
import HengeMessages
package import HengeRing

package import struct NIOCore.ByteBuffer

/// The part of a node that knows who is there: it gossips heartbeats, decides who is up, and finds
/// out whether this node's data is an old copy; and that takes part in the decisions on the ring,
/// and leads its changes to their end.
///
/// It does no I/O: each `step` takes one input and emits effects for its driver to carry out, in
/// order. One driver owns it and calls it from one event loop.
package struct ControlPlane: ~Copyable {
    struct Peer {
        var link = LinkWatch()
        /// When something last came from it directly, by the machine's clock.
        var contact: Instant?
        /// What the shard was told.
        var isUp = false
        var isSuspect = false
        /// It has said that it is about to stop; until it connects again.
        var isLeaving = false
        /// What it said last of its ring.
        var report: RingReport?
    }

    /// Somebody else's wish, until the election is free.
    struct Proposal {
        var document: RingDocument
        var deadline: Instant
        /// Whether it is an unsafe recovery.
        var isRecovery = false
    }

    package let node: NodeID
    let settings: ControlSettings
    /// The members of ``ring``, and this node, which may have been removed.
    var members: MemberIndex
    var gossip: Gossip
    /// By number of the member; this node's own is not used.
    var peers: [Peer]
    var lives: LifeLedger
    var copies: CopyCheck
    var dice: SeededGenerator

    /// The newest ring that is durable here: what the shard works by.
    package internal(set) var ring: Ring
    var election: RingElection
    /// Nothing was ever saved of rings, and it isn't known yet whether that is because the node is
    /// new or because it has lost its disk.
    var isRingUnconfirmed: Bool
    var ringEffects = EffectBuffer<RingElection.Effect>()
    var steward: RingSteward
    /// Whether the proposal that is under way is the steward's.
    var isStewardProposing = false
    var proposals: [Proposal] = []
    /// What this node says of itself.
    var ownReport: RingReport
    /// When anybody was last asked for a newer ring.
    var askedForRing: Instant?

    /// How long this process did not run in all (it was stopped, or its machine was overloaded).
    /// While it stood still it could hear nobody, so that time counts for nobody's silence.
    private var standstill = Interval.zero
    private var lastStep: Instant?

    /// - Parameters:
    ///   - ring: as it was saved, or of a new node, or of one that has lost its disk.
    ///   - isRingUnconfirmed: nothing was ever saved of rings. `ring` is then that of a node that
    ///     has lost its votes, and gets them when all others have said that they never met it: it
    ///     is new.
    ///   - life: this process; see ``Life``. Above 0.
    ///   - savedLives: what the last ``ControlEffect/saveLives(_:)`` of this node said.
    ///   - seed: for the choice of whom to tell; should differ from node to node.
    package init(
        node: NodeID,
        ring acceptor: RingAcceptor,
        isRingUnconfirmed: Bool = false,
        settings: ControlSettings,
        life: UInt64,
        savedLives: ByteBuffer?,
        seed: UInt64,
        at now: Instant
    ) {
        invariant(settings.fanout > 0 && settings.silenceIntervalsMax > 0 && life > 0)
        let ring = Ring(acceptor.document)
        let index = Self.index(of: ring, with: node)
        self.node = node
        self.ring = ring
        self.settings = settings
        self.isRingUnconfirmed = isRingUnconfirmed
        self.members = index
        gossip = Gossip(
            members: index,
            own: node,
            life: life,
            detector: PhiDetector(threshold: settings.phiThreshold, interval: settings.interval),
            at: now
        )
        peers = Array(repeating: Peer(), count: index.count)
        lives = LifeLedger(members: index, saved: savedLives)
        copies = CopyCheck(life: life, own: gossip.own, members: index.count)
        dice = SeededGenerator(seed: seed)
        election = RingElection(
            own: node,
            acceptor: acceptor,
            token: life,
            seed: seed,
            limits: settings.election,
            at: now
        )
        steward = RingSteward(own: node)
        ownReport = RingReport(epoch: ring.document.epoch)
        ownReport.unreached = unreached
    }

    static func index(of ring: Ring, with own: NodeID) -> MemberIndex {
        let ids = ring.allMembers.map(\.id)
        return MemberIndex(ids.contains(own) ? ids : ids + [own])
    }

    /// Advances by one input.
    package mutating func step(
        _ input: ControlInput,
        at now: Instant,
        effects: inout EffectBuffer<ControlEffect>
    ) {
        let time = runningTime(at: now)
        switch input {
        case .start:
            if let verdict = copies.verdict { judged(verdict, at: now, &effects) }
        case .tick:
            judgeAll(at: time, &effects)
            spread(at: time, &effects)
            elect(.tick, at: now, &effects)
            steer(at: now, &effects)
        case .connected(let id, let life):
            guard let member = peer(id) else { return }
            peers[member].contact = now
            connected(member, life: life, at: time, &effects)
            introduceRing(to: id, &effects)
        case .disconnected(let id):
            guard let member = peer(id), peers[member].link.isOpen else { return }
            close(member, .disconnected, &effects)
        case .gossip(let sender, let message):
            // What a connection still brought after it was given up is late.
            guard let member = peer(sender), peers[member].link.isOpen else { return }
            heard(member, at: now)
            receive(message, from: member, at: time, now, &effects)
        case .heard(let id):
            guard let member = peer(id), peers[member].link.isOpen else { return }
            heard(member, at: now)
        case .asked(let id):
            guard let member = peer(id) else { return }
            peers[member].link.asked(at: time)
        case .stopping:
            for member in peers.indices where peers[member].link.isOpen {
                effects.emit(.send(members.ids[member], .leaving))
            }
        case .ring, .ringSaved, .ringSaveFailed, .propose, .recover, .report, .ownReport,
            .memberHas,
            .due:
            stepRing(input, at: now, &effects)
        }
    }

    /// What this node knows of a member; nil of others.
    package func status(of id: NodeID, at now: Instant) -> MemberStatus? {
        guard let member = members[id] else { return nil }
        guard member != gossip.own else {
            return MemberStatus(liveness: .up, isConnected: true)
        }
        let peer = peers[member]
        let phi = gossip.phi(of: member, at: now.running(without: standstill))
        let isLate = gossip.detector.liveness(phi: phi) != .up
        return MemberStatus(
            liveness: !peer.isUp ? .down : isLate ? .suspect : .up,
            phi: phi,
            sinceContact: peer.contact.map { now.since($0) },
            isConnected: peer.link.isOpen
        )
    }

    /// Whether this node's data is the newest that it ever had; nil while not everyone has
    /// answered.
    package var isDataNewest: Bool? { copies.verdict }

    /// The highest beat that this node knows of a member's present life; 0 for none.
    package func beat(of id: NodeID) -> UInt64 {
        members[id].map { gossip.beat(of: $0) } ?? 0
    }

    // MARK: Parts

    /// The number of another member; nil for strangers and for this node.
    func peer(_ id: NodeID) -> Int? {
        members[id].flatMap { $0 == gossip.own ? nil : $0 }
    }

    /// The machine's clock less the time at which this process stood still.
    mutating func runningTime(at now: Instant) -> Instant {
        let interval = settings.interval
        if let lastStep {
            // A tick is due each interval, so so long a gap can only be a standstill.
            let gap = now.since(lastStep)
            if gap.nanoseconds / 2 > interval.nanoseconds {
                standstill.nanoseconds += gap.nanoseconds - interval.nanoseconds
            }
        }
        lastStep = now
        return now.running(without: standstill)
    }

    private mutating func heard(_ member: Int, at now: Instant) {
        peers[member].link.heard()
        peers[member].contact = now
    }

    private mutating func connected(
        _ member: Int,
        life: UInt64,
        at time: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        let id = members.ids[member]
        // A new process may have lost what the one before had taken over, or found what that had
        // handed over on an older copy of its disk.
        if lives.present(of: member) != life {
            peers[member].report?.ready = []
            peers[member].report?.isDrained = false
        }
        // Durable before anything that this life writes here, so that none of it is forgotten
        // together with the life.
        if lives.met(life, of: member) { effects.emit(.saveLives(lives.encoded())) }
        effects.emit(.send(id, .otherLife(lives.highestOther(of: member))))
        gossip.connected(member, life: life, at: time)
        peers[member].link.opened()
        peers[member].isLeaving = false
        peers[member].isSuspect = false
        guard !peers[member].isUp else { return }
        peers[member].isUp = true
        effects.emit(.peerUp(id))
        effects.emit(.note(.up(id)))
        reachChanged(&effects)
    }

    /// The connection is no more.
    mutating func close(
        _ member: Int,
        _ reason: DownReason,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        gossip.disconnected(member)
        copies.disconnected(member)
        peers[member].link.closed()
        markDown(member, reason, &effects)
    }

    mutating func markDown(
        _ member: Int,
        _ reason: DownReason,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        guard peers[member].isUp else { return }
        peers[member].isUp = false
        effects.emit(.peerDown(members.ids[member]))
        effects.emit(.note(.down(members.ids[member], reason)))
        reachChanged(&effects)
    }

    private mutating func receive(
        _ message: GossipMessage,
        from member: Int,
        at time: Instant,
        _ now: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        let id = members.ids[member]
        switch message {
        case .digest(let beats):
            let news = gossip.answer(beats, from: member, at: time)
            effects.emit(.send(id, .news(news)))
        case .news(let beats):
            gossip.take(beats, from: member, at: time)
        case .leaving:
            peers[member].isLeaving = true
            markDown(member, .leaving, &effects)
        case .otherLife(let life):
            guard let verdict = copies.answered(member, otherLife: life) else { return }
            judged(verdict, at: now, &effects)
            if !verdict {
                let start = Life.start(of: life)
                effects.emit(.note(.oldCopy(reporter: id, laterStart: start)))
            }
        }
    }
}

extension Instant {
    fileprivate func running(without standstill: Interval) -> Instant {
        Instant(nanoseconds: nanoseconds - min(standstill.nanoseconds, nanoseconds))
    }
}
