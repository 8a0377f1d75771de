import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeRing

/// How nodes come by their rings and what they do with them.
extension Simulation {
    /// As long as the transport of a real node keeps the link to a former member.
    private static let retirement = Interval.seconds(30)

    /// What a node that starts knows of rings: what it has saved, or else what it was given.
    func acceptor(of node: SimulatedNode) -> RingAcceptor {
        let saved = node.disk.storedRing.flatMap { try? RingAcceptor(saved: $0) }
        // The start of all, or what a spare node was given when it was added.
        let given = node.givenRing ?? bootstrap
        guard node.hasLostVotes else {
            return saved ?? RingAcceptor(document: given, hasLostVotes: false)
        }
        return RingAcceptor(document: saved?.document ?? given, hasLostVotes: true)
    }

    func adopted(_ newer: Ring, by node: SimulatedNode, _ process: Process) {
        trace.note("adopts epoch \(newer.document.epoch)", at: node.id, now)
        note(newer)
        if process.shards.count > 1 {
            process.adoption = Adoption(
                epoch: newer.document.epoch,
                missing: process.shards.count - 1,
                held: process.adoption?.held ?? []
            )
        }
        tell(node, process, .ring(newer))
        guard node.process === process else { return }
        if process.adoption == nil { step(node, control: .ownReport(process.ringReport)) }
        dropStrangers(node, newer)
        for member in newer.allMembers where member.id != node.id {
            meet(self.node(member.id), newer.document, node)
        }
    }

    /// A node goes by this ring. Its process before may have died when it had just saved it.
    func note(_ adopted: Ring) {
        let document = adopted.document
        if let known = rings[document.epoch], known != document {
            report(Violation(.oneRing, "two rings of epoch \(document.epoch)"))
        }
        rings[document.epoch] = document
        guard document.epoch > ring.document.epoch else { return }
        if document.transition == nil { counts.ringChanges += 1 }
        ring = adopted
    }

    /// Connections to nodes that are no members any more stay for a while, as those of a real node
    /// do: such a node has to hear of the ring that it is not in, and of what it has asked for.
    private func dropStrangers(_ node: SimulatedNode, _ newer: Ring) {
        for other in nodes where other !== node && newer.member(other.id) == nil {
            guard let open = network.connection(of: node.index, to: other.index) else { continue }
            let end = LinkEvent.closed(node: node.index, other: other.index, connection: open)
            schedule(.link(end), after: Self.retirement)
        }
    }

    /// A node that was added starts with the ring of the member that it has asked to take it in.
    private func meet(_ other: SimulatedNode, _ document: RingDocument, _ node: SimulatedNode) {
        if other.isSpare {
            other.isSpare = false
            other.givenRing = document
            schedule(.start(node: other.index), after: delay(.milliseconds(50), &startDice))
        } else if network.connection(of: node.index, to: other.index) == nil {
            dialSoon(node.index, other.index)
        }
    }

    /// Whether two nodes know each other as members. If not, the one that is behind is told, as a
    /// refused handshake does it.
    func areAcquainted(_ a: SimulatedNode, _ b: SimulatedNode) -> Bool {
        guard let first = a.process?.control.ring, let second = b.process?.control.ring else {
            return false
        }
        if first.member(b.id) != nil, second.member(a.id) != nil { return true }
        let (behind, ahead) = first.document.epoch < second.document.epoch ? (a, b) : (b, a)
        if let ring = ahead.process?.control.ring, first.document.epoch != second.document.epoch {
            step(behind, control: .ring(from: ahead.id, .decided(ring.document)))
        }
        return false
    }

    func ringSaved(_ isDurable: Bool, at node: SimulatedNode) {
        if isDurable { node.hasLostVotes = false }
        step(node, control: isDurable ? .ringSaved : .ringSaveFailed)
    }
}
