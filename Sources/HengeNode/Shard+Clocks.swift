import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages
import HengeReplication
import HengeRing

import struct NIOCore.ByteBuffer

/// What this node claims to have taken in, and what all home replicas have.
extension Shard {
    /// By partition: all home replicas where this node is one and the partition one of these, none
    /// elsewhere.
    static func homes(
        of node: NodeID,
        in ring: Ring,
        _ partitions: Range<Int>
    ) -> [[NodeID]] {
        (0..<ring.partitions).map { partition in
            let list = ring.homes(partition: partition)
            guard partitions.contains(partition), list.contains(node) else { return [] }
            return (0..<list.count).map { list[$0] }
        }
    }

    /// What the storage kept of the watermarks; one that can't be read says nothing.
    static func read(
        _ saved: [(partition: Int, bytes: ByteBuffer)],
        partitions: Int
    ) -> [VersionVector] {
        var watermarks = Array(repeating: VersionVector(), count: partitions)
        for (partition, bytes) in saved where partition < partitions {
            watermarks[partition] = VersionVector(stored: bytes) ?? VersionVector()
        }
        return watermarks
    }

    /// Claims the own writes that are on the disk by now.
    mutating func refreshClaims() {
        for (partition, entry) in claims.take().enumerated() {
            guard let entry else { continue }
            clocks.claim(Dot(actor: entry.actor, counter: entry.counter), partition: partition)
        }
        claims.look(at: actors.saved)
    }

    /// This node has lost something of a partition. It claims nothing of it until it has compared
    /// with the others, and what they send is news whatever its dots.
    mutating func hasLost(
        partition: Int,
        at time: ClockReading,
        _ effects: inout EffectBuffer<ShardEffect>
    ) {
        clocks.lost(partition: partition)
        upkeep.lost(partition)
        transferLost(partition, &effects)
        forgetWatermark(partition, &effects)
        voidComparisons(of: partition, at: time)
    }

    /// A write of a record failed and may have taken effect. Then this node's tree lacks what the
    /// record holds, and another node's that is equal says nothing of what that one has.
    mutating func failedToPersist(partition: Int, at time: ClockReading) {
        guard clocks.isHome(partition) else { return }
        upkeep.mustScan(partition)
        voidComparisons(of: partition, at: time)
    }

    private mutating func voidComparisons(of partition: Int, at time: ClockReading) {
        settlements[partition] = nil
        for index in entropyPeers.indices
        where entropyPeers[index].place(of: partition) != nil {
            // A pass under way began with claims that no longer hold.
            entropyPeers[index].voided.insert(partition)
            entropyPeers[index].theirPass?.clocks[partition] = nil
            entropyPeers[index].beDue(by: time.now + compareRetry)
        }
    }

    // MARK: An old copy of the disk

    /// The data directory is an older copy of one whose node has lived on. What is in it may have
    /// been deleted and purged since, so it does not count for reads before it was compared.
    mutating func mustCompare(_ effects: inout EffectBuffer<ShardEffect>) {
        // Each node that has met a later life says so.
        guard !isOldCopy else { return }
        isOldCopy = true
        transfersLost(&effects)
        for partition in partitions where ring.homes(partition: partition).contains(node) {
            // Those that are still joining have nothing that these lack, and may be waiting for
            // this very node to hand them the partition.
            let readable = ring.readPreferenceList(partition: partition)
            let others = clocks.others(of: partition).filter { readable.contains($0) }
            uncompared[partition] = others.isEmpty ? nil : Set(others)
        }
        for index in entropyPeers.indices { entropyPeers[index].isWanted = true }
        if !uncompared.isEmpty { effects.emit(.note(.mustCompare)) }
    }

    /// Whether all of this node's records may be read from.
    package var isCompared: Bool { uncompared.isEmpty }

    /// Whether this node's record of a token may be read by others than anti-entropy.
    func isCompared(_ token: Token) -> Bool {
        uncompared.isEmpty || uncompared[ring.partition(of: token)] == nil
    }

