package import HengeBase
package import HengeMembership
package import HengeMessages
package import HengeRing

/// Deciding on rings, moving to the next, and leading changes to their end.
extension ControlPlane {
    /// How long a step of a change may take to be decided.
    private static let stepTimeout = Interval.seconds(5)

    /// When ``ControlInput/due`` is due; nil when nothing waits but for rounds.
    package var nextDue: Instant? { election.due }

    /// What a member said last of its part in the change that is running; nil when nothing, or
    /// when it is no member.
    package func report(of id: NodeID) -> RingReport? {
        id == node ? ownReport : members[id].flatMap { peers[$0].report }
    }

    /// What all members said last, by id.
    package var reports: [(node: NodeID, report: RingReport)] {
        members.ids.compactMap { id in report(of: id).map { (id, $0) } }
    }

    /// What the change that is running waits for before it moves anything, as this node sees it.
    /// O(partitions).
    package var absence: ReplicaAbsence { view.absence }

    /// Whether this node belongs to the ring, or to the one that is being moved to.
    package var isMember: Bool { ring.member(node) != nil }

    // MARK: Inputs

    mutating func stepRing(
        _ input: ControlInput,
        at now: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        switch input {
        case .ring(let sender, .recover(_, let document)) where isUp(amongLostOf: document) != nil:
            dissent(from: document, askedBy: sender, &effects)
        case .ring(let sender, let message):
            elect(.message(from: sender, message), at: now, &effects)
        case .ringSaved: elect(.persisted, at: now, &effects)
        case .ringSaveFailed: elect(.persistFailed, at: now, &effects)
        case .propose(let document, let limit):
            proposals.append(Proposal(document: document, deadline: now + limit))
            proposeNext(at: now, &effects)
        case .recover(let document, let limit):
            let deadline = now + limit
            proposals.append(
                Proposal(document: document, deadline: deadline, isRecovery: true)
            )
            proposeNext(at: now, &effects)
        case .report(let sender, let report): take(report, from: sender, at: now, &effects)
        case .ownReport(let report): take(own: report, at: now, &effects)
        case .memberHas(let id, let epoch):
            if epoch > election.document.epoch { ask(id, at: now, &effects) }
        case .due: elect(.tick, at: now, &effects)
        case .start, .tick, .connected, .disconnected, .gossip, .heard, .asked, .stopping:
            preconditionFailure("taken by step(_:at:effects:)")
        }
    }

    /// Tells a node that has connected of the ring that it finds here, and asks for its own.
    mutating func introduceRing(to id: NodeID, _ effects: inout EffectBuffer<ControlEffect>) {
        effects.emit(.sendRing(id, .ask(epoch: ring.document.epoch, token: 0)))
        effects.emit(.sendReport(id, ownReport))
    }

    private mutating func take(
        _ report: RingReport,
        from sender: NodeID,
        at now: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        if report.epoch > election.document.epoch { ask(sender, at: now, &effects) }
        guard let member = peer(sender) else { return }
        let before = peers[member].report
        peers[member].report = report
        if report.epoch > before?.epoch ?? 0 {
            effects.emit(.memberEpoch(sender, report.epoch))
        }
        // It asks for the newer ring when it hears of it.
        if report.epoch < ring.document.epoch { effects.emit(.sendReport(sender, ownReport)) }
        if report.epoch != before?.epoch || report.ready != before?.ready
            || report.isDrained != before?.isDrained || report.unreached != before?.unreached
        {
            steer(at: now, &effects)
        }
    }

    /// It is known whether the data is the newest that this node ever had.
    mutating func judged(
        _ isNewest: Bool,
        at now: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        effects.emit(.confirmActors(isNewest))
        guard isRingUnconfirmed else { return }
        isRingUnconfirmed = false
        if isNewest { elect(.hasNeverVoted, at: now, &effects) }
    }

    private mutating func take(
        own report: RingReport?,
        at now: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        var report = report ?? RingReport(epoch: ring.document.epoch)
        report.unreached = ownReport.unreached
        // The shard's report may be of the ring before.
        guard report.epoch == ring.document.epoch else { return }
        let isNews =
            report.ready != ownReport.ready || report.isDrained != ownReport.isDrained
        ownReport = report
        guard isNews else { return }
        tellAll(&effects)
        steer(at: now, &effects)
    }

    /// Members that come by the change that is running and that this node can't coordinate with.
    var unreached: [NodeID] {
        guard let transition = ring.document.transition, !transition.isAborting else { return [] }
        let known = Set(ring.document.members.map(\.id))
        return transition.members.map(\.id).filter { id in
            !known.contains(id) && id != node && members[id].map({ peers[$0].isUp }) != true
        }
    }

    /// Another member has come or gone.
    mutating func reachChanged(_ effects: inout EffectBuffer<ControlEffect>) {
        guard ring.document.transition != nil, unreached != ownReport.unreached else { return }
        ownReport.unreached = unreached
        tellAll(&effects)
    }

    private func tellAll(_ effects: inout EffectBuffer<ControlEffect>) {
        for member in peers.indices where peers[member].link.isOpen {
            effects.emit(.sendReport(members.ids[member], ownReport))
        }
    }

