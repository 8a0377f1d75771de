import HengeBase
import HengeMessages
import HengeRing

/// Whom to read from.
extension PartitionTransfer {
    /// Takes up what was saved, as far as it makes sense.
    mutating func resume(_ saved: TransferCursor) {
        guard let base = saved.base else {
            cursor = saved
            phase = .done
            return
        }
        guard tokens.contains(base) else { return }
        cursor = saved
        let isWhole = saved.sources.allSatisfy {
            current.contains($0.node) && ($0.next.map { $0 >= base && tokens.contains($0) } ?? true)
        }
        if !isWhole || !isEnough(saved.sources.map(\.node)) { cursor.forgetSources() }
    }

    /// Whether what these nodes hold together is all that there is to inherit.
    private func isEnough(_ nodes: [NodeID]) -> Bool {
        if let replaced, nodes == [replaced] { return true }
        return nodes.count == quorum && Set(nodes).count == quorum
    }

    /// Gets ready to ask the next source, or waits.
    mutating func prepare(_ up: ReplicaSet, _ now: Instant) {
        let isGoing = cursor.sources.allSatisfy { $0.next == nil || isUsable($0.node, up) }
        if cursor.sources.isEmpty || !isGoing { choose(up) }
        guard let source = cursor.slowest, let slot = slot(of: source),
            up.contains(slot), failures[slot] < limits.failuresMax
        else {
            reason = .source(missing(up))
            phase = .waiting(until: now + limits.retryMin)
            return
        }
        guard now >= retryAt[slot] else {
            reason = .source(current[slot])
            phase = .waiting(until: retryAt[slot])
            return
        }
        phase = .ready(source: source)
    }

    /// Chooses sources if there are enough of them.
    private mutating func choose(_ up: ReplicaSet) {
        if let replaced, isUsable(replaced, up) {
            return cursor.read(from: [replaced], keepingSources: false)
        }
        // What the replaced node was read for counts up to the base alone.
        let isQuorum = cursor.sources.map(\.node) != replaced.map { [$0] }
        var nodes: [NodeID] = []
        if isQuorum {
            nodes = cursor.sources.filter { $0.next == nil || isUsable($0.node, up) }.map(\.node)
        }
        for slot in 0..<current.count where nodes.count < quorum {
            let node = current[slot]
            if isUsable(node, up), !nodes.contains(node) { nodes.append(node) }
        }
        if nodes.count == quorum {
            cursor.read(from: nodes, keepingSources: isQuorum)
        } else {
            // There is nobody else: those that failed are asked again, each when its time comes.
            failures = failures.map { min($0, limits.failuresMax - 1) }
        }
    }

    /// A node to name as the one that is waited for.
    private func missing(_ up: ReplicaSet) -> NodeID {
        if let replaced, !isUsable(replaced, up) { return replaced }
        let slot = (0..<current.count).first { !isUsable(current[$0], up) }
        return current[slot ?? 0]
    }

    private func isUsable(_ node: NodeID, _ up: ReplicaSet) -> Bool {
        guard let slot = current.slot(of: node) else { return false }
        return up.contains(slot) && failures[slot] < limits.failuresMax
    }

    private func slot(of source: Int) -> Int? { current.slot(of: cursor.sources[source].node) }

    /// The source has refused, failed or said nothing.
    mutating func failed(_ source: Int, _ now: Instant) {
        guard let slot = slot(of: source) else { return }
        failures[slot] += 1
        let doublings = UInt64(min(failures[slot] - 1, 10))
        let rest = Interval(nanoseconds: limits.retryMin.nanoseconds << doublings)
        retryAt[slot] = now + min(rest, limits.retryMax)
        reason = .source(current[slot])
        phase = .waiting(until: retryAt[slot])
    }
}
