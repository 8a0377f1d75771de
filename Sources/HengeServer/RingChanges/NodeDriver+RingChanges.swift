import HengeBase
import HengeMembership
import HengeMessages
import HengeRing
import NIOCore

/// A node that has asked to join, and what room it has.
struct RingJoiner: Hashable, Sendable {
    let candidate: RingCandidate
    /// Nil when it did not say.
    let disk: NodeFacts?
}

/// The driver's half for ``RingAdministrator``.
extension NodeDriver {
    /// By name.
    var joiners: [RingJoiner] {
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
                disk: disk.diskTotal > 0 ? disk : nil
            )
        }
    }

    /// What members said last of their part in the change that is running, by id.
    var memberReports: [(node: NodeID, report: RingReport)] { control?.reports ?? [] }

    /// What the change that is running waits for before it moves anything.
    var absentReplicas: ReplicaAbsence { control?.absence ?? ReplicaAbsence() }

    /// What a node may take in and send while partitions move, at most.
    var transferBytesPerSecond: Int {
        min(settings.shard.transferBytesPerSecond, settings.shard.background.bytesPerSecond)
    }

    /// What this node holds, and what room it has.
    var inventory: NodeInventory {
        let disk = storage.diskBytes
        let weights = figures.tallies.weights
        return NodeInventory(
            disk: NodeFacts(diskFree: disk.free, diskTotal: disk.total),
            partitions: weights.map { PartitionFacts(keys: $0.keys, bytes: $0.bytes) }
        )
    }

    func took(_ message: FactsMessage, _ id: RequestID, from sender: NodeID) {
        switch message {
        case .ask: tell(sender, id) { .told(self.inventory) }
        case .told(let inventory): administrator.inquiries.took(inventory, id, from: sender)
        case .askLoads: tell(sender, id) { .toldLoads(self.loads) }
        case .toldLoads(let loads): reporter.loads.took(loads, id, from: sender)
        case .askSample(let spans):
            reporter.sample(spans) { sample in
                self.link(to: sender)?.send(.facts(id, .toldSample(sample)))
            }
        case .toldSample(let sample): reporter.samples.took(sample, id, from: sender)
        case .askPulse(let heat):
            clusterWatch.pulse(withHeat: heat) { pulse in
                self.link(to: sender)?.send(.facts(id, .toldPulse(pulse)))
            }
        case .toldPulse(let pulse): clusterWatch.pulses.took(pulse, id, from: sender)
        case .askHistory:
            link(to: sender)?.send(.facts(id, .toldHistory(clusterWatch.recorder.history)))
        case .toldHistory(let past): clusterWatch.histories.took(past, id, from: sender)
        }
    }

    /// Answers with figures of now.
    private func tell(_ asker: NodeID, _ id: RequestID, _ facts: @escaping () -> FactsMessage) {
        withFreshFigures { self.link(to: asker)?.send(.facts(id, facts())) }
    }
}
