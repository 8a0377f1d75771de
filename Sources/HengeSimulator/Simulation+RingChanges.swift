import HengeBase
import HengeMembership
import HengeNode
import HengeRing

/// Operators who change the ring.
extension Simulation {

    func proposalEnded(_ outcome: RingElection.Outcome) {
        proposalOutcomes.append(outcome)
    }

    /// The nodes that belong to the newest ring, or to the one that it moves to.
    var memberNodes: [SimulatedNode] { nodes.filter { ring.member($0.id) != nil } }

    /// Has a node propose the change to a ring of other members.
    ///
    /// - Returns: why not, or nil.
    func beginChange(
        adding: [SimulatedNode],
        removing: [SimulatedNode],
        at node: SimulatedNode
    ) -> String? {
        guard let document = node.process?.control.ring.document else { return "down" }
        let leaving = Set(removing.map(\.id))
        let staying = document.members.filter { !leaving.contains($0.id) }
        let members = staying + adding.map { Self.member($0.id) }
        guard members.count >= document.replicas else { return "too few nodes" }
        let target = Placement.change(
            owners: document.owners,
            from: document.membersAndLost,
            to: members,
            replicas: document.replicas
        )
        do throws(RingChangeFault) {
            // What those that are down hold for others is given up, so only where nothing is
            // that counts.
            let isGivenUp = options.sloppyPercent == 0
            let next = try document.beginning(
                members: members,
                owners: target.owners,
                abandoning: removing.filter { isGivenUp && $0.process == nil }.map(\.id).sorted()
            )
            step(node, control: .propose(next, within: .seconds(10)))
            return nil
        } catch {
            return error.description
        }
    }

    /// Has a node go on without others that are gone for good.
    ///
    /// - Returns: why not, or nil.
    func recover(without gone: [SimulatedNode], at node: SimulatedNode) -> String? {
        guard let process = node.process else { return "down" }
        let (document, attempts) = (process.control.ring.document, process.control.openRecoveries)
        do throws(RingChangeFault) {
            let next = try document.recovering(without: gone.map(\.id), after: attempts)
            step(node, control: .recover(next, within: .seconds(10)))
            return nil
        } catch {
            return error.description
        }
    }

    func abortChange(at node: SimulatedNode) -> String? {
        guard let document = node.process?.control.ring.document else { return "down" }
        do throws(RingChangeFault) {
            let next = try document.aborting()
            step(node, control: .propose(next, within: .seconds(10)))
            return nil
        } catch {
            return error.description
        }
    }

    static func member(_ id: NodeID) -> Member {
        Member(id: id, name: "n\(id.rawValue)", peerAddress: "n\(id.rawValue):7401")
    }

    /// Whether nothing moves and all members that are up know it.
    var isRingStill: Bool {
        ring.document.transition == nil
            && memberNodes.allSatisfy { node in
                node.process.map { $0.epoch == ring.document.epoch } ?? true
            }
    }

    func anyMember() -> SimulatedNode {
        let members = memberNodes
        return members[roundDice.below(members.count)]
    }

    // MARK: Changes by chance

    func scheduleRingChange() {
        guard let usual = options.ringChangeEvery else { return }
        let milliseconds = usual.milliseconds
        schedule(.ringChange, after: ringDice.interval(milliseconds / 4...milliseconds * 2))
    }

    /// Someone wants another ring. What comes of it is up to the nodes.
    func changeRing() {
        guard faultsAreOn else { return }
        scheduleRingChange()
        let up = memberNodes.filter { $0.process.map { !$0.isStopping } ?? false }
        let spare = nodes.first(where: \.isSpare)
        let leaving = memberNodes[ringDice.below(memberNodes.count)]
        let kind = ringDice.below(4)
        guard !up.isEmpty else { return }
        let node = up[ringDice.below(up.count)]
        if node.process?.control.ring.document.transition != nil {
            if kind == 0 { _ = abortChange(at: node) }
            return
        }
        // Ids are given in order, so the spare must be the next by this node's ring.
        let next = node.process?.control.ring.document.highestID.rawValue ?? 0
        let adding = spare.map { $0.id.rawValue == next + 1 && kind != 1 ? [$0] : [] } ?? []
        let removing = kind == 0 ? [] : [leaving]
        _ = beginChange(adding: adding, removing: removing, at: node)
    }

    /// Until the change that is running, if one is, has come to its end, and what has moved is
    /// nowhere but at its homes.
    func awaitStillRing() {
        guard ring.document != bootstrap || options.ringChangeEvery != nil else { return }
        let isDone = advance(within: .seconds(300)) { isRingStill && foreignHolder == nil }
        guard !isDone, violation == nil else { return }
        let steps = ring.document.transition?.steps ?? []
        let waiting = PartitionStep.allCases.map { step in steps.count { $0 == step } }
        let holder = foreignHolder.map { "; \($0) holds what is not its own" } ?? ""
        report(
            Violation(
                .liveness,
                "the ring of epoch \(ring.document.epoch) does not come to rest: "
                    + "\(waiting) partitions at each step\(holder)"
            )
        )
    }

    /// A member whose disk holds records of its own of partitions that are at home elsewhere.
    var foreignHolder: NodeID? {
        memberNodes.first { node in
            causal.keys.contains { key in
                guard !ring.preferenceList(of: key.token).contains(node.id),
                    case .success(.some) = node.peek(key)
                else { return false }
                return true
            }
        }?.id
    }
}
