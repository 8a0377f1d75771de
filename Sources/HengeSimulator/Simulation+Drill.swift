import HengeBase
import HengeMessages
import HengeNode
import HengeRing

/// Changes of the ring in which one node fails, and what all drills have in common.
extension Simulation {
    /// Plays a drill in place of a round's faults; the rest of the round is as always. The options
    /// are to be those of the drill.
    package func run(_ drill: Drill) {
        trace.write("seed \(seed): \(drill)", at: now)
        begin([MixedWorkload()])
        runRound {
            startLoad()
            pass(.milliseconds(500))
            switch drill {
            case .failure(let drill): play(drill)
            case .recovery(let drill): play(drill)
            }
            endLoad()
        }
    }

    private func play(_ drill: RingDrill) {
        guard begin(drill.change), let victim = victim(of: drill), hasCome(to: drill.moment)
        else { return }
        pass(drill.delay)
        strike(victim, drill)
        awaitStillRing()
    }

    // MARK: The load

    private func startLoad() {
        isCalm = false
        for client in clients {
            client.remaining = .max
            schedule(.wake(client: client.index), after: delay(options.think, &loadDice))
        }
    }

    private func endLoad() {
        for client in clients { client.remaining = 0 }
        let isDone = advance(within: .seconds(60)) { clients.allSatisfy(\.isDone) }
        if !isDone { report(Violation(.liveness, "clients do not come to an end")) }
    }

    // MARK: The change

    /// Begins it; false when that can't be.
    func begin(_ change: RingDrill.Change) -> Bool {
        // Each seed has another one leave: also the steward, and the node that proposes.
        let leaver = nodes[Int(seed % UInt64(options.nodes))]
        let proposer = nodes[Int(seed / 5 % UInt64(options.nodes))]
        let refusal = beginChange(
            adding: change == .remove ? [] : Array(nodes.filter(\.isSpare).prefix(1)),
            removing: change == .add ? [] : [leaver],
            at: proposer
        )
        let hasBegun = advance(within: .seconds(30)) { ring.document.transition != nil }
        if let refusal { reportStill("can't change: \(refusal)") }
        if !hasBegun { reportStill("does not change") }
        return refusal == nil && hasBegun
    }

    /// Lets the change go on until it has come so far; false when it does not.
    func hasCome(to moment: RingDrill.Moment) -> Bool {
        let hasCome = advance(within: .seconds(120)) { hasReached(moment) }
        if !hasCome { reportStill("does not get to \(moment)") }
        return hasCome
    }

    // MARK: The cast

    /// The node that is to fail in the change that has begun.
    private func victim(of drill: RingDrill) -> SimulatedNode? {
        let moving = (0..<ring.partitions).filter { !ring.joining(partition: $0).isEmpty }
        let found = moving.compactMap { player(drill.role, partition: $0) }.first
        if found == nil { report(Violation(.liveness, "nobody is the \(drill.role) node")) }
        return found
    }

    private func player(_ role: RingDrill.Role, partition: Int) -> SimulatedNode? {
        guard let joining = ring.joining(partition: partition).first,
            let steward = ring.voters.first
        else { return nil }
        switch role {
        case .joining: return node(joining)
        case .giving:
            let next = ring.nextPreferenceList(partition: partition)
            let current = ring.preferenceList(partition: partition)
            return current.replaced(by: joining, in: next).map { node($0) }
        case .steward: return node(steward)
        case .bystander:
            let both = ring.homes(partition: partition)
                .union(ring.nextPreferenceList(partition: partition))
            return memberNodes.first { !both.contains($0.id) && $0.id != steward }
        }
    }

    /// Whether a partition that moves has come to a step of the change, anywhere.
    func hasReached(_ step: PartitionStep) -> Bool {
        (0..<ring.partitions).contains {
            ring.step(of: $0) >= step && !ring.joining(partition: $0).isEmpty
        }
    }

    private func hasReached(_ moment: RingDrill.Moment) -> Bool {
        switch moment {
        case .begun: hasReached(PartitionStep.current)
        case .writeBoth: hasReached(PartitionStep.writeBoth)
        case .readNext: hasReached(PartitionStep.readNext)
        case .next: hasReached(PartitionStep.next)
        case .ended: ring.document.transition == nil
        }
    }

    func reportStill(_ what: String) {
        report(Violation(.liveness, "the ring of epoch \(ring.document.epoch) \(what)"))
    }

    // MARK: The failure

    /// Has the node fail and come back. One that has left the ring by then is spared.
    private func strike(_ victim: SimulatedNode, _ drill: RingDrill) {
        guard victim.process.map({ !$0.isStopping }) ?? false, violation == nil else { return }
        counts.faults += 1
        trace.write("\(victim.id) is \(drill.harm.rawValue)", at: now)
        shunned = victim.index
        let struck = now
        switch drill.harm {
        case .killed:
            kill(victim)
            pass(drill.lasting)
            start(victim)
        case .frozen:
            pause(victim)
            pass(drill.lasting)
            resume(victim)
        case .cutOff:
            isolate(victim, true)
            pass(drill.lasting)
            isolate(victim, false)
        }
        trace.write("\(victim.id) is back", at: now)
        checking { () throws(Violation) in
            try checkServed(from: struck, without: [victim.index])
        }
        shunned = nil
    }

    func isolate(_ victim: SimulatedNode, _ isCut: Bool) {
        for other in nodes.indices where other != victim.index {
            for (from, to) in [(victim.index, other), (other, victim.index)] {
                if isCut { block(from: from, to: to) } else { unblock(from: from, to: to) }
            }
        }
    }

    /// How long the others may take to find out that a node is gone.
    private var noticeTime: Interval {
        Interval(nanoseconds: options.gossipInterval.nanoseconds * 15)
    }

    /// Once the others know of it, nodes that fail fail no request of theirs.
    func checkServed(from struck: Instant, without victims: Set<Int>) throws(Violation) {
        var served = 0
        for operation in log.operations
        where operation.start >= struck + noticeTime && !victims.contains(operation.node) {
            guard case .response(let response)? = operation.reply else { continue }
            served += 1
            guard case .failed(let failure) = response else { continue }
            throw Violation(
                .liveness,
                "operation \(operation.number) failed though its node serves: \(failure)"
            )
        }
        guard served > 0 else { throw Violation(.liveness, "nobody asked for anything") }
    }
}
