import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeRing

/// What must be true of a quiet cluster whose every key has been read at ALL.
extension Simulation {
    func checkQuietCluster() {
        guard violation == nil else { return }
        checking { () throws(Violation) in
            for number in causal.keys.indices[firstKeyOfRound...] {
                try checkConvergence(of: number)
                try checkNothingLost(of: number)
            }
            for node in nodes { try checkTallies(of: node) }
            for workload in workloads { try workload.check(self) }
        }
        checkScan()
        checkCount()
        checking { () throws(Violation) in try log.checkNoneLate(at: now) }
    }

    /// All replicas hold the same bytes, those that the read gave, and no other node holds any.
    private func checkConvergence(of number: Int) throws(Violation) {
        let key = causal.keys[number]
        let replicas = ring.preferenceList(of: key.token)
        let final = finalObject(of: number)
        for node in nodes {
            let expected = replicas.contains(node.id) ? final?.bytes : nil
            guard case .success(let bytes) = node.peek(key), bytes == expected else {
                throw Violation(
                    .convergence,
                    "n\(node.index + 1) differs in key \(number) after a read at ALL"
                )
            }
        }
    }

    private func checkNothingLost(of number: Int) throws(Violation) {
        var known = WriteSet()
        if let final = finalObject(of: number) {
            known = try causal.shown(final, of: number, by: 0)
        }
        let lost = log.mustSurvive(number, losers: losers(of: number)).subtracting(known)
        guard lost.isEmpty else {
            let dots = lost.members.map { "\(causal.histories[number].writes[$0].dot)" }
            throw Violation(.nothingLost, "\(dots) of key \(number), once acknowledged, are gone")
        }
    }

    private func checkTallies(of node: SimulatedNode) throws(Violation) {
        guard let process = node.process, !node.talliesAreDoubtful else { return }
        let counted = node.engine.tally(partitionBits: ring.partitionBits)
        let tallies = process.shard.partitionTallies
        guard tallies.isComplete, tallies.weights == counted else {
            throw Violation(
                .exactTallies,
                "n\(node.index + 1) counts \(tallies.total), its disk has "
                    + "\(counted.reduce(.nothing, +))"
            )
        }
    }

    // MARK: Scans and counts

    /// A scan, page by page, each from another node, lists each live key once and no other.
    private func checkScan() {
        let started = latestWall
        var found: [StoredKey] = []
        var next: Token? = .min
        while let from = next, violation == nil {
            let node = nodes[faultDice.below(nodes.count)]
            let number = log.nextNumber
            begin(number, nil, nil, .seconds(10), at: node, nil)
            let range = scanRange(from: from, limit: 3)
            step(node, .scan(Ticket(rawValue: UInt64(number)), range, timeout: .seconds(10)))
            _ = advance(within: .seconds(20)) { ownReplies[number] != nil }
            guard case .page(let page)? = ownReplies.removeValue(forKey: number) else {
                return report(Violation(.exactScans, "a scan of a quiet cluster failed"))
            }
            found += page.keys
            next = page.next
        }
        guard violation == nil else { return }
        for number in causal.keys.indices[firstKeyOfRound...] {
            let times = found.count { $0 == causal.keys[number] }
            let final = finalObject(of: number)
            // Clocks differ, so one that expires about now may be listed or not.
            let bound = 2 * options.clockDriftMax.milliseconds
            let early = WallTime(milliseconds: started.milliseconds - bound)
            let late = WallTime(milliseconds: latestWall.milliseconds + bound)
            let mustBe = final?.isLive(at: late) ?? false
            let mayBe = final?.isLive(at: early) ?? false
            guard times <= 1, times == 1 || !mustBe, times == 0 || mayBe else {
                return report(
                    Violation(.exactScans, "a scan lists key \(number) \(times) times")
                )
            }
        }
        if found.count > causal.keys.count - firstKeyOfRound {
            report(Violation(.exactScans, "a scan lists keys that were never written"))
        }
    }

    private func checkCount() {
        guard violation == nil, nodes.allSatisfy({ !$0.talliesAreDoubtful }) else { return }
        let reply = call(.count, at: nodes[faultDice.below(nodes.count)])
        let expected = causal.keys.count { key in
            let holder = ring.preferenceList(of: key.token)[0]
            guard case .success(let bytes?) = nodes[Int(holder.rawValue) - 1].peek(key),
                let object = try? EncodedObject(bytes)
            else { return false }
            return object.holdsValue
        }
        guard violation == nil else { return }
        guard case .count(let count)? = reply, count == expected else {
            return report(
                Violation(
                    .exactScans,
                    "a count gives \(reply, default: "nothing"), not \(expected)"
                )
            )
        }
    }
}