    private mutating func ask(
        _ id: NodeID,
        at now: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        // All others may say at the same time that there is a newer ring, which is long.
        if let askedForRing, now.since(askedForRing) < settings.interval { return }
        askedForRing = now
        effects.emit(.sendRing(id, .ask(epoch: ring.document.epoch, token: 0)))
    }

    // MARK: The election

    mutating func elect(
        _ input: RingElection.Input,
        at now: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        election.step(input, now: now, effects: &ringEffects)
        guard !ringEffects.isEmpty else { return }
        var emitted: [RingElection.Effect] = []
        ringEffects.drain { emitted.append($0) }
        for effect in emitted { carryOut(effect, at: now, &effects) }
        proposeNext(at: now, &effects)
    }

    private mutating func carryOut(
        _ effect: RingElection.Effect,
        at now: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        switch effect {
        case .send(let id, let message): effects.emit(.sendRing(id, message))
        case .persist(let bytes): effects.emit(.saveRing(bytes))
        case .adopted(let document): adopt(document, at: now, &effects)
        case .finished(let outcome):
            if isStewardProposing {
                isStewardProposing = false
            } else {
                effects.emit(.proposalEnded(outcome))
            }
        case .conflict(let epoch, let sender):
            effects.emit(.note(.ringConflict(epoch: epoch, from: sender)))
        case .apart(let epoch, let sender):
            effects.emit(.note(.recoveredApart(epoch: epoch, from: sender)))
        case .invalid(let fault, let sender):
            effects.emit(.note(.ringInvalid(fault, from: sender)))
        }
    }

    private mutating func proposeNext(
        at now: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        guard !election.isProposing, !proposals.isEmpty else { return }
        let next = proposals.removeFirst()
        let limit = next.deadline.since(now)
        let input: RingElection.Input =
            next.isRecovery
            ? .recover(next.document, within: limit) : .propose(next.document, within: limit)
        elect(input, at: now, &effects)
    }

    // MARK: Unsafe recoveries

    /// Unsafe recoveries that some node has agreed to and that are not known to be decided.
    package var openRecoveries: [RecoveryMark] { election.openRecoveries }

    /// Somebody whom the document gives up for lost and who is connected to this node.
    private func isUp(amongLostOf document: RingDocument) -> NodeID? {
        let known = Set(ring.document.allLost.map(\.id))
        return document.allLost.map(\.id).first { id in
            !known.contains(id) && (id == node || peer(id).map { peers[$0].isUp } ?? false)
        }
    }

    private func dissent(
        from document: RingDocument,
        askedBy sender: NodeID,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        guard let id = isUp(amongLostOf: document), let mark = document.recoveryMark else { return }
        effects.emit(.sendRing(sender, .dissent(mark, .isUp(id))))
    }

    /// Proposes the next step of the change that is running, if it is this node's turn.
    mutating func steer(at now: Instant, _ effects: inout EffectBuffer<ControlEffect>) {
        guard ring.document.transition != nil, !election.isProposing, !steward.rests(at: now),
            election.document.epoch == ring.document.epoch,
            let next = steward.step(view, now: now)
        else { return }
        isStewardProposing = true
        elect(.propose(next, within: Self.stepTimeout), at: now, &effects)
    }

    private var view: RingView {
        let own = gossip.own
        var isUp = peers.map(\.isUp)
        isUp[own] = true
        var reports = peers.map(\.report)
        reports[own] = ownReport
        return RingView(
            ring: ring,
            members: members,
            isUp: isUp,
            epochs: reports.map { $0?.epoch ?? 0 },
            ready: reports.map { $0?.ready ?? [] },
            drained: reports.map { $0?.isDrained ?? false },
            unreached: reports.map { $0?.unreached ?? [] }
        )
    }

    // MARK: The next ring

    private mutating func adopt(
        _ document: RingDocument,
        at now: Instant,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        let newer = Ring(document)
        let index = Self.index(of: newer, with: node)
        for member in peers.indices where index[members.ids[member]] == nil {
            leave(member, document, &effects)
        }
        let wasMember = isMember
        let older = ring.document
        ring = newer
        ownReport = RingReport(epoch: document.epoch)
        let verdict = move(to: index, at: now)
        ownReport.unreached = unreached
        effects.emit(.adopted(newer))
        effects.emit(.note(.ringAdopted(epoch: document.epoch)))
        if wasMember, !isMember {
            let isGivenUp = document.recoveries.count > older.recoveries.count
            effects.emit(.note(isGivenUp ? .givenUp(epoch: document.epoch) : .removed))
        }
        if let verdict { judged(verdict, at: now, &effects) }
        tellAll(&effects)
    }

    /// A member is none any more.
    private mutating func leave(
        _ member: Int,
        _ document: RingDocument,
        _ effects: inout EffectBuffer<ControlEffect>
    ) {
        guard peers[member].link.isOpen else { return }
        // So that it knows, whoever else it has lost its connection to.
        effects.emit(.sendRing(members.ids[member], .decided(document)))
        markDown(member, .removed, &effects)
    }

    /// Returns the verdict on this node's data when it has been waiting for no one else.
    private mutating func move(to index: MemberIndex, at now: Instant) -> Bool? {
        guard index.ids != members.ids else { return nil }
        let verdict = copies.move(from: members, to: index)
        gossip.move(to: index, at: runningTime(at: now))
        lives.move(to: index)
        peers = index.carry(peers, from: members, fresh: Peer())
        members = index
        return verdict
    }
}
