import HengeBase
import HengeRing

/// Clusters that lose a majority of their nodes for good.
extension Simulation {
    /// How often an operator asks for a recovery that does not come.
    private static let attemptsMax = 8

    func play(_ drill: RecoveryDrill) {
        guard hasCome(to: drill) else { return }
        pass(drill.delay)
        let before = memberNodes
        let gone = loseMajority()
        guard isRecovered(without: gone, drill) else { return }
        let recovered = now
        if drill.trouble == .returns { giveBack(gone[roundDice.below(gone.count)]) }
        refill()
        pass(.seconds(5))
        checking { () throws(Violation) in
            // Those that have come or left since have their own first and last moments.
            let stayed = memberNodes.filter { node in
                before.contains { $0 === node } && !gone.contains { $0 === node }
            }
            let unjudged = Set(nodes.indices).subtracting(stayed.map(\.index))
            try checkServed(from: recovered, without: unjudged)
        }
    }

    private func hasCome(to drill: RecoveryDrill) -> Bool {
        let moment: RingDrill.Moment
        switch drill.situation {
        case .still: return true
        case .current: moment = .begun
        case .writeBoth: moment = .writeBoth
        case .readNext: moment = .readNext
        case .next: moment = .next
        }
        return begin(drill.change) && hasCome(to: moment)
    }

    // MARK: The loss

    /// Takes so many nodes that the others can't decide on anything, but not all, and not all that
    /// own something.
    private func loseMajority() -> [SimulatedNode] {
        var left = memberNodes
        var gone: [SimulatedNode] = []
        let voters = ring.voters
        while gone.count(where: { voters.contains($0.id) }) * 2 < voters.count {
            gone.append(left.remove(at: roundDice.below(left.count)))
        }
        if left.count > 1, roundDice.chance(1, in: 4) {
            gone.append(left.remove(at: roundDice.below(left.count)))
        }
        for node in gone {
            trace.note("is gone for good", at: node.id, now)
            node.isGone = true
            noteLost(by: node)
            failPower(node)
        }
        return gone
    }

    /// What is on this disk is of no use to anybody any more.
    private func noteLost(by node: SimulatedNode) {
        for key in causal.keys.indices[firstKeyOfRound...] where holds(node, key) {
            causal.lost(key, at: node.index)
        }
    }

    private func holds(_ node: SimulatedNode, _ key: Int) -> Bool {
        Place.all(of: node.index, nodes.count).contains { place in
            if case .success(nil) = node.peek(place.key(causal.keys[key])) { return false }
            return true
        }
    }

    // MARK: The recovery

    /// An operator asks one node after another until those that are left go on.
    private func isRecovered(without gone: [SimulatedNode], _ drill: RecoveryDrill) -> Bool {
        let before = ring
        let hasShown = advance(within: .seconds(60)) { isKnownDown(gone) }
        if !hasShown { reportStill("has members that take the dead for alive") }
        for attempt in 0..<Self.attemptsMax where violation == nil {
            let up = memberNodes.filter { $0.process != nil }
            guard !up.isEmpty else { break }
            let asked = up[attempt % up.count]
            let known = asked.process?.control.ring
            let refusal = recover(
                without: gone.filter { known?.member($0.id) != nil },
                at: asked
            )
            if let refusal { trace.note("does not recover: \(refusal)", at: asked.id, now) }
            if attempt == 0 { trouble(drill.trouble, asked) }
            let isDone = advance(within: .seconds(12)) {
                ring.document.recoveries.count > before.document.recoveries.count
                    && isRecoveryKnown
            }
            if isDone {
                // Those that only a newer ring knew, which is lost with those that decided on it.
                for node in nodes where before.member(node.id) != nil {
                    if ring.member(node.id) == nil, !node.isGone { noteLost(by: node) }
                }
                return true
            }
            startAll()
        }
        reportStill("is not recovered")
        return false
    }

    private func isKnownDown(_ gone: [SimulatedNode]) -> Bool {
        memberNodes.allSatisfy { node in
            guard let process = node.process else { return true }
            return gone.allSatisfy { process.isDown($0.id) }
        }
    }

    /// Whether all members go by the newest ring.
    private var isRecoveryKnown: Bool {
        memberNodes.allSatisfy { node in
            node.process.map { $0.epoch == ring.document.epoch } ?? false
        }
    }

    private func trouble(_ trouble: RecoveryDrill.Trouble, _ asked: SimulatedNode) {
        pass(.milliseconds(UInt64(roundDice.below(8))))
        let others = memberNodes.filter { $0.process != nil && $0 !== asked }
        switch trouble {
        case .none, .returns: break
        case .askedDies: fail(asked)
        case .otherDies: others.first.map { fail($0) }
        case .cut:
            for node in others { isolate(node, true) }
            pass(.seconds(4))
            for node in others { isolate(node, false) }
        }
    }

    private func fail(_ node: SimulatedNode) {
        failPower(node)
        pass(.seconds(2))
        start(node)
    }

    // MARK: Afterwards

    /// One that was given up lives; it stops once it has heard of it.
    private func giveBack(_ node: SimulatedNode) {
        node.isGone = false
        start(node)
        let hasStopped = advance(within: .seconds(60)) { node.process == nil }
        if !hasStopped { reportStill("is not that of \(node.id), which was given up") }
    }

    /// Others take the places of the lost: as many as it takes, or more.
    private func refill() {
        // One recovered ring may go on with a change.
        awaitStillRing()
        let spares = nodes.filter(\.isSpare)
        let members = memberNodes.filter { $0.process != nil }
        guard violation == nil, let proposer = members.last else { return }
        let least = max(1, ring.replicas - members.count)
        let count = min(spares.count, least + roundDice.below(2))
        let refusal = beginChange(adding: Array(spares.prefix(count)), removing: [], at: proposer)
        let before = ring.document.epoch
        let hasBegun = advance(within: .seconds(30)) { ring.document.epoch > before }
        guard refusal == nil, hasBegun else {
            return reportStill("can't be refilled: \(refusal ?? "no epoch")")
        }
        awaitStillRing()
        if !ring.document.lost.isEmpty { reportStill("names lost nodes") }
    }
}
