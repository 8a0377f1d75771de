import HengeBase
import HengeMessages
import HengeRing

/// Unsafe recoveries: docs/decisions/0020.
///
/// Majorities don't decide on these, since a majority is what is missing: each node that is left
/// has to agree, to one recovery of an epoch only. Of two recoveries with the same epoch either
/// some survivor is in both, and only one is decided; or each has given up all survivors of the
/// other, and then their documents are not related and nobody moves from one to the other.
extension RingElection {
    /// More than operators make before they look at what they do.
    private static let attemptsMax = 64

    mutating func recover(
        _ document: RingDocument,
        _ deadline: Instant,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        invariant(!isProposing, "one proposal at a time")
        if let fault = document.recoveryFault(of: self.document) {
            return effects.emit(.finished(.refused(fault)))
        }
        guard let mark = document.recoveryMark else { return }
        let gone = document.allLost.map(\.id)
        consent = RecoveryConsent(
            document,
            mark: mark,
            base: self.document.epoch,
            survivors: self.document.survivors(without: gone),
            deadline: deadline,
            now: now
        )
        askSurvivors(now, &effects)
    }

    /// Asks those that have not agreed yet, this node among them.
    mutating func askSurvivors(_ now: Instant, _ effects: inout EffectBuffer<Effect>) {
        guard let consent else { return }
        self.consent?.due = now + limits.roundTimeout
        let question = RingMessage.recover(base: consent.base, consent.document)
        sendAll(consent.missing, question, &effects)
        if consent.missing.contains(own) {
            agree(to: consent.document, base: consent.base, askedBy: own, now, &effects)
        }
    }

    mutating func agree(
        to document: RingDocument,
        base: UInt64,
        askedBy sender: NodeID,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        guard let mark = document.recoveryMark else { return }
        let before = acceptor.agreed
        switch acceptor.agree(to: document, base: base) {
        case .given:
            if acceptor.agreed != before {
                giveUpProposal(&effects)
                save(&effects)
            }
            whenSaved(.send(sender, .agreed(mark)), now, &effects)
        case .decided: release(.send(sender, .decided(self.document)), now, &effects)
        case .behind: effects.emit(.send(sender, question))
        case .agreedBefore(let other):
            release(.send(sender, .dissent(mark, .agreedBefore(other))), now, &effects)
        case .invalid(let fault): effects.emit(.invalid(fault, from: sender))
        }
    }

    mutating func agreed(
        _ node: NodeID,
        _ mark: RecoveryMark,
        _ now: Instant,
        _ effects: inout EffectBuffer<Effect>
    ) {
        guard let consent, consent.mark == mark, self.consent?.agreed(node) == true else { return }
        chosen(consent.document, now, &effects)
    }

    mutating func dissented(
        _ node: NodeID,
        _ mark: RecoveryMark,
        _ reason: RecoveryDissent,
        _ effects: inout EffectBuffer<Effect>
    ) {
        if case .agreedBefore(let other) = reason, other.epoch > document.epoch,
            !attempts.contains(other), attempts.count < Self.attemptsMax
        {
            attempts.append(other)
        }
        guard let consent, consent.mark == mark else { return }
        self.consent = nil
        effects.emit(.finished(.dissent(node, reason)))
    }

    /// A node that has agreed to a recovery does not vote by the old ring any more.
    private mutating func giveUpProposal(_ effects: inout EffectBuffer<Effect>) {
        guard let proposer else { return }
        self.proposer = nil
        effects.emit(
            .finished(
                .failed(
                    required: proposer.required,
                    alive: proposer.alive,
                    mayTakeEffect: proposer.isOut
                )
            )
        )
    }

    mutating func tickConsent(_ now: Instant, _ effects: inout EffectBuffer<Effect>) {
        guard let consent else { return }
        if now >= consent.deadline {
            self.consent = nil
            // Those that have agreed may yet be joined by the others, if they are asked again.
            let outcome = Outcome.failed(
                required: consent.required,
                alive: consent.count,
                mayTakeEffect: true
            )
            effects.emit(.finished(outcome))
        } else if now >= consent.due {
            askSurvivors(now, &effects)
        }
    }

    /// A ring was adopted while consent was being collected.
    mutating func endConsent(_ decided: RingDocument, _ effects: inout EffectBuffer<Effect>) {
        guard let consent else { return }
        self.consent = nil
        if decided == consent.document {
            effects.emit(.finished(.chosen(decided)))
        } else if decided.epoch > consent.document.epoch {
            effects.emit(.finished(.overtaken(by: decided)))
        } else {
            effects.emit(.finished(.superseded(by: decided)))
        }
    }
}
