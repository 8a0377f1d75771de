import HengeBase
import HengeMessages
import HengeRing

extension RingElection {
    /// Takes a message of another node, or a vote of this node's own acceptor.
    mutating func receive(
        _ message: RingMessage,
        from sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        switch message {
        case .prepare(let epoch, let ballot):
            guard ballot.node == sender else { return }
            prepare(epoch, ballot, from: sender, now, &effects)
        case .accept(let ballot, let delta):
            guard ballot.node == sender else { return }
            accept(ballot, delta, from: sender, now, &effects)
        case .promise(let epoch, let ballot, let accepted):
            guard isAwaited(epoch, ballot) else { return }
            guard let accepted else { return promised(nil, by: sender, now, &effects) }
            // A promise that can't be understood does not count.
            guard let next = applying(accepted.delta, of: sender, &effects) else { return }
            let earlier = AcceptedRing(ballot: accepted.ballot, document: next)
            promised(earlier, by: sender, now, &effects)
        case .accepted(let epoch, let ballot):
            guard isAwaited(epoch, ballot), let value = proposer?.value else { return }
            if proposer?.accepted(by: sender) == true { chosen(value, now, &effects) }
        case .refused(let epoch, let ballot, let promised):
            guard isAwaited(epoch, ballot) else { return }
            proposer?.refused(by: sender, promised: promised, now: now)
        case .decided(let document):
            guard isOfThisCluster(document) else { return }
            learn(document, from: sender, now, &effects)
        case .next(let delta): learn(delta, from: sender, now, &effects)
        case .ask(let epoch, let token): answer(epoch, token, to: sender, &effects)
        case .known(let epoch, let hasAccepted, let token):
            guard epoch == document.epoch else { return }
            take(hasAccepted, token, by: sender, now, &effects)
        case .recover(let base, let next):
            guard isOfThisCluster(next) else { return }
            agree(to: next, base: base, askedBy: sender, now, &effects)
        case .agreed(let mark): agreed(sender, mark, now, &effects)
        case .dissent(let mark, let reason): dissented(sender, mark, reason, &effects)
        }
    }

    /// Rings of other clusters and of another shape are none of this node's business.
    private func isOfThisCluster(_ other: RingDocument) -> Bool {
        other.clusterID == document.clusterID && other.replicas == document.replicas
            && other.owners.count == document.owners.count
    }

    /// The document that a delta leads to from the one that is known here, which is of the epoch
    /// before; nil when it does not, and then there is an alarm.
    private func applying(
        _ delta: RingDelta,
        of sender: NodeID,
        _ effects: inout EffectBuffer<Effect>
    ) -> RingDocument? {
        do throws(RingDeltaFault) {
            return try document.applying(delta)
        } catch {
            switch error {
            case .change(let fault): effects.emit(.invalid(fault, from: sender))
            // The sender takes another document for that of this epoch.
            case .otherDocument: effects.emit(.conflict(epoch: document.epoch, from: sender))
            }
            return nil
        }
    }

    /// What one is to be told that lacks the document of this epoch, which is decided.
    private func news(of epoch: UInt64) -> RingMessage {
        if epoch == document.epoch, let lastDelta { return .next(lastDelta) }
        return .decided(document)
    }

    // MARK: The acceptor

    mutating func prepare(
        _ epoch: UInt64,
        _ ballot: RingBallot,
        from sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        let answer = acceptor.prepare(epoch: epoch, ballot)
        guard answer == .given else {
            return decline(answer, epoch, ballot, from: sender, now, &effects)
        }
        save(&effects)
        let accepted = acceptor.accepted.flatMap { accepted in
            accepted.document.delta(from: document)
                .map { AcceptedDelta(ballot: accepted.ballot, delta: $0) }
        }
        invariant((accepted == nil) == (acceptor.accepted == nil))
        let promise = RingMessage.promise(epoch: epoch, ballot, accepted: accepted)
        whenSaved(.send(sender, promise), now, &effects)
    }

    private mutating func accept(
        _ ballot: RingBallot,
        _ delta: RingDelta,
        from sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        if let answer = acceptor.obstacle(delta.epoch) {
            return decline(answer, delta.epoch, ballot, from: sender, now, &effects)
        }
        guard let next = applying(delta, of: sender, &effects) else { return }
        accept(ballot, next, from: sender, now, &effects)
    }

    private mutating func accept(
        _ ballot: RingBallot,
        _ next: RingDocument,
        from sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        let before = acceptor.accepted
        let answer = acceptor.accept(ballot, next)
        guard answer == .given else {
            return decline(answer, next.epoch, ballot, from: sender, now, &effects)
        }
        if acceptor.accepted?.ballot != before?.ballot { save(&effects) }
        whenSaved(.send(sender, .accepted(epoch: next.epoch, ballot)), now, &effects)
    }

