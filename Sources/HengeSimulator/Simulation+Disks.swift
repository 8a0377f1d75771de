import HengeBase
import HengeCausality
import HengeMembership
import HengeMessages
import HengeRing

/// Disks that lose what they held: one record, or all of them.
extension Simulation {
    // MARK: Rot

    /// The record that a fault names, of a key of which a quorum of replicas keeps sound ones to
    /// repair it from.
    func rotting(_ key: Int, _ slot: Int) -> (key: Int, node: SimulatedNode)? {
        let key = firstKeyOfRound + key % (causal.keys.count - firstKeyOfRound)
        let replicas = ring.preferenceList(of: causal.keys[key].token)
        let slot = slot % replicas.count
        var sound = 0
        for other in 0..<replicas.count where other != slot {
            if case .success(.some) = node(replicas[other]).peek(causal.keys[key]) { sound += 1 }
        }
        let holder = node(replicas[slot])
        guard sound > replicas.count / 2,
            case .success(.some) = holder.peek(causal.keys[key])
        else { return nil }
        return (key, holder)
    }

    func rot(_ key: Int, _ slot: Int) {
        guard let (key, node) = rotting(key, slot) else { return }
        let isThere = node.disk[causal.keys[key]].corrupt(causal.keys[key])
        invariant(isThere)
        trace.note("rot of key \(key)", at: node.id, now)
        node.talliesAreDoubtful = true
        causal.lost(key, at: node.index)
        counts.recordsRotted += 1
    }

    func node(_ id: NodeID) -> SimulatedNode { nodes[Int(id.rawValue) - 1] }

    // MARK: Whole disks

    /// Whether a node's disk may go without more replicas of any key losing records than leave
    /// something to check.
    ///
    /// - Parameter copy: what takes its place; nil for an empty disk.
    func mayLoseDisk(_ node: SimulatedNode, keeping copy: NodeDisk?) -> Bool {
        guard options.ringChangeEvery == nil || mayLoseVotes(node) else { return false }
        let most = max(1, (ring.replicas - 1) / 2)
        return causal.keys.indices[firstKeyOfRound...].allSatisfy { key in
            guard loses(node, key, keeping: copy) else { return true }
            let after = causal.losers[key] | 1 << UInt64(node.index)
            return after.nonzeroBitCount <= min(most, ring.replicas - 1)
        }
    }

    /// Whether the other voters that remember how they have voted are a majority still. Fewer can't
    /// decide on a ring, nor let the others vote again: that is for the operator to mend.
    private func mayLoseVotes(_ node: SimulatedNode) -> Bool {
        let voting = ring.voters.filter { $0 != node.id && remembersVotes(self.node($0)) }
        return voting.count * 2 > ring.voters.count
    }

    private func remembersVotes(_ node: SimulatedNode) -> Bool {
        guard !node.hasLostVotes else { return false }
        guard let saved = node.disk.visibleRing else { return true }
        return (try? RingAcceptor(saved: saved)).map { $0.votesFrom <= ring.document.epoch + 1 }
            ?? false
    }

    /// The machine dies and comes back with another disk.
    func loseDisk(_ node: SimulatedNode, keeping copy: NodeDisk?) {
        kill(node)
        trace.note(copy == nil ? "disk lost" : "old disk", at: node.id, now)
        for key in causal.keys.indices[firstKeyOfRound...] where loses(node, key, keeping: copy) {
            causal.lost(key, at: node.index)
        }
        areHintsWhole = false
        node.talliesAreDoubtful = copy != nil && node.isCopyDoubtful
        if round > 1 { haveOldKeysDiverged = true }
        if copy == nil { counts.disksWiped += 1 }
        node.disk = copy ?? node.disk.wiped()
        node.hasLostVotes = true
    }

    /// Whether a node would lose what it holds of a key, at home or in the place of others.
    private func loses(_ node: SimulatedNode, _ key: Int, keeping copy: NodeDisk?) -> Bool {
        Place.all(of: node.index, nodes.count).contains { place in
            let key = place.key(causal.keys[key])
            if case .success(nil) = node.peek(key) {
                // A node that is compared with nobody would bring back what it has purged.
                guard ring.replicas == 1, let copy else { return false }
                if case .success(nil) = copy.peek(key) { return false }
                return true
            }
            guard let copy, case .success(let now?) = node.peek(key),
                case .success(let then?) = copy.peek(key)
            else { return true }
            return now != then
        }
    }

    /// Notes whose records are not what they were.
    func markLost(since disk: NodeDisk, at node: SimulatedNode) {
        for number in causal.keys.indices[firstKeyOfRound...] {
            let hasChanged = Place.all(of: node.index, nodes.count).contains { place in
                let key = place.key(causal.keys[number])
                return (try? disk.peek(key).get()) != (try? node.peek(key).get())
            }
            if hasChanged { causal.lost(number, at: node.index) }
        }
    }

    /// The records of a key on all disks, but for rotten ones.
    func holdings(of key: Int) -> [(place: Place, object: EncodedObject)] {
        nodes.flatMap { node in
            Place.all(of: node.index, nodes.count).compactMap { place in
                guard case .success(let bytes?) = node.peek(place.key(causal.keys[key])),
                    let object = try? EncodedObject(bytes)
                else { return nil }
                return (place, object)
            }
        }
    }
}
