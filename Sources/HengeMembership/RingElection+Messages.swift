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
        case .accept(let ballot, let next):
            guard ballot.node == sender, isOfThisCluster(next) else { return }
            accept(ballot, next, from: sender, now, &effects)
        case .promise(let epoch, let ballot, let accepted):
            guard isAwaited(epoch, ballot) else { return }
            take(accepted, by: sender, now, &effects)
        case .accepted(let epoch, let ballot):
            guard isAwaited(epoch, ballot), let value = proposer?.value else { return }
            if proposer?.accepted(by: sender) == true { chosen(value, now, &effects) }
        case .refused(let epoch, let ballot, let promised):
            guard isAwaited(epoch, ballot) else { return }
            proposer?.refused(by: sender, promised: promised, now: now)
        case .decided(let document):
            guard isOfThisCluster(document) else { return }
            learn(document, from: sender, now, &effects)
        case .ask(let epoch, let token): answer(epoch, token, to: sender, &effects)
        case .known(let epoch, let hasAccepted, let token):
            guard epoch == document.epoch else { return }
            take(hasAccepted, token, by: sender, now, &effects)
        }
    }

    /// Rings of other clusters and of another shape are none of this node's business.
    private func isOfThisCluster(_ other: RingDocument) -> Bool {
        other.clusterID == document.clusterID && other.replicas == document.replicas
            && other.owners.count == document.owners.count
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
        let promise = RingMessage.promise(epoch: epoch, ballot, accepted: acceptor.accepted)
        whenSaved(.send(sender, promise), now, &effects)
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
        case .decided: release(.send(sender, .decided(document)), now, &effects)
        case .behind: effects.emit(.send(sender, question))
        case .invalid(let fault): effects.emit(.invalid(fault, from: sender))
        case .abstains, .given: break
        }
    }

    private var question: RingMessage { .ask(epoch: document.epoch, token: recovery?.token ?? 0) }

    // MARK: The proposer

    private func isAwaited(_ epoch: UInt64, _ ballot: RingBallot) -> Bool {
        guard let proposer else { return false }
        return epoch == proposer.proposal.epoch && ballot == proposer.ballot
    }

    private mutating func take(
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
        sendAll(voters, .accept(ballot, value), &effects)
        if voters.contains(own) { accept(ballot, value, from: own, now, &effects) }
    }

    private mutating func chosen(
        _ value: RingDocument,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        let everyone = Set(document.allMembers.map(\.id)).union(value.allMembers.map(\.id)).sorted()
        adopt(value, now, &effects)
        sendAll(everyone, .decided(value), &effects)
    }

    // MARK: The learner

    private mutating func learn(
        _ other: RingDocument,
        from sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        if other.epoch > document.epoch {
            adopt(other, now, &effects)
        } else if other.epoch < document.epoch {
            release(.send(sender, .decided(document)), now, &effects)
        } else if other != document {
            effects.emit(.conflict(known: document, other: other, from: sender))
        }
    }

    private mutating func adopt(
        _ decided: RingDocument,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        acceptor.adopt(decided)
        recovery?.restart(voters: decided.voters, at: now)
        saving.dropVotes()
        save(&effects)
        whenSaved(.adopted(decided), now, &effects)
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
            effects.emit(.send(sender, .decided(document)))
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