    private mutating func decline(
        _ answer: RingAcceptor.Answer,
        _ epoch: UInt64,
        _ ballot: RingBallot,
        from sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        switch answer {
        case .refused(let promised):
            let refusal = RingMessage.refused(epoch: epoch, ballot, promised: promised)
            // Nothing depends on whether a refusal is remembered.
            release(.send(sender, refusal), now, &effects)
        case .decided: release(.send(sender, news(of: epoch)), now, &effects)
        case .behind: effects.emit(.send(sender, question))
        case .invalid(let fault): effects.emit(.invalid(fault, from: sender))
        case .abstains, .given: break
        }
    }

    var question: RingMessage { .ask(epoch: document.epoch, token: recovery?.token ?? 0) }

    // MARK: The proposer

    private func isAwaited(_ epoch: UInt64, _ ballot: RingBallot) -> Bool {
        guard let proposer else { return false }
        return epoch == proposer.proposal.epoch && ballot == proposer.ballot
    }

    private mutating func promised(
        _ accepted: AcceptedRing?,
        by sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        guard let ballot = proposer?.ballot else { return }
        if sender == own, proposer?.phase == .reserving {
            proposer?.reserved()
            let epoch = document.epoch + 1
            sendAll(document.voters, .prepare(epoch: epoch, ballot), &effects)
        }
        guard proposer?.promised(accepted, by: sender) == true, let value = proposer?.value else {
            return
        }
        let voters = document.voters
        // One that can't follow is refused by this node's own acceptor, loudly.
        if let delta = value.delta(from: document) {
            sendAll(voters, .accept(ballot, delta), &effects)
        }
        if voters.contains(own) { accept(ballot, value, from: own, now, &effects) }
    }

    mutating func chosen(
        _ value: RingDocument,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        let everyone = Set(document.allMembers.map(\.id)).union(value.allMembers.map(\.id)).sorted()
        let delta = value.delta(from: document)
        adopt(value, by: delta, now, &effects)
        sendAll(everyone, delta.map { RingMessage.next($0) } ?? .decided(value), &effects)
    }

    // MARK: The learner

    private mutating func learn(
        _ other: RingDocument,
        from sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        // What the node has agreed to may have been decided by now.
        for known in [document, acceptor.agreed?.document ?? document]
        where !other.isRelated(to: known) {
            effects.emit(.apart(epoch: other.epoch, from: sender))
            // The other part is to say so as well.
            if other.epoch < document.epoch { effects.emit(.send(sender, .decided(document))) }
            return
        }
        if other.epoch > document.epoch {
            adopt(other, by: other.delta(from: document), now, &effects)
        } else if other.epoch < document.epoch {
            // It may be one that could make nothing of the delta.
            release(.send(sender, .decided(document)), now, &effects)
        } else if other != document {
            effects.emit(.conflict(epoch: document.epoch, from: sender))
        }
    }

    private mutating func learn(
        _ delta: RingDelta,
        from sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        if delta.epoch < document.epoch {
            release(.send(sender, news(of: delta.epoch + 1)), now, &effects)
        } else if delta.epoch > document.epoch, delta.epoch - document.epoch > 1 {
            effects.emit(.send(sender, question))
        } else if delta.epoch > document.epoch {
            guard let next = applying(delta, of: sender, &effects) else {
                // It answers with the whole one.
                return release(.send(sender, .decided(document)), now, &effects)
            }
            adopt(next, by: delta, now, &effects)
        } else if delta.checksum != lastDelta?.checksum ?? document.checksum {
            effects.emit(.conflict(epoch: document.epoch, from: sender))
        }
    }

    private mutating func adopt(
        _ decided: RingDocument,
        by delta: RingDelta?,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        acceptor.adopt(decided)
        lastDelta = delta
        recovery?.restart(voters: decided.voters, at: now)
        if !acceptor.isRecovering { recovery = nil }
        saving.dropVotes()
        save(&effects)
        whenSaved(.adopted(decided), now, &effects)
        endConsent(decided, &effects)
        attempts.removeAll { $0.epoch <= decided.epoch }
        guard let proposal = proposer?.proposal else { return }
        proposer = nil
        if decided.epoch > proposal.epoch {
            effects.emit(.finished(.overtaken(by: decided)))
        } else if decided == proposal {
            effects.emit(.finished(.chosen(decided)))
        } else {
            effects.emit(.finished(.superseded(by: decided)))
        }
    }

    // MARK: Nodes that have fallen behind, or have lost their disks

    private mutating func answer(
        _ epoch: UInt64,
        _ token: UInt64,
        to sender: NodeID,
        _ effects: inout EffectBuffer<Effect>
    ) {
        if epoch < document.epoch {
            effects.emit(.send(sender, news(of: epoch + 1)))
        } else if epoch > document.epoch {
            effects.emit(.send(sender, question))
        } else if acceptor.votes {
            let hasAccepted = acceptor.accepted != nil
            let answer = RingMessage.known(epoch: epoch, hasAccepted: hasAccepted, token: token)
            effects.emit(.send(sender, answer))
        }
    }

    private mutating func take(
        _ hasAccepted: Bool,
        _ token: UInt64,
        by sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        guard recovery?.answered(sender, hasAccepted: hasAccepted, token: token) == true else {
            return
        }
        acceptor.recovered()
        if !acceptor.isRecovering { recovery = nil }
        save(&effects)
    }
}
