import HengeBase
import HengeCausality
import HengeMessages
import HengeNode
import HengeRing

/// What comparisons, the scrub and purging must do, without a read that repairs anything.
extension Simulation {
    // MARK: Agreement

    /// Until comparisons have made all replicas of every partition equal, no record is rotten, and
    /// each hash tree is that of its node's disk.
    ///
    /// The scrub reads every record once in its interval, and a rotten one is mended by the
    /// comparisons after it.
    func awaitAgreement() {
        guard options.comparesReplicas else { return }
        let limit = Interval(
            nanoseconds: 3 * options.scrubInterval.nanoseconds + 1_000_000_000 * 60
        )
        let begin = now
        let end = now + limit
        while violation == nil, let difference = disagreement() {
            guard now < end else { return report(Violation(.agreement, difference)) }
            pass(.milliseconds(50))
        }
        counts.agreementMax = max(counts.agreementMax, now.since(begin))
        awaitQuiet()
    }

    /// In half of the rounds: for as long as it takes to purge what was deleted last.
    func awaitPurges() {
        guard options.comparesReplicas, roundDice.chance(1, in: 2) else { return }
        pass(Interval(nanoseconds: 6 * options.compareInterval.nanoseconds))
        awaitQuiet()
        awaitAgreement()
    }

    /// Something that comparisons and the scrub have still to do; nil when all is done.
    private func disagreement() -> String? {
        var agreed: [UInt64?] = Array(repeating: nil, count: ring.partitions)
        for node in memberNodes {
            guard node.process != nil else { return "\(node.id) is down" }
            for partition in 0..<ring.partitions {
                guard ring.preferenceList(partition: partition).contains(node.id) else { continue }
                guard let root = node.process?.root(of: partition) else {
                    return "\(node.id) has no hash trees"
                }
                if let other = agreed[partition], other != root {
                    return "replicas of partition \(partition) do not become equal"
                }
                agreed[partition] = root
            }
        }
        for node in memberNodes {
            if node.disk.rottenCount > 0 { return "\(node.id) does not find what has rotted" }
            if let partition = wrongTree(of: node) {
                return "\(node.id) does not mend its tree of partition \(partition)"
            }
        }
        return nil
    }

    /// A partition whose hash tree is not that of what is on the disk.
    private func wrongTree(of node: SimulatedNode) -> Int? {
        let disk = node.disk.tally(partitionBits: ring.partitionBits)
        return disk.indices.first { partition in
            ring.preferenceList(partition: partition).contains(node.id)
                && node.process?.root(of: partition) != disk[partition].fingerprint
        }
    }

    /// The hash trees of a quiet node are those of its disk at once, unless what was on the disk
    /// has changed without a word.
    func checkTrees(of node: SimulatedNode) throws(Violation) {
        guard node.process != nil, !node.talliesAreDoubtful,
            let partition = wrongTree(of: node)
        else { return }
        throw Violation(
            .agreement,
            "n\(node.index + 1) has a tree of partition \(partition) that is not its disk's"
        )
    }

    // MARK: Purging

    /// Nothing that was purged is on the disk of any home replica once all agree.
    func checkPurged(of number: Int) throws(Violation) {
        guard options.comparesReplicas else { return }
        let key = causal.keys[number]
        for node in memberNodes {
            guard case .success(let bytes?) = node.peek(key), let object = try? EncodedObject(bytes)
            else { continue }
            // What expires is purged as the clock of one node has it, and shown as others do.
            for sibling in object.decoded().siblings where sibling.expiry == nil {
                guard case .value = sibling.payload,
                    let write = causal.histories[number].index(of: sibling.dot),
                    causal.purged[number].contains(write)
                else { continue }
                throw Violation(
                    .noResurrection,
                    "\(node.id) holds \(sibling.dot) of key \(number), which was purged everywhere"
                )
            }
        }
    }

    /// A node forgets a record: it must be dead, and every home replica that it knows of and that
    /// has not lost its own must have all that it holds.
    func checkPurge(
        of key: StoredKey,
        by node: SimulatedNode,
        _ shard: SimulatedShard
    ) throws(Violation) {
        guard let number = causal.number(of: key),
            case .success(let bytes?) = node.peek(key), let object = try? EncodedObject(bytes)
        else { return }
        let wall = node.clock.reading(at: now).wall
        guard !object.isLive(at: wall) else {
            throw Violation(.safePurges, "\(node.id) purges key \(number), which is live")
        }
        var held = WriteSet()
        for sibling in object.decoded().siblings {
            if let write = causal.histories[number].index(of: sibling.dot) { held.insert(write) }
        }
        let homes = ring.homes(partition: ring.partition(of: key.token))
        // One that joins by a ring that has yet to come here takes over from those that go by it,
        // and they purge nothing meanwhile.
        let known = shard.shard.ring.homes(of: key.token)
        for replica in (0..<homes.count).map({ homes[$0] })
        where replica != node.id && known.contains(replica) {
            let other = self.node(replica)
            guard causal.losers[number] & (1 << UInt64(other.index)) == 0,
                case .success(let theirs) = other.peek(key)
            else { continue }
            let object = theirs.flatMap { try? EncodedObject($0) }
            let covered = object.map { causal.histories[number].covered(by: $0.context) }
            let missing = held.subtracting(covered ?? WriteSet())
                .subtracting(causal.purged[number])
            guard missing.isEmpty else {
                throw Violation(
                    .safePurges,
                    "\(node.id) purges key \(number), of which \(replica) lacks \(missing.count)"
                )
            }
        }
        causal.purging(object, of: number)
    }
}
