import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeRing

/// What must be true of a quiet cluster whose every key has been read at ALL.
extension Simulation {
    func checkQuietCluster() {
        for number in causal.keys.indices[firstKeyOfRound...] {
            checking { () throws(Violation) in try checkPurged(of: number) }
            checking { () throws(Violation) in try checkConvergence(of: number) }
            checking { () throws(Violation) in try checkNothingLost(of: number) }
            checking { () throws(Violation) in try checkNoValueLost(of: number) }
        }
        readAgain()
        checking { () throws(Violation) in
            for node in memberNodes { try checkTallies(of: node) }
            for workload in workloads { try workload.check(self) }
        }
        checkScan()
        checkCount()
        checking { () throws(Violation) in try checkNoneLate() }
    }

    /// Once all hints are delivered, and if there was one for each write that a replica missed, all
    /// replicas hold the same, without a read that repairs them.
    func checkHandedOver() {
        for node in memberNodes { noteHintsLost(by: node) }
        guard areHintsWhole else { return }
        checking { () throws(Violation) in
            for number in causal.keys.indices[firstKeyOfRound...] {
                let replicas = ring.preferenceList(of: causal.keys[number].token)
                let first = view(of: number, at: node(replicas[0]))
                for slot in 1..<max(1, replicas.count) {
                    guard view(of: number, at: node(replicas[slot])) != first else { continue }
                    throw Violation(
                        .handedOver,
                        "\(replicas[0]) and \(replicas[slot]) differ in key \(number) after all "
                            + "hints were delivered"
                    )
                }
            }
        }
    }

    /// What a node's own record of a key holds beside what was purged; nil when it can't be read.
    func view(of number: Int, at node: SimulatedNode) -> [WriteSet]? {
        guard case .success(let bytes) = node.peek(causal.keys[number]) else { return nil }
        return causal.view(of: bytes.flatMap { try? EncodedObject($0) }, of: number)
    }

    /// Notes when a process did not keep or deliver all hints that it should have.
    func noteHintsLost(by node: SimulatedNode) {
        guard let process = node.process else { return }
        let lost =
            process.sum(\.hintsDropped) + process.sum(\.hintsExpired) + process.sum(\.hintsGone)
            + process.sum(\.handOffsRefused)
        if lost > 0 { areHintsWhole = false }
    }

    /// All replicas hold the same bytes, those that the read gave, and no other node holds any.
    private func checkConvergence(of number: Int) throws(Violation) {
        let key = causal.keys[number]
        let replicas = ring.preferenceList(of: key.token)
        let final = causal.view(of: finalObject(of: number), of: number)
        let nothing = causal.view(of: nil, of: number)
        for node in memberNodes {
            for place in Place.all(of: node.index, nodes.count) {
                let isHome = place.home == nil && replicas.contains(node.id)
                guard case .success(let bytes) = node.peek(place.key(key)),
                    isHome || bytes == nil,
                    causal.view(of: bytes.flatMap { try? EncodedObject($0) }, of: number)
                        == (isHome ? final : nothing)
                else {
                    throw Violation(
                        .convergence,
                        "n\(node.index + 1) differs in key \(number) after a read at ALL"
                    )
                }
            }
        }
    }

    /// A read of one replica, through any node, now gives what that of all gave.
    private func readAgain() {
        hasConverged = true
        defer { hasConverged = false }
        for number in causal.keys.indices[firstKeyOfRound...] where violation == nil {
            awaitQuiet()
            let node = anyMember()
            let reply = callUntilTaken(read(number, .one), at: node)
            guard violation == nil else { return }
            guard case .response(.object(let object))? = reply,
                causal.view(of: object, of: number)
                    == causal.view(of: finalObject(of: number), of: number)
            else {
                return report(
                    Violation(.convergence, "a read of one replica of key \(number) differs")
                )
            }
        }
    }

    /// How many disks may have lost what was acknowledged of a key.
    private func losersCounted(_ number: Int) -> Int {
        options.forced.contains(.nothingLost) ? 0 : losers(of: number)
    }

