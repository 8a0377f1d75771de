import HengeBase
import HengeCausality
import HengeMessages
import HengeRing

/// Where a node is in looking after its own records, one partition at a time: reading all of them
/// in turn, and purging those that are dead everywhere.
struct Upkeep: Sendable {
    enum Task: Hashable, Sendable {
        /// Hold the hash tree of the partition against its records, and drop what is rotten.
        case scan(Int)
        /// Purge what is dead everywhere.
        case purge(Int)

        var partition: Int {
            switch self {
            case .scan(let partition), .purge(let partition): partition
            }
        }
    }

    /// A page of records that may be dead.
    struct Purge: Sendable {
        var partition: Int
        /// The watermark that this page is held against.
        var watermark: VersionVector
        /// Where the next page begins.
        var next: Token?
        /// The entries of contexts that kept records.
        var blocking = VersionVector()
        var waiting = 0
    }

    /// A record that may go.
    struct Purgeable: Sendable {
        let key: StoredKey
        let version: VersionDigest
    }

    /// What is known of the dead records of a partition.
    struct Dead: Sendable {
        var lookedAt: Instant
        /// Of the last look: with another one more may be purged.
        var watermark: VersionVector
        /// Dead records that it left.
        var waiting: Int
    }

    /// What is being done; nil between two tasks, and while it rests.
    var running: Task?
    var purge: Purge?
    /// The records of ``purge``'s page that may go once its watermark is on the disk. Not a part of
    /// it: as a part of the optional, which was copied, changed and put back, each page was seen
    /// never to be freed (Swift 6.3.1).
    var purgeable: [Purgeable] = []
    /// Whether the next page of the task waits for the rest to end.
    var isResting = false
    var restUntil = Instant(nanoseconds: 0)
    /// Names what was asked last.
    var question: UInt32
    /// In this order.
    var tasks: [Task] = []
    var dead: [Int: Dead] = [:]
    /// What is on the disk of the watermarks, as far as it is known.
    var saved: [VersionVector]
    /// Partitions whose watermark on the disk must be forgotten and may not be yet.
    var resets: [Int] = []
    /// Partitions of which something was lost, or written though that failed, until their trees are
    /// right again. They are not compared meanwhile.
    var isUntrusted: [Bool]

    /// The next partition of the pass over all, and when that began.
    var scrubPartition: Int
    var scrubBegan: Instant?
    /// When the last pass had ended.
    var scrubEnded: Instant?

    /// - Parameter partitions: those to look after.
    init(watermarks: [VersionVector], firstQuestion: UInt32, _ partitions: Range<Int>) {
        saved = watermarks
        scrubPartition = partitions.lowerBound
        isUntrusted = Array(repeating: false, count: watermarks.count)
        question = firstQuestion
    }

    mutating func want(_ task: Task) {
        if !tasks.contains(task) { tasks.append(task) }
    }

    /// The partition is no longer here.
    mutating func forgot(_ partition: Int) {
        dead[partition] = nil
        saved[partition] = VersionVector()
        isUntrusted[partition] = false
        resets.removeAll { $0 == partition }
        tasks.removeAll { $0.partition == partition }
    }

    mutating func lost(_ partition: Int) {
        dead[partition] = nil
        saved[partition] = VersionVector()
        if !resets.contains(partition) { resets.append(partition) }
        if purge?.partition == partition { purgeable = [] }
        mustScan(partition)
    }

    /// The partition's tree may not be what is on the disk.
    mutating func mustScan(_ partition: Int) {
        isUntrusted[partition] = true
        // Before all others, and from its begin if it is being done.
        tasks.removeAll { $0 == .scan(partition) }
        tasks.insert(.scan(partition), at: 0)
    }
}
