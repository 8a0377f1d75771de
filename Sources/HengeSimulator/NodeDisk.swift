import HengeBase
import HengeMessages
import HengeRing

import struct NIOCore.ByteBuffer

/// The disk of one machine: a database for each shard of its node. That of the first also has what
/// the control plane saves.
///
/// They fail together, and what a crash leaves of each is a matter of its own. A value, as
/// ``MemoryEngine`` is.
struct NodeDisk: Sendable {
    /// By shard.
    private(set) var engines: [MemoryEngine]

    init(shards: Int, durability: MemoryEngine.Durability) {
        engines = Array(repeating: MemoryEngine(durability: durability), count: shards)
    }

    private init(_ engines: [MemoryEngine]) {
        self.engines = engines
    }

    subscript(shard: Int) -> MemoryEngine {
        get { engines[shard] }
        _modify { yield &engines[shard] }
    }

    /// That of the shard that has a key.
    subscript(key: StoredKey) -> MemoryEngine {
        get { engines[shard(of: key)] }
        _modify { yield &engines[shard(of: key)] }
    }

    private func shard(of key: StoredKey) -> Int {
        ShardSlice.index(of: key.token, count: engines.count)
    }

    /// The record as it is on the disk, without asking the disk; nil too for a rotten one.
    func peek(_ key: StoredKey) -> Result<ByteBuffer?, StorageFailure> {
        var copy = self[key]
        return copy.load(key)
    }

    /// An empty disk in the place of this one.
    func wiped() -> NodeDisk { NodeDisk(engines.map { $0.wiped() }) }

    /// What the last clean stop of each shard left, once.
    mutating func open() -> [ByteBuffer?] { engines.indices.map { engines[$0].open() } }

    // MARK: The control plane's part

    var storedRing: ByteBuffer? { engines[0].storedRing }
    var visibleRing: ByteBuffer? { engines[0].visibleRing }
    var storedLives: ByteBuffer? { engines[0].storedLives }

    mutating func saveRing(_ bytes: ByteBuffer) { engines[0].saveRing(bytes) }

    mutating func saveLives(_ bytes: ByteBuffer) { engines[0].saveLives(bytes) }

    // MARK: All of it

    /// How often the disk was opened.
    var startNumber: UInt64 { engines[0].startNumber }
    var rottenCount: Int { engines.reduce(0) { $0 + $1.rottenCount } }
    var holdsNothing: Bool { engines.allSatisfy(\.holdsNothing) }
    /// Whether it keeps nothing for other nodes, in their places or to tell them.
    var keepsNothing: Bool { engines.allSatisfy { $0.hintCount == 0 && $0.standInCount == 0 } }

    /// How many hints it keeps for each other node, in the order of the targets.
    var hintCounts: [(target: NodeID, count: Int)] {
        var counts: [NodeID: Int] = [:]
        for backlog in engines.flatMap(\.hintBacklogs) where backlog.count > 0 {
            counts[backlog.target, default: 0] += backlog.count
        }
        return counts.keys.sorted().map { ($0, counts[$0] ?? 0) }
    }

    /// Counts by partition what is visible.
    func tally(partitionBits bits: Int) -> [RecordWeight] {
        var sum = engines[0].tally(partitionBits: bits)
        for (shard, engine) in engines.enumerated().dropFirst() {
            let slice = ShardSlice(index: shard, count: engines.count)
            let weights = engine.tally(partitionBits: bits)
            let own = slice.partitions(of: weights.count)
            sum.replaceSubrange(own, with: weights[own])
        }
        return sum
    }
}
