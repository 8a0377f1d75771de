import HengeBase
import HengeMessages
import HengeRing
import NIOCore

/// A node that has asked to join, and what room it has.
package struct RingJoiner: Hashable, Sendable {
    package var candidate: RingCandidate
    /// Nil when it did not say.
    package var disk: NodeFacts?

    package init(candidate: RingCandidate, disk: NodeFacts?) {
        self.candidate = candidate
        self.disk = disk
    }
}

/// The driver's half for ``RingAdministrator``.
extension NodeDriver {
    /// By name.
    package var joiners: [RingJoiner] {
        candidates.map { candidate in
            let disk = NodeFacts(
                diskFree: Int(clamping: candidate.diskFree),
                diskTotal: Int(clamping: candidate.diskTotal)
            )
            return RingJoiner(
                candidate: RingCandidate(
                    name: candidate.name,
                    peerAddress: candidate.peerAddress,
                    zone: candidate.zone,
                    weight: candidate.weight
                ),
                disk: candidate.diskTotal > 0 ? disk : nil
            )
        }
    }

    /// What a node may take in and send while partitions move, at most.
    package var transferBytesPerSecond: Int { 64 << 20 }

    /// What this node holds, and what room it has.
    var inventory: NodeInventory {
        let disk = storage.diskBytes
        return NodeInventory(
            disk: NodeFacts(diskFree: disk.free, diskTotal: disk.total),
            partitions: tallies.weights.map { PartitionFacts(keys: $0.keys, bytes: $0.bytes) }
        )
    }

    func send(_ message: PeerMessage, to id: NodeID) {
        link(to: id)?.send(message)
    }

    func took(_ message: FactsMessage, _ id: RequestID, from sender: NodeID) {
        switch message {
        case .ask: send(.facts(id, .told(inventory)), to: sender)
        case .told(let inventory): administrator.inquiries.took(inventory, id, from: sender)
        }
    }
}
