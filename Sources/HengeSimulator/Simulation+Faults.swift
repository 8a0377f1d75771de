import HengeBase
import HengeMessages

/// The end of a fault that lasts a while.
enum Relief {
    /// The ways that one fault blocks are free again.
    case unblock(fault: Int)
    case calmDisk(node: Int)
}

/// Faults, one after another while the first phase of a round lasts.
extension Simulation {
    func scheduleStrike() {
        let usual = options.faultEvery.milliseconds
        schedule(.nemesis, after: faultDice.interval(usual / 4...usual * 2))
    }

    func strike() {
        guard faultsAreOn else { return }
        scheduleStrike()
        let kinds = options.faults.members
        guard !kinds.isEmpty, faultsInEffect < options.faultsMax else { return }
        counts.faults += 1
        let node = nodes[faultDice.below(nodes.count)]
        switch faultDice.pick(kinds) {
        case .kills:
            kill(node)
            restartLater(node)
        case .powerFailures:
            guard node.process != nil else { return }
            failPower(node)
            restartLater(node)
        case .cleanStops:
            stop(node)
            restartLater(node)
        case .partitions: partition()
        case .oneWayPartitions: blockOneWay(node)
        case .droppedConnections: dropConnections(node)
        case .diskErrors:
            guard node.process != nil else { return }
            node.diskErrorPercent = faultDice.pick([5, 30, 100])
            scheduleRelief(.calmDisk(node: node.index))
        case .slowDisks:
            node.diskSlowness = faultDice.pick([10, 100, 1_000])
            scheduleRelief(.calmDisk(node: node.index))
        case .rot: rot()
        case .clockJumps: jump(node)
        default: break  // Skewed and wild clocks are so from the start.
        }
    }

    /// Nodes that are down, ways that are cut, disks that are ill.
    private var faultsInEffect: Int {
        blockedWays.count
            + nodes.count { $0.process == nil || $0.diskErrorPercent > 0 || $0.diskSlowness > 1 }
    }

    private func restartLater(_ node: SimulatedNode) {
        let delay = faultDice.pick([
            Interval.milliseconds(1), .milliseconds(20), .milliseconds(200), .seconds(2),
        ])
        schedule(.start(node: node.index), after: self.delay(delay, &faultDice))
    }

    private func scheduleRelief(_ relief: Relief) {
        schedule(.relief(relief), after: faultDice.interval(20...2_000))
    }

    func relieve(_ relief: Relief) {
        switch relief {
        case .unblock(let fault):
            guard let ways = blockedWays.removeValue(forKey: fault) else { return }
            for way in ways { unblock(from: way.from, to: way.to) }
        case .calmDisk(let node):
            nodes[node].diskErrorPercent = 0
            nodes[node].diskSlowness = 1
        }
    }

    // MARK: Network faults

    private func partition() {
        var sides: [Bool] = []
        for _ in nodes { sides.append(faultDice.chance(1, in: 2)) }
        var ways: [BlockedWay] = []
        for a in nodes.indices {
            for b in nodes.indices where a != b && sides[a] != sides[b] {
                ways.append(BlockedWay(from: a, to: b))
            }
        }
        block(ways)
    }

    private func blockOneWay(_ node: SimulatedNode) {
        let isOutward = faultDice.chance(1, in: 2)
        var ways: [BlockedWay] = []
        for other in nodes.indices where other != node.index && faultDice.chance(1, in: 2) {
            ways.append(
                isOutward
                    ? BlockedWay(from: node.index, to: other)
                    : BlockedWay(from: other, to: node.index)
            )
        }
        block(ways)
    }

    private func block(_ ways: [BlockedWay]) {
        faultNumber += 1
        blockedWays[faultNumber] = ways
        for way in ways {
            trace.note("cut to n\(way.to + 1)", at: nodes[way.from].id, now)
            block(from: way.from, to: way.to)
        }
        scheduleRelief(.unblock(fault: faultNumber))
    }

    /// One connection of a node ends, or all of them at the same moment.
    private func dropConnections(_ node: SimulatedNode) {
        let one = faultDice.chance(1, in: 2) ? faultDice.below(nodes.count) : nil
        for other in nodes.indices where other != node.index && other == one ?? other {
            guard let open = network.connection(of: node.index, to: other) else { continue }
            close(node.index, other, open)
        }
    }

    // MARK: Disk and clock faults

    /// One record rots, of a key of which a quorum of replicas keeps sound ones to repair it from.
    private func rot() {
        let key = faultDice.below(causal.keys.count)
        guard key >= firstKeyOfRound else { return }
        let replicas = ring.preferenceList(of: causal.keys[key].token)
        let slot = faultDice.below(replicas.count)
        var sound = 0
        for other in 0..<replicas.count where other != slot {
            let holder = nodes[Int(replicas[other].rawValue) - 1]
            if case .success(.some) = holder.peek(causal.keys[key]) { sound += 1 }
        }
        guard sound > replicas.count / 2 else { return }
        let node = nodes[Int(replicas[slot].rawValue) - 1]
        guard node.engine.corrupt(causal.keys[key]) else { return }
        trace.note("rot of key \(key)", at: node.id, now)
        node.talliesAreDoubtful = true
        causal.lost(key, at: node.index)
    }

    /// A wall clock is set forth or back, within what the bound leaves room for.
    private func jump(_ node: SimulatedNode) {
        let bound = Int(options.clockDriftMax.milliseconds)
        guard abs(node.clock.skewMilliseconds) < bound else { return }
        node.clock.skewMilliseconds = Int64(faultDice.below(bound * 6 / 10)) - Int64(bound * 3 / 10)
    }

    // MARK: Healing

    /// All that was broken is whole again; nodes that are down stay so.
    func heal() {
        faultsAreOn = false
        for fault in 0...faultNumber { relieve(.unblock(fault: fault)) }
        for node in nodes {
            relieve(.calmDisk(node: node.index))
            let bound = Int64(options.clockDriftMax.milliseconds)
            if abs(node.clock.skewMilliseconds) >= bound { node.clock.skewMilliseconds = 0 }
        }
    }
}

/// A way from one node to another that a fault blocks.
struct BlockedWay {
    let from: Int
    let to: Int
}

extension FaultKinds {
    /// Each kind on its own, in order.
    var members: [FaultKinds] {
        (0..<FaultKinds.all.rawValue.nonzeroBitCount).map { FaultKinds(rawValue: 1 << UInt32($0)) }
            .filter(contains)
    }
}
