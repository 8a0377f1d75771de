import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

/// Hints for nodes that hold the partition no more, or not much longer: they go to those that took
/// their places.
///
/// A record that is held in place of such a node counts as a replica, and may be the only one. So
/// it is held in the places of its heirs before it is given up. Other hints name records that this
/// node holds itself, so comparing with it finds what the heirs lack.
extension Shard {
    /// Who is to have what a node missed.
    struct Heirs: Sendable {
        /// Whether the node itself is a home replica as yet.
        var isHome: Bool
        /// Those that are to have it besides, which may be this node.
        var nodes: [NodeID]
    }

    /// Whether pages of hints for a node can be done with: it is there, or it has left for good, or
    /// this node is about to.
    func mayDeliver(to target: NodeID) -> Bool {
        isUp(target) || ring.member(target) == nil || mustDrain
    }

    func heirs(of target: NodeID, for key: StoredKey) -> Heirs {
        let partition = ring.partition(of: key.token)
        let homes = ring.homes(partition: partition)
        let ids = (0..<homes.count).map { homes[$0] }
        guard homes.contains(target) else { return Heirs(isHome: false, nodes: ids) }
        guard isLeaving(target, partition) else { return Heirs(isHome: true, nodes: []) }
        // They may have taken over from the target already, and so without this.
        let current = ring.preferenceList(partition: partition)
        return Heirs(isHome: true, nodes: ids.filter { !current.contains($0) })
    }

    /// Whether a home replica is one only until the change that is running is through.
    private func isLeaving(_ id: NodeID, _ partition: Int) -> Bool {
        switch ring.step(of: partition) {
        case .writeBoth, .readNext: !ring.nextPreferenceList(partition: partition).contains(id)
        case .current, .next: false
        }
    }

    /// Whether hints that a node delivers here are to be kept by it until it knows that this
    /// node's place is being taken by another, which may not see them here any more.
    func mustWait(_ records: [HandedRecord], from sender: NodeID) -> Bool {
        records.contains { record in
            let partition = ring.partition(of: record.key.token)
            return isLeaving(node, partition) && Int(sender.rawValue) < epochs.count
                && epochs[Int(sender.rawValue)] < ring.fence(of: partition)
        }
    }

    /// Begins to deliver what is kept for nodes that have left the ring, and for all if this node
    /// is about to leave it. Due now and then.
    mutating func deliverToHeirs(
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        guard hints.bytes > 0 else { return }
        for backlog in hints.backlogs where mustDrain || ring.member(backlog.target) == nil {
            deliverHints(to: backlog.target, at: time, &effects)
        }
    }

    /// A hint's record was loaded: sees to the heirs of its target, then goes on.
    mutating func deliver(
        _ object: EncodedObject,
        of load: HintLoad,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let target = deliveries[load.delivery].target
        if mustDrain, !canTake(load.key, deliveries[load.delivery]) {
            return drain(object, of: load, at: time, &effects)
        }
        let heirs = heirs(of: target, for: load.key)
        if load.key.standInFor == target, !heirs.nodes.isEmpty {
            return bequeath(object, of: load, to: heirs, at: time, &effects)
        }
        for heir in heirs.nodes where heir != node {
            if heirs.isHome {
                keepHint(heir, load.key, isRequired: false, at: time)
            } else if let index = entropyPeer(heir) {
                entropyPeers[index].lacksHints = true
            }
        }
        settling.passed(from: target, to: heirs.nodes, hints)
        let input = HintDelivery.Input.recordLoaded(
            load.key,
            .success(heirs.isHome ? object : nil)
        )
        advance(delivery: load.delivery, input, at: time, &effects)
    }

    /// Holds in the places of the heirs what was held in the target's place.
    private mutating func bequeath(
        _ object: EncodedObject,
        of load: HintLoad,
        to heirs: Heirs,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let bequest = HintBequest(load: load, object: object, isHome: heirs.isHome)
        let flight = HandOffFlight(
            sender: node,
            origin: .bequest(bequest),
            records: heirs.nodes.count
        )
        let batch = RequestID(.handOff, handOffs.insert(flight))
        for heir in heirs.nodes {
            let key = load.key.standingIn(for: heir == node ? nil : heir)
            let kind = Change.Kind.handedOff(object, batch: batch)
            apply(Change(key: key, kind: kind), at: time, &effects)
        }
        handOffRecordEnded(batch, nil, at: time, &effects)
    }

    /// All heirs' copies are durable, or not all could be kept.
    mutating func bequeathed(
        _ bequest: HintBequest,
        _ failure: StorageFailure?,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        let load = bequest.load
        guard deliveries[load.delivery].page == load.page else { return }
        if failure == nil {
            let target = deliveries[load.delivery].target
            settling.passed(from: target, to: heirs(of: target, for: load.key).nodes, hints)
        }
        let input: HintDelivery.Input
        if let failure {
            input = .recordLoaded(load.key, .failure(failure == .corrupt ? .io : failure))
        } else if bequest.isHome {
            input = .recordLoaded(load.key, .success(bequest.object))
        } else {
            input = .bequeathed(load.key, VersionDigest(of: bequest.object))
        }
        advance(delivery: load.delivery, input, at: time, &effects)
    }
}

/// A record that was held in the place of one node and is to be held in those of others.
struct HintBequest: Sendable {
    let load: HintLoad
    let object: EncodedObject
    /// Whether the node is to have it, too.
    let isHome: Bool
}