    private func checkNothingLost(of number: Int) throws(Violation) {
        var known = causal.purged[number]
        if let final = finalObject(of: number) {
            known = try causal.shown(final, of: number, by: 0)
        }
        let lost = log.mustSurvive(number, losers: losersCounted(number)).subtracting(known)
        guard lost.isEmpty else {
            let dots = lost.members.map { "\(causal.histories[number].writes[$0].dot)" }
            throw Violation(.nothingLost, "\(dots) of key \(number), once acknowledged, are gone")
        }
    }

    /// By values alone: each that was acknowledged is there, unless a write known to have seen it
    /// replaced it. So it also finds what two writes of one name lose.
    private func checkNoValueLost(of number: Int) throws(Violation) {
        let final = finalObject(of: number)
        let values = (final?.decoded().siblings ?? []).map(\.payload)
        let history = causal.histories[number]
        let replaced =
            causal.purged[number].union(
                final.map { history.covered(by: $0.context) } ?? WriteSet()
            )
        let living = history.survivors(of: replaced).subtracting(causal.purged[number])
        for operation in log.operations where operation.key == number {
            guard case .response(.written)? = operation.reply, let request = operation.request,
                case .write(let mutation) = request.operation,
                case .value(let value, let metadata) = mutation.content,
                !values.contains(.value(value, metadata: metadata)),
                holders(of: request) > losersCounted(number)
            else { continue }
            if let write = log.write(madeBy: operation.number), replaced.contains(write),
                !living.contains(write)
            {
                continue
            }
            throw Violation(
                .nothingLost,
                "the value of operation \(operation.number), once acknowledged, is gone"
            )
        }
    }

    private func checkTallies(of node: SimulatedNode) throws(Violation) {
        guard let process = node.process, !node.talliesAreDoubtful else { return }
        for shard in process.shards {
            let disk = node.disk[shard.index]
            let counted = disk.tally(partitionBits: ring.partitionBits).map(\.counts)
            let tallies = shard.shard.partitionTallies
            guard tallies.isComplete, tallies.weights == counted else {
                throw Violation(
                    .exactTallies,
                    "n\(node.index + 1) counts \(tallies.total), its disk has "
                        + "\(counted.reduce(.nothing, +))"
                )
            }
        }
    }

    // MARK: Scans and counts

    /// A scan, page by page, each from another node, lists each live key once and no other.
    private func checkScan() {
        let started = latestWall
        var found: [StoredKey] = []
        var next: Token? = .min
        while let from = next, violation == nil {
            let node = anyMember()
            guard case .page(let page)? = untilTaken({ scanPage(from: from, at: node) }) else {
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

    private func scanPage(from: Token, at node: SimulatedNode) -> ShardReply? {
        let number = log.nextNumber
        begin(number, nil, nil, .seconds(10), at: node, nil)
        let range = scanRange(from: from, limit: 3)
        submitScan(Ticket(rawValue: UInt64(number)), range, timeout: .seconds(10), to: node)
        _ = advance(within: .seconds(20)) { ownReplies[number] != nil }
        return ownReplies.removeValue(forKey: number)
    }

    private func checkCount() {
        guard violation == nil, !haveOldKeysDiverged,
            memberNodes.allSatisfy({ !$0.talliesAreDoubtful })
        else { return }
        let most = keysHeld { $0.contains(true) }
        let reply = callUntilTaken(.count, at: anyMember())
        // What has expired may be purged meanwhile, on one replica before the others.
        let least = keysHeld { !$0.contains(false) }
        guard violation == nil else { return }
        guard case .count(let count)? = reply, count >= least, count <= most else {
            return report(
                Violation(
                    .exactScans,
                    "a count gives \(reply, default: "nothing"), not \(least) to \(most)"
                )
            )
        }
    }

    /// How many keys are so, of which it is told whether each home replica holds a value.
    private func keysHeld(_ isCounted: ([Bool]) -> Bool) -> Int {
        causal.keys.count { key in
            let homes = ring.preferenceList(of: key.token)
            return isCounted(
                (0..<homes.count).map { slot in
                    guard case .success(let bytes?) = node(homes[slot]).peek(key),
                        let object = try? EncodedObject(bytes)
                    else { return false }
                    return object.holdsValue
                }
            )
        }
    }
}
