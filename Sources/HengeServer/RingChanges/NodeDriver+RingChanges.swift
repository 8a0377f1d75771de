import HengeBase
import HengeMembership
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
    package var joiners: [RingJoiner] { [] }

    /// What members said last of their part in the change that is running, by id.
    package var memberReports: [(node: NodeID, report: RingReport)] { [] }

    /// What a node may take in and send while partitions move, at most.
    package var transferBytesPerSecond: Int { 64 << 20 }

    /// Tries to make this the next ring.
    func propose(
        _ document: RingDocument,
        within limit: Interval,
        _ done: @escaping (RingElection.Outcome) -> Void
    ) {
        done(.abstained)
    }

    /// What this node holds, and what room it has.
    var inventory: NodeInventory {
        let disk = storage.diskBytes
        return NodeInventory(
            disk: NodeFacts(diskFree: disk.free, diskTotal: disk.total),
            partitions: tallies.weights.map { PartitionFacts(keys: $0.keys, bytes: $0.bytes) }
        )
    }

    func send(_ message: PeerMessage, to id: NodeID) {
        guard Int(id.rawValue) < links.count else { return }
        links[Int(id.rawValue)]?.send(message)
    }

    func took(_ message: FactsMessage, _ id: RequestID, from sender: NodeID) {
        switch message {
        case .ask: send(.facts(id, .told(inventory)), to: sender)
        case .told(let inventory): administrator.inquiries.took(inventory, id, from: sender)
        }
    }
}
