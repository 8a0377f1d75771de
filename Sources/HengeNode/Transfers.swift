import HengeBase
import HengeMessages
import HengeReplication
import HengeRing

import struct NIOCore.ByteBuffer

/// Where a shard is with partitions that it takes over, and with those that it gives away.
struct Transfers: Sendable {
    /// A partition that is being taken over, or has been.
    struct Incoming: Sendable {
        var machine: PartitionTransfer
        /// Names what was saved for this machine and not for one before it.
        let life: UInt32
        /// Names the page that is under way.
        var question: UInt32
        var askedAt = Instant(nanoseconds: 0)
    }

    /// In the order of the partitions.
    var incoming: [Incoming] = []
    /// The partitions that go on without being asked to; few.
    private(set) var active: [Int] = []
    /// What the storage keeps.
    private(set) var saved: [Int: TransferCursor] = [:]
    /// Whether to look once more for what there is to take over.
    var mustPlan = true
    var throttle: HintThrottle
    private var question: UInt32
    /// Rises, so that each partition is the first in turn.
    var rotation = 0

    var barrier = Barrier()
    /// Pages that other nodes have asked for and that wait for the budget, oldest first.
    var asked: [(page: TransferPageFlight, at: Instant)] = []
    /// Partitions that the storage was told to forget.
    var dropping: [Int] = []

    /// What came with partitions of this change that have gone on to their next steps.
    var keysPast = 0
    var bytesPast = 0
    var skippedPast = 0
    /// How much had come at each of the last times that it was looked at, oldest first.
    private var samples: [(at: Instant, bytes: Int)] = []
    private static let samplesMax = 10

    init(
        _ stored: [(partition: Int, bytes: ByteBuffer)],
        _ configuration: ShardConfiguration,
        firstQuestion: UInt32
    ) {
        for (partition, bytes) in stored {
            saved[partition] = TransferCursor(stored: bytes)
        }
        throttle = HintThrottle(
            bytesPerSecond: max(1, configuration.transferBytesPerSecond),
            burstBytes: max(1, configuration.transferPageBytes)
        )
        question = firstQuestion
    }

    mutating func nextQuestion() -> UInt32 {
        question &+= 1
        return question
    }

    /// How many have a page under way.
    var runningCount: Int {
        active.count { partition in
            index(of: partition).map { incoming[$0].machine.wanted == nil } ?? false
        }
    }

    /// How many pages are asked of a node.
    func askedCount(of source: NodeID) -> Int {
        active.count { partition in
            index(of: partition).map { incoming[$0].machine.asked == source } ?? false
        }
    }

    /// To be called after a machine's step.
    mutating func noteActivity(_ index: Int) {
        let partition = incoming[index].machine.partition
        let wasActive = active.contains(partition)
        guard incoming[index].machine.isActive != wasActive else { return }
        if wasActive { active.removeAll { $0 == partition } } else { active.append(partition) }
    }

    /// In the place of all before; in the order of the partitions.
    mutating func replace(with planned: [Incoming]) {
        incoming = planned
        active = planned.filter(\.machine.isActive).map(\.machine.partition)
    }

    /// In the place of the one of its partition.
    mutating func replace(_ index: Int, with anew: Incoming) {
        incoming[index] = anew
        noteActivity(index)
    }

    func index(of partition: Int) -> Int? {
        var low = 0
        var high = incoming.count
        while low < high {
            let middle = (low + high) / 2
            if incoming[middle].machine.partition < partition {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let isThere = low < incoming.count && incoming[low].machine.partition == partition
        return isThere ? low : nil
    }

    mutating func save(_ cursor: TransferCursor?, of partition: Int) {
        saved[partition] = cursor
    }

    var savedPartitions: [Int] { saved.keys.sorted() }

    // MARK: Progress

    var keysDone: Int { incoming.reduce(keysPast) { $0 + $1.machine.cursor.keys } }
    var bytesDone: Int { incoming.reduce(bytesPast) { $0 + $1.machine.cursor.bytes } }
    var skipped: Int { incoming.reduce(skippedPast) { $0 + $1.machine.cursor.skipped } }

    /// What came with this one still counts when it is looked after no longer.
    mutating func retire(_ cursor: TransferCursor) {
        keysPast += cursor.keys
        bytesPast += cursor.bytes
        skippedPast += cursor.skipped
    }

    mutating func forgetProgress() {
        (keysPast, bytesPast, skippedPast) = (0, 0, 0)
        samples = []
    }

    /// Due now and then.
    mutating func sample(now: Instant) {
        if samples.count == Self.samplesMax { samples.removeFirst() }
        samples.append((now, bytesDone))
    }

    /// Over the last seconds.
    var bytesPerSecond: Int {
        guard let first = samples.first, let last = samples.last, last.bytes > first.bytes,
            last.at > first.at
        else { return 0 }
        let seconds = Double(last.at.since(first.at).nanoseconds) / 1e9
        return Int(Double(last.bytes - first.bytes) / seconds)
    }
}

extension Transfers {
    /// What keeps this node from handing out records before all that it took in by the ring before
    /// has ended. A write of which the coordinator knew nothing of the change yet may be under way
    /// here, not to be seen by a page, and count as stored later.
    struct Barrier: Sendable {
        /// Loads of records for changes that were under way.
        var loads: [RequestID] = []
        /// Names what the storage was asked for last.
        var question: UInt32 = 0
        var isAsked = false
        var isPassed = true
    }
}

/// A page that is read for a node that takes a partition over.
struct TransferPageFlight: Sendable {
    let asker: NodeID
    let id: RequestID
    let request: TransferRequest
}
