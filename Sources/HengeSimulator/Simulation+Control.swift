import HengeBase
import HengeMembership
import HengeMessages
import HengeNode
import HengeRing

import struct NIOCore.ByteBuffer

/// What came and went between a node and another since its last round of gossip.
enum PeerTraffic {
    case none
    case heard
    case asked
}

/// The control planes of nodes: rounds in time, and their effects carried out.
extension Simulation {
    func makeControl(
        _ node: SimulatedNode,
        ring acceptor: RingAcceptor,
        life: UInt64
    ) -> ControlPlane {
        var settings = ControlSettings()
        settings.interval = options.gossipInterval
        return ControlPlane(
            node: node.id,
            ring: acceptor,
            settings: settings,
            life: life,
            savedLives: node.disk.storedLives,
            seed: startDice.next(),
            at: node.clock.reading(at: now).now
        )
    }

    /// Begins the rounds of a process; the first comes at some time within one.
    func startControl(_ node: SimulatedNode, _ process: Process) {
        step(node, control: .start)
        let first = options.gossipInterval.microseconds
        let delay = Interval.microseconds(UInt64(startDice.below(Int(first) + 1)))
        schedule(.round(node: node.index, process: process.number), after: delay)
    }

    func beginRound(_ node: SimulatedNode, _ process: Process) {
        for other in nodes.indices {
            let traffic = process.traffic[other]
            process.traffic[other] = .none
            switch traffic {
            case .none: break
            case .heard: step(node, control: .heard(nodes[other].id))
            case .asked: step(node, control: .asked(nodes[other].id))
            }
        }
        step(node, control: .ownReport(process.ringReport))
        step(node, control: .tick)
        schedule(
            .round(node: node.index, process: process.number),
            after: options.gossipInterval
        )
    }

    func step(_ node: SimulatedNode, control input: ControlInput) {
        guard let process = node.process, violation == nil else { return }
        guard node.pausedSince == nil else {
            let event = Event.control(node: node.index, process: process.number, input)
            return process.backlog.append(event)
        }
        counts.steps += 1
        trace.record(input, at: node.id, now)
        if case .due = input { process.controlDueAt = nil }
        process.control.step(
            input,
            at: node.clock.reading(at: now).now,
            effects: &process.controlEffects
        )
        var effects: [ControlEffect] = []
        process.controlEffects.drain { effects.append($0) }
        carryOut(effects, of: node, process)
        scheduleDue(node, process)
    }

    private func carryOut(
        _ effects: [ControlEffect],
        of node: SimulatedNode,
        _ process: Process
    ) {
        for effect in effects where node.process === process {
            if process.adoption != nil, effect.waitsForAdoption {
                process.adoption?.held.append(effect)
            } else {
                carryOut(effect, of: node, process)
            }
        }
    }

    /// For elections, which are quicker than rounds.
    private func scheduleDue(_ node: SimulatedNode, _ process: Process) {
        guard let due = process.control.nextDue, process.controlDueAt.map({ due < $0 }) ?? true
        else { return }
        process.controlDueAt = due
        // A little more, since the node's clock may run slower than the simulator's.
        let delay = due.since(node.clock.reading(at: now).now).nanoseconds
        schedule(
            .control(node: node.index, process: process.number, .due),
            after: Interval(nanoseconds: delay + delay / 1_000 + 1)
        )
    }

    func carryOut(_ effect: ControlEffect, of node: SimulatedNode, _ process: Process) {
        trace.record(effect, of: node.id, now)
        switch effect {
        case .send(let target, let message): send(.gossip(message), from: node, to: target)
        case .disconnect(let id):
            counts.nodesGivenUp += 1
            let other = Int(id.rawValue) - 1
            guard let open = network.connection(of: node.index, to: other) else { return }
            close(node.index, other, open)
        case .peerUp(let id): tell(node, process, .peerUp(id))
        case .peerDown(let id): tell(node, process, .peerDown(id))
        case .confirmActors(let isNewest): tell(node, process, .actorsConfirmed(isNewest))
        case .saveLives(let lives):
            node.disk.saveLives(lives)
            scheduleCommit(node, process, process.shards[0])
        case .sendRing(let target, let message):
            let said = interposer?.saying(message, of: node.id) ?? message
            send(.ring(said), from: node, to: target)
        case .sendReport(let target, let report):
            invariant(report.epoch <= process.epoch, "\(node.id) has not adopted what it tells")
            send(.ringReport(report), from: node, to: target)
        case .saveRing(let bytes):
            node.disk.saveRing(bytes)
            scheduleCommit(node, process, process.shards[0])
        case .adopted(let newer): adopted(newer, by: node, process)
        case .memberEpoch(let id, let epoch): tell(node, process, .memberEpoch(id, epoch))
        case .proposalEnded(let outcome): proposalEnded(outcome)
        case .note(.recoveredApart(let epoch, let other)):
            report(
                Violation(.oneRing, "\(node.id) and \(other) recovered apart, epoch \(epoch)")
            )
        case .note(.ringConflict(let epoch, let other)):
            report(Violation(.oneRing, "\(node.id) and \(other) have two rings of epoch \(epoch)"))
        case .note(.ringInvalid(let fault, let other)):
            report(Violation(.oneRing, "\(other) wants a ring that can't be: \(fault)"))
        case .note(.removed), .note(.givenUp): stop(node)
        case .note(.oldCopy): counts.oldCopiesFound += 1
        case .note: break
        }
    }
}
