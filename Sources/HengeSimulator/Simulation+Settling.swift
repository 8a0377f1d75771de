import HengeBase
import HengeNode

/// What a node says is settled, is so.
extension Simulation {
    /// Once nobody asks for anything, has each node tell when it has done all that it had to do by
    /// then. When all have, hints are delivered, the ring is still, and replicas are equal without
    /// a read that repairs them.
    func awaitSettled() {
        guard options.awaitsSettled, violation == nil else { return }
        trace.write("settling", at: now)
        var wait = SettleWait(nodes: nodes.count)
        let end = now + .seconds(300)
        while violation == nil {
            // Another process may have hints that it delivers after the others have compared.
            if memberNodes.contains(where: { wait.marks[$0.index].isLost(to: $0.process) }) {
                wait = SettleWait(nodes: nodes.count)
            }
            let left = memberNodes.map { (id: $0.id, work: unsettled($0, &wait)) }
                .filter { $0.work != [] }
            guard !left.isEmpty else { break }
            guard now < end else {
                let works = left.map { "\($0.id): \($0.work.map { "\($0)" } ?? "is down")" }
                return report(
                    Violation(.settled, "not done in time: \(works.joined(separator: "; "))")
                )
            }
            let mayCompare = left.allSatisfy { $0.work?.allSatisfy(\.isComparison) ?? false }
            if mayCompare { wait.isComparing = true }
            pass(.milliseconds(200))
        }
        guard violation == nil else { return }
        checking { () throws(Violation) in try checkSettled() }
    }

    /// What a node has still to do; nil when it can't be asked.
    private func unsettled(
        _ node: SimulatedNode,
        _ wait: inout SettleWait
    ) -> [SettleStatus.Work]? {
        guard let process = node.process, node.pausedSince == nil else { return nil }
        let time = node.clock.reading(at: now)
        let known = wait.marks[node.index].tokens
        let statuses = process.shards.map { shard in
            if let token = known.isEmpty ? nil : known[shard.index] {
                shard.shard.settleStatus(of: token, comparing: wait.isComparing, at: time)
            } else {
                shard.shard.beginSettling(at: time)
            }
        }
        let tokens = statuses.map { $0?.token }
        wait.marks[node.index] = SettleMark(process: process.number, tokens: tokens)
        guard statuses.allSatisfy({ $0 != nil }) else { return nil }
        return statuses.flatMap { $0?.left.map(\.work) ?? [] }
    }

    private func checkSettled() throws(Violation) {
        guard isRingStill, foreignHolder == nil else {
            throw Violation(.settled, "the ring still changes, or has left something behind")
        }
        for node in memberNodes where !node.disk.keepsNothing {
            throw Violation(.settled, "\(node.id) has hints left")
        }
        // What has rotted is nobody's to know before the scrub has found it.
        guard !options.faults.contains(.rot) else { return }
        for number in causal.keys.indices[firstKeyOfRound...] {
            let homes = ring.preferenceList(of: causal.keys[number].token)
            let first = view(of: number, at: node(homes[0]))
            for slot in 1..<max(1, homes.count) {
                guard view(of: number, at: node(homes[slot])) != first else { continue }
                throw Violation(
                    .settled,
                    "\(homes[0]) and \(homes[slot]) differ in key \(number)"
                )
            }
        }
    }
}

/// How somebody waits who asks all nodes.
private struct SettleWait {
    /// By node.
    var marks: [SettleMark]
    /// Whether nothing but comparisons was left of all marks.
    var isComparing = false

    init(nodes: Int) {
        marks = Array(repeating: SettleMark(), count: nodes)
    }
}

/// The mark of one process.
private struct SettleMark {
    var process: Int?
    /// By shard.
    var tokens: [SettleToken?] = []

    func isLost(to other: Process?) -> Bool {
        guard let process, let other else { return false }
        return process != other.number
    }
}

extension SettleStatus.Work {
    fileprivate var isComparison: Bool {
        if case .comparisons = self { true } else { false }
    }
}
