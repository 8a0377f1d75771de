import HengeBase
import HengeMessages
import HengeNode
import HengeRing

/// One shard of a process, and what its driver would know.
final class SimulatedShard {
    let index: Int
    var shard: Shard
    var effects = EffectBuffer<ShardEffect>(capacity: 64)
    var isTickScheduled = false
    /// For when a tick for hedges is scheduled, on this node's clock.
    var wakeAt: Instant?
    var isCommitScheduled = false
    /// The records that the step whose effects are being carried out writes.
    var persisting: [StoredKey] = []
    /// The storage operations that the shard waits for.
    var storage: [StorageToken: StorageWork] = [:]
    /// When the last of what the control plane tells it arrives, so that the next comes after it.
    var toldAt = Instant(nanoseconds: 0)

    init(index: Int, _ shard: consuming Shard) {
        self.index = index
        self.shard = shard
    }
}

/// A load or persist in flight.
struct StorageWork {
    enum Kind { case load, persist, remove }

    let kind: Kind
    /// The checkers' number of its key; nil for keys that they do not follow.
    let key: Int?
    let place: Place
    /// The write that this persist is the first to store.
    var minted: Int?
}

/// A ring that the control plane goes by, and not all shards yet.
struct Adoption {
    var epoch: UInt64
    /// How many shards it waits for.
    var missing: Int
    /// What the control plane wants done once they have adopted it, in order.
    var held: [ControlEffect] = []

    /// How much of that goes to other nodes.
    var messages: Int { held.count(where: \.isMessage) }
}

extension ControlEffect {
    fileprivate var isMessage: Bool {
        switch self {
        case .send, .sendRing, .sendReport: true
        case .disconnect, .peerUp, .peerDown, .confirmActors, .saveLives, .note, .saveRing,
            .adopted, .memberEpoch, .proposalEnded:
            false
        }
    }
}

/// A client's count of all keys, which each shard answers for its own part of.
struct CountSum {
    var missing: Int
    var sum = 0
    /// A shard has failed, and the client knows.
    var hasFailed = false
}
