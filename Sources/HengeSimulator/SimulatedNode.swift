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
    var disk: NodeDisk
    /// What its disk held at some earlier clean stop.
    var copy: NodeDisk?
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

    init(index: Int, shards: Int, durability: MemoryEngine.Durability) {
        self.index = index
        id = NodeID(UInt16(index + 1))
        disk = NodeDisk(shards: shards, durability: durability)
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
    func peek(_ key: StoredKey) -> Result<ByteBuffer?, StorageFailure> { disk.peek(key) }
}

/// A node's control plane and shards from its start to its stop or death.
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
    /// In order of their slices. The first has the control plane's event loop, the others their
    /// own.
    let shards: [SimulatedShard]
    /// Until all shards have adopted the ring that the control plane goes by.
    var adoption: Adoption?
    /// By ticket.
    var counts: [Ticket: CountSum] = [:]
    /// Takes no more clients, on its way to a clean stop.
    var isStopping = false
    /// What has come up while it stands still, in order.
    var backlog: [Event] = []

    init(
        number: Int,
        life: UInt64,
        nodes: Int,
        control: consuming ControlPlane,
        shards: [SimulatedShard]
    ) {
        self.number = number
        self.life = life
        self.control = control
        traffic = Array(repeating: .none, count: nodes)
        lives = Array(repeating: 0, count: nodes)
        self.shards = shards
    }

    /// The shard that has a token.
    func shard(of token: Token) -> SimulatedShard {
        shards[ShardSlice.index(of: token, count: shards.count)]
    }

    // MARK: What all shards say

    /// What the shards say of the change that is running.
    var ringReport: RingReport? { RingReport.joined(shards.map { $0.shard.ringReport }) }
    var hasWork: Bool { shards.contains { $0.shard.hasWork } }
    var inFlight: Int { shards.reduce(0) { $0 + $1.shard.inFlight } }
    var hasGivenAllAway: Bool { shards.allSatisfy { $0.shard.hasGivenAllAway } }
    var isLifeKnown: Bool { shards.allSatisfy { $0.shard.isLifeKnown } }
    var isCompared: Bool { shards.allSatisfy { $0.shard.isCompared } }
    var isCounted: Bool { shards.allSatisfy { $0.shard.partitionTallies.isComplete } }

    /// The lowest epoch of any shard's ring.
    var epoch: UInt64 { shards.reduce(.max) { min($0, $1.shard.ring.document.epoch) } }

    func isUp(_ id: NodeID) -> Bool { shards.allSatisfy { $0.shard.isUp(id) } }
    func isDown(_ id: NodeID) -> Bool { shards.allSatisfy { !$0.shard.isUp(id) } }

    /// The sum of the shards' counters of one kind.
    func sum(_ counter: KeyPath<ShardCounters, Int>) -> Int {
        shards.reduce(0) { $0 + $1.shard.counters[keyPath: counter] }
    }

    /// The root of the hash tree of a partition; nil while the trees are not built.
    func root(of partition: Int) -> UInt64? {
        shards.first { $0.shard.partitions.contains(partition) }?.shard.root(of: partition)
    }
}