    mutating func compared(_ partition: Int, with peer: NodeID) {
        guard !uncompared.isEmpty, var others = uncompared[partition] else { return }
        others.remove(peer)
        uncompared[partition] = others.isEmpty ? nil : others
    }

    // MARK: Actors that are out of use

    /// Claims what nobody else can claim: writes of this node's earlier actors and of nodes that
    /// stood in for others, if they keep records from being purged.
    ///
    /// - Parameter blocking: the entries of dead records' contexts above the watermark.
    mutating func settle(
        _ blocking: VersionVector,
        of partition: Int,
        at time: ClockReading
    ) {
        guard settlements[partition] == nil else { return }
        let others = clocks.others(of: partition)
        let live = actors.live(partition: partition)
        let known = clocks.clock(of: partition)
        let unclaimed = blocking.entries.filter { dot in
            let isOwn = dot.actor.node == node && dot.actor != live
            return (isOwn || !others.contains(dot.actor.node) && dot.actor.node != node)
                && !known.covers(dot)
        }
        guard !unclaimed.isEmpty else { return }
        let members = ring.allMembers.map(\.id).filter { $0 != node }
        let settlement = Settlement(
            clock: VersionVector(sorted: unclaimed),
            members: members,
            homes: others,
            now: time.now
        )
        settlements[partition] = PendingSettlement(settlement: settlement, round: heldRound)
    }

    /// Asks all other members whether they hold records in the place of others, if that is to be
    /// known.
    mutating func askHeld(_ effects: inout EffectBuffer<ShardEffect>) {
        guard settlements.values.contains(where: { !$0.settlement.unanswered.isEmpty }),
            !holdsForOthers
        else { return }
        heldRound &+= 1
        let id = RequestID(.upkeep, (UpkeepQuestion.held.rawValue, heldRound))
        for member in ring.allMembers where member.id != node && isUp(member.id) {
            effects.emit(.sendBulk(member.id, .entropy(id, .askHeld)))
        }
    }

    /// Whether any record is held here in the place of another node. Each has a hint that names it.
    var holdsForOthers: Bool {
        hints.backlogs.contains { $0.count > 0 } || pending.hasStandIns
    }

    mutating func heldAnswered(
        _ id: RequestID,
        by member: NodeID,
        holds: Bool,
        at time: ClockReading
    ) {
        guard id.kind == .upkeep, id.index == UpkeepQuestion.held.rawValue,
            id.generation == heldRound
        else { return }
        for partition in settlements.keys.sorted() {
            guard var pending = settlements[partition], pending.round != heldRound,
                !pending.settlement.unanswered.isEmpty
            else { continue }
            pending.settlement.heldAnswered(from: member, holds: holds, now: time.now)
            if holds { pending.round = heldRound }
            settlements[partition] = pending
            guard pending.settlement.unanswered.isEmpty else { continue }
            // Only comparisons that this node asks for tell what the others had from then on.
            for other in clocks.others(of: partition) {
                if let index = entropyPeer(other) { entropyPeers[index].isWanted = true }
            }
        }
    }

    mutating func settlementsLost(_ member: NodeID) {
        for partition in settlements.keys.sorted() {
            settlements[partition]?.settlement.disconnected(member)
            settlements[partition]?.round = heldRound
        }
    }

    /// A comparison that this node asked for has been agreed on.
    mutating func settlementAgreed(_ partition: Int, with peer: NodeID, since began: Instant) {
        settlements[partition]?.settlement.agreed(with: peer, begun: began)
        guard let settled = settlements[partition]?.settlement.settled else { return }
        clocks.join(settled, partition: partition)
        settlements[partition] = nil
    }
}

struct PendingSettlement: Sendable {
    var settlement: Settlement
    /// Only answers to questions of later rounds count.
    var round: UInt32
}
