import HengeBase
import HengeMembership
import HengeMessages
import HengeNode

import struct NIOCore.ByteBuffer

/// What came and went between a node and another since its last round of gossip.
enum PeerTraffic {
    case none
    case heard
    case asked
}

/// The control planes of nodes: rounds in time, and their effects carried out.
extension Simulation {
    func makeControl(_ node: SimulatedNode, life: UInt64) -> ControlPlane {
        var settings = ControlSettings()
        settings.interval = options.gossipInterval
        return ControlPlane(
            node: node.id,
            members: nodes.map(\.id),
            settings: settings,
            life: life,
            savedLives: node.engine.storedLives,
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
        process.control.step(
            input,
            at: node.clock.reading(at: now).now,
            effects: &process.controlEffects
        )
        guard !process.controlEffects.isEmpty else { return }
        var effects: [ControlEffect] = []
        process.controlEffects.drain { effects.append($0) }
        for effect in effects where node.process === process {
            trace.record(effect, of: node.id, now)
            carryOut(effect, of: node, process)
        }
    }

    private func carryOut(
        _ effect: ControlEffect,
        of node: SimulatedNode,
        _ process: Process
    ) {
        switch effect {
        case .send(let target, let message): send(.gossip(message), from: node, to: target)
        case .disconnect(let id):
            counts.nodesGivenUp += 1
            let other = Int(id.rawValue) - 1
            guard let open = network.connection(of: node.index, to: other) else { return }
            close(node.index, other, open)
        case .peerUp(let id): step(node, .peerUp(id))
        case .peerDown(let id): step(node, .peerDown(id))
        case .confirmActors(let isNewest): step(node, .actorsConfirmed(isNewest))
        case .saveLives(let lives):
            node.engine.saveLives(lives)
            scheduleCommit(node, process)
        case .note(.oldCopy): counts.oldCopiesFound += 1
        case .note: break
        }
    }
}
