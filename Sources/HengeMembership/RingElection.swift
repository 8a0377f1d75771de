package import HengeBase
package import HengeMessages
package import HengeRing

package import struct NIOCore.ByteBuffer

/// A node's part in deciding on ring documents: acceptor, proposer and learner of single-decree
/// Paxos, one election for each epoch, among the voters of the epoch before (Lamport, *Paxos made
/// simple*). Two documents of one epoch are never decided, whatever is lost, late, repeated or
/// restarted; docs/decisions/0014 tells why it is done this way.
///
/// The state is saved as a whole, one save at a time. What a vote depends on is durable before the
/// vote leaves.
package struct RingElection: Hashable, Sendable {
    package enum Input: Sendable {
        /// Try to make this the next document, until it is decided or so much time has passed. Only
        /// when ``isProposing`` is false.
        case propose(RingDocument, within: Interval)
        /// Try to go on by an unsafe recovery, in the same way.
        case recover(RingDocument, within: Interval)
        case message(from: NodeID, RingMessage)
        /// The bytes of the last `.persist` are durable.
        case persisted
        /// They are not, and may or may not be after a restart.
        case persistFailed
        case tick
        /// The node, which counts as one that has lost its disk, is new.
        case hasNeverVoted
    }

    package enum Effect: Hashable, Sendable {
        /// To another node.
        case send(NodeID, RingMessage)
        /// Save these in place of the former ones and say `.persisted` or `.persistFailed`. There
        /// is no other one under way.
        case persist(ByteBuffer)
        /// This is the ring from now on; it is durable.
        case adopted(RingDocument)
        /// Emitted exactly once for each `.propose`.
        case finished(Outcome)
        /// Two documents of one epoch: a node has been told something false, or its disk was put
        /// back from an old copy. Someone has to look into it.
        case conflict(epoch: UInt64, from: NodeID)
        /// A node goes by a ring of another unsafe recovery: two parts of the cluster have gone on
        /// without each other. The epoch is that of its ring.
        case apart(epoch: UInt64, from: NodeID)
        /// A node wants a document that can't follow: it runs another version, or is broken.
        case invalid(RingChangeFault, from: NodeID)
    }

    /// What became of a proposal.
    package enum Outcome: Hashable, Sendable {
        case chosen(RingDocument)
        /// Another document of the same epoch was.
        case superseded(by: RingDocument)
        /// Later epochs were decided; the proposal may have been chosen before them.
        case overtaken(by: RingDocument)
        /// Too few voters answered in time.
        ///
        /// - mayTakeEffect: whether a later election for this epoch may still choose the proposal.
        case failed(required: Int, alive: Int, mayTakeEffect: Bool)
        /// It can't follow the document that the node knows: it comes from a plan that is stale.
        case refused(RingChangeFault)
        /// The node has lost its disk and may not take part yet; another one may propose.
        case abstained
        /// A survivor does not agree to the unsafe recovery.
        case dissent(NodeID, RecoveryDissent)
    }

    package let own: NodeID
    private let seed: UInt64
    let limits: RingElectionLimits
    package internal(set) var acceptor: RingAcceptor
    package internal(set) var proposer: RingProposer?
    /// While it isn't known how the node has voted.
    var recovery: RingRecovery?
    /// To an unsafe recovery that this node proposes.
    package internal(set) var consent: RecoveryConsent?
    /// Unsafe recoveries that other nodes are known to have agreed to.
    var attempts: [RecoveryMark] = []
    var saving = RingSaving()
    /// What has led to the document that is known, if the one before was known here as well.
    var lastDelta: RingDelta?

    /// - Parameters:
    ///   - acceptor: as it was saved, or of a new node, or of one that has lost its disk.
    ///   - token: any number that no other process of this node had.
    ///   - seed: for the dice; differs from node to node.
    package init(
        own: NodeID,
        acceptor: RingAcceptor,
        token: UInt64,
        seed: UInt64,
        limits: RingElectionLimits = RingElectionLimits(),
        at now: Instant
    ) {
        self.own = own
        self.acceptor = acceptor
        self.seed = seed
        self.limits = limits
        if acceptor.isRecovering {
            let voters = acceptor.document.voters
            recovery = RingRecovery(voters: voters, token: token, at: now)
        }
    }

    package var document: RingDocument { acceptor.document }
    package var isProposing: Bool { proposer != nil || consent != nil }

    /// Unsafe recoveries that some node has agreed to and that are not known to be decided.
    package var openRecoveries: [RecoveryMark] {
        let own = acceptor.agreed?.document.recoveryMark
        let marks = attempts.filter { $0 != own } + (own.map { [$0] } ?? [])
        return marks.filter { $0.epoch > document.epoch }
    }

    /// When a `.tick` is due; nil when nothing waits for one.
    package var due: Instant? {
        let times = [
            proposer.map { min($0.due, $0.deadline) }, consent.map { min($0.due, $0.deadline) },
            recovery?.due,
        ]
        return times.compactMap { $0 }.min()
    }

    package mutating func step(
        _ input: Input,
        now: Instant,
        effects: inout EffectBuffer<Effect>
    ) {
        checkInvariants()
        defer { checkInvariants() }
        switch input {
        case .propose(let document, let time): propose(document, now + time, now, &effects)
        case .recover(let document, let time): recover(document, now + time, now, &effects)
        case .message(let sender, let message):
            // Its own messages never leave the node.
            if sender != own { receive(message, from: sender, now, &effects) }
        case .persisted: saved(now, &effects)
        case .persistFailed: saving.failed()
        case .tick: tick(now, &effects)
        case .hasNeverVoted: giveVotes(&effects)
        }
    }

    private func checkInvariants() {
        invariant((recovery != nil) == acceptor.isRecovering)
        if let proposer {
            invariant(acceptor.votes && proposer.proposal.epoch == document.epoch + 1)
        }
    }

    private mutating func giveVotes(_ effects: inout EffectBuffer<Effect>) {
        guard acceptor.isRecovering else { return }
        acceptor.hasNeverVoted()
        recovery = nil
        save(&effects)
    }

    // MARK: Proposing

    private mutating func propose(
        _ proposal: RingDocument,
        _ deadline: Instant,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        invariant(!isProposing, "one proposal at a time")
        if let fault = proposal.successorFault(of: document) {
            return effects.emit(.finished(.refused(fault)))
        }
        guard acceptor.votes else { return effects.emit(.finished(.abstained)) }
        proposer = RingProposer(
            proposal,
            own: own,
            voters: document.voters,
            deadline: deadline,
            seed: seed,
            limits: limits,
            now: now
        )
        beginRound(now, &effects)
    }

    private mutating func beginRound(_ now: Instant, _ effects: inout EffectBuffer<Effect>) {
        guard proposer?.beginRound(above: acceptor.promised, now: now) == true,
            let ballot = proposer?.ballot
        else { return }
        prepare(document.epoch + 1, ballot, from: own, now, &effects)
    }

    private mutating func tick(_ now: Instant, _ effects: inout EffectBuffer<Effect>) {
        if saving.wantsRetry { save(&effects) }
        if let recovery, now >= recovery.due {
            self.recovery?.due = now + limits.askInterval
            let question = RingMessage.ask(epoch: document.epoch, token: recovery.token)
            sendAll(document.voters, question, &effects)
        }
        tickConsent(now, &effects)
        guard let proposer else { return }
        if now >= proposer.deadline {
            let outcome = Outcome.failed(
                required: proposer.required,
                alive: proposer.alive,
                mayTakeEffect: proposer.isOut
            )
            self.proposer = nil
            effects.emit(.finished(outcome))
        } else if now >= proposer.due {
            beginRound(now, &effects)
        }
    }

    // MARK: Messages

    func sendAll(
        _ nodes: [NodeID],
        _ message: RingMessage,
        _ effects: inout EffectBuffer<Effect>
    ) {
        for node in nodes where node != own { effects.emit(.send(node, message)) }
    }

    // MARK: Saving

    /// The state has changed and is to be made durable.
    mutating func save(_ effects: inout EffectBuffer<Effect>) {
        if saving.begin() { effects.emit(.persist(acceptor.encoded())) }
    }

    /// Carries the effect out when the state as it is now is durable.
    mutating func whenSaved(
        _ effect: Effect,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        if saving.isClean { return release(effect, now, &effects) }
        if saving.wantsRetry { save(&effects) }
        saving.hold(effect)
    }

    private mutating func saved(_ now: Instant, _ effects: inout EffectBuffer<Effect>) {
        let (released, again) = saving.finished()
        if again { save(&effects) }
        for effect in released { release(effect, now, &effects) }
    }

    mutating func release(
        _ effect: Effect,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        if case .send(own, let message) = effect {
            receive(message, from: own, now, &effects)
        } else {
            effects.emit(effect)
        }
    }
}
