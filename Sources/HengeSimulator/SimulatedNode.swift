import HengeBase
import HengeMessages
import HengeNode
import HengeRing

import struct NIOCore.ByteBuffer

/// One machine: its clocks and its disk outlive the processes that run on it.
final class SimulatedNode {
    let index: Int
    let id: NodeID
    var clock = NodeClock()
    var engine: MemoryEngine
    /// What its disk held at some earlier clean stop.
    var copy: MemoryEngine?
    /// Whether the counts that were saved with the copy may be wrong.
    var isCopyDoubtful = false
    /// nil while the node is down.
    var process: Process?
    var processesStarted = 0
    /// Not started yet: it becomes a member when a ring first names it.
    var isSpare = false
    /// The ring that it was given when it became one.
    var givenRing: RingDocument?
    /// It never starts again.
    var isGone = false
    /// Its disk is not the one that it had: it doesn't know how it has voted.
    var hasLostVotes = false

    /// How many times slower than usual the disk is.
    var diskSlowness: UInt64 = 1
    /// How many of a hundred disk operations fail.
    var diskErrorPercent = 0
    /// Added to the way of each message from or to the node.
    var messageDelay = Interval.zero
    /// Since when the process stands still; nil while it runs.
    var pausedSince: Instant?
    /// How long its processes have stood still in all, up to the last time that one went on.
    private var pausedBefore = Interval.zero
    /// Whether this process's counts can't be exact: a record rotted or a failed write took effect.
    var talliesAreDoubtful = false

    init(index: Int, durability: MemoryEngine.Durability) {
        self.index = index
        id = NodeID(UInt16(index + 1))
        engine = MemoryEngine(durability: durability)
    }

    /// How long its processes have stood still in all.
    func pausedTime(at now: Instant) -> Interval {
        let current = pausedSince.map { now.since($0) } ?? .zero
        return Interval(nanoseconds: pausedBefore.nanoseconds + current.nanoseconds)
    }

    /// The process goes on, or is gone.
    func endPause(at now: Instant) {
        pausedBefore = pausedTime(at: now)
        pausedSince = nil
    }

    /// The record as it is on the disk, without asking the disk; nil too for a rotten one.
    func peek(_ key: StoredKey) -> Result<ByteBuffer?, StorageFailure> {
        var copy = engine
        switch copy.load(key) {
        case .failure(let failure): return .failure(failure)
        case .success(let bytes): return .success(bytes)
        }
    }
}

/// A node's control plane and shard from its start to its stop or death.
final class Process {
    /// Which process of its node it is, so that what was meant for an earlier one is told apart.
    let number: Int
    /// What it says that it is in each handshake.
    let life: UInt64
    var control: ControlPlane
    var controlEffects = EffectBuffer<ControlEffect>(capacity: 16)
    /// For when the control plane is to be told that time has passed, on this node's clock.
    var controlDueAt: Instant?
    /// By node.
    var traffic: [PeerTraffic]
    /// By node: the life that last connected; 0 for none.
    var lives: [UInt64]
    var shard: Shard
    var effects = EffectBuffer<ShardEffect>(capacity: 64)
    /// Takes no more clients, on its way to a clean stop.
    var isStopping = false
    var isTickScheduled = false
    /// For when a tick for hedges is scheduled, on this node's clock.
    var wakeAt: Instant?
    var isCommitScheduled = false
    /// What has come up while it stands still, in order.
    var backlog: [Event] = []
    /// The records that the step whose effects are being carried out writes.
    var persisting: [StoredKey] = []
    /// The storage operations that the shard waits for.
    var storage: [StorageToken: StorageWork] = [:]

    /// What the shard says of the change that is running.
    var ringReport: RingReport? { shard.ringReport }

    init(
        number: Int,
        life: UInt64,
        nodes: Int,
        control: consuming ControlPlane,
        shard: consuming Shard
    ) {
        self.number = number
        self.life = life
        self.control = control
        traffic = Array(repeating: .none, count: nodes)
        lives = Array(repeating: 0, count: nodes)
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
