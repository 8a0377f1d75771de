import HengeBase
import HengeMessages

/// The end of a fault that lasts a while.
enum Relief {
    /// The ways that one fault blocks are free again.
    case unblock(fault: Int)
    case calmDisk(node: Int)
    case calmNetwork(node: Int)
    case resume(node: Int)
    case setClock(node: Int)
}

/// Faults, one after another while the first phase of a round lasts.
extension Simulation {
    func scheduleStrike() {
        let usual = options.faultEvery.milliseconds
        schedule(.nemesis, after: faultDice.interval(usual / 4...usual * 2))
    }

    /// The next fault is due. What it is depends on the seed and its number alone, so that leaving
    /// out some leaves the others as they are.
    func strike() {
        guard faultsAreOn else { return }
        scheduleStrike()
        var dice = faultDice.split()
        strikesDue += 1
        let kinds = options.faults.striking
        guard !kinds.isEmpty, !skippedFaults.contains(strikesDue),
            faultsInEffect < options.faultsMax
        else { return }
        let fault = Fault.draw(kinds, nodes: nodes.count, &dice)
        guard canStrike(fault) else { return }
        counts.faults += 1
        strikes.append(Strike(number: strikesDue, time: now, description: "\(fault)"))
        trace.write("fault \(strikesDue): \(fault)", at: now)
        carryOut(fault)
    }

    /// Nodes that are down, ways that are cut, disks that are ill.
    private var faultsInEffect: Int {
        blockedWays.count + nodes.count { $0.isStruck }
    }

    /// Whether a fault finds what it is to break.
    private func canStrike(_ fault: Fault) -> Bool {
        switch fault {
        case .kill(let node, _), .powerFailure(let node, _), .diskErrors(let node, _, _):
            return nodes[node].process != nil
        case .cleanStop(let node, _), .pause(let node, _):
            return nodes[node].process != nil && nodes[node].pausedSince == nil
        case .rot(let key, let slot): return rotting(key, slot) != nil
        case .clockJump(let node, _):
            return abs(nodes[node].clock.skewMilliseconds) < clockBound
        case .wipe(let node, _): return mayLoseDisk(nodes[node], keeping: nil)
        case .oldCopy(let node, _):
            guard let copy = nodes[node].copy else { return false }
            return mayLoseDisk(nodes[node], keeping: copy)
        case .partition(let sides, _): return Set(sides).count == 2
        case .oneWay(let ways, _): return !ways.isEmpty
        case .drop(let node, let other): return node != other
        case .slowDisk, .slowNode, .hourJump: return true
        }
    }

    private func carryOut(_ fault: Fault) {
        switch fault {
        case .kill(let node, let down):
            kill(nodes[node])
            schedule(.start(node: node), after: down)
        case .powerFailure(let node, let down):
            failPower(nodes[node])
            schedule(.start(node: node), after: down)
        case .cleanStop(let node, let down):
            stop(nodes[node])
            schedule(.start(node: node), after: down)
        case .partition(let sides, let time): block(Fault.ways(between: sides), for: time)
        case .oneWay(let ways, let time): block(ways, for: time)
        case .drop(let node, let other): dropConnections(nodes[node], other)
        case .diskErrors(let node, let percent, let time):
            nodes[node].diskErrorPercent = percent
            schedule(.relief(.calmDisk(node: node)), after: time)
        case .slowDisk(let node, let factor, let time):
            nodes[node].diskSlowness = factor
            schedule(.relief(.calmDisk(node: node)), after: time)
        case .rot(let key, let slot): rot(key, slot)
        case .clockJump(let node, let position):
            let room = clockBound * 6 / 10
            nodes[node].clock.skewMilliseconds = room * Int64(position) / 1_000 - room / 2
        case .pause(let node, let time):
            pause(nodes[node])
            schedule(.relief(.resume(node: node)), after: time)
        case .slowNode(let node, let extra, let time):
            nodes[node].messageDelay = extra
            schedule(.relief(.calmNetwork(node: node)), after: time)
        case .hourJump(let node, let hours, let time):
            nodes[node].clock.hoursAhead = hours
            areHintsWhole = false
            schedule(.relief(.setClock(node: node)), after: time)
        case .wipe(let node, let down):
            loseDisk(nodes[node], keeping: nil)
            schedule(.start(node: node), after: down)
        case .oldCopy(let node, let down):
            loseDisk(nodes[node], keeping: nodes[node].copy)
            schedule(.start(node: node), after: down)
        }
    }

    private var clockBound: Int64 { Int64(options.clockDriftMax.milliseconds) }

    func relieve(_ relief: Relief) {
        switch relief {
        case .unblock(let fault):
            guard let ways = blockedWays.removeValue(forKey: fault) else { return }
            for way in ways { unblock(from: way.from, to: way.to) }
        case .calmDisk(let node):
            nodes[node].diskErrorPercent = 0
            nodes[node].diskSlowness = 1
        case .calmNetwork(let node): nodes[node].messageDelay = .zero
        case .resume(let node): resume(nodes[node])
        case .setClock(let node): nodes[node].clock.hoursAhead = 0
        }
    }

    // MARK: Network faults

    private func block(_ ways: [BlockedWay], for time: Interval) {
        faultNumber += 1
        blockedWays[faultNumber] = ways
        for way in ways {
            trace.note("cut to n\(way.to + 1)", at: nodes[way.from].id, now)
            block(from: way.from, to: way.to)
        }
        schedule(.relief(.unblock(fault: faultNumber)), after: time)
    }

    /// One connection of a node ends, or all of them at the same moment.
    private func dropConnections(_ node: SimulatedNode, _ one: Int?) {
        for other in nodes.indices where other != node.index && other == one ?? other {
            guard let open = network.connection(of: node.index, to: other) else { continue }
            close(node.index, other, open)
        }
    }

    // MARK: Pauses

    func pause(_ node: SimulatedNode) {
        trace.note("pause", at: node.id, now)
        node.pausedSince = now
    }

    /// The process goes on with what has come up meanwhile, in order.
    func resume(_ node: SimulatedNode) {
        guard node.pausedSince != nil, let process = node.process else { return }
        trace.note("resume", at: node.id, now)
        node.endPause(at: now)
        for event in process.backlog { schedule(event, after: .zero) }
        process.backlog.removeAll()
    }

    // MARK: Healing

    /// All that was broken is whole again; nodes that are down stay so.
    func heal() {
        faultsAreOn = false
        for fault in 0...faultNumber { relieve(.unblock(fault: fault)) }
        for node in nodes {
            for relief: Relief in [
                .calmDisk(node: node.index), .calmNetwork(node: node.index),
                .resume(node: node.index), .setClock(node: node.index),
            ] { relieve(relief) }
            let bound = Int64(options.clockDriftMax.milliseconds)
            if abs(node.clock.skewMilliseconds) >= bound { node.clock.skewMilliseconds = 0 }
        }
    }
}

extension SimulatedNode {
    /// Whether some fault is in effect on this node.
    fileprivate var isStruck: Bool {
        process == nil || diskErrorPercent > 0 || diskSlowness > 1 || messageDelay > .zero
            || pausedSince != nil || clock.hoursAhead != 0
    }
}
