import HengeAntiEntropy
import HengeBase
import HengeCausality
import HengeMessages

/// What a shard knows of the comparisons with one other node.
struct EntropyPeer: Sendable {
    /// A pass that the other node has begun and that has not come to its end.
    struct TheirPass: Sendable {
        /// The other's name for it.
        let id: RequestID
        var began: Instant
        var heard: Instant
        /// By partition that differed: which writes the other had taken in when it asked.
        var clocks: [Int: VersionVector]
    }

    let id: NodeID
    /// The partitions of which both nodes are home replicas, rising.
    private(set) var shared: [Int]
    /// Of two nodes one begins the comparisons that are on schedule.
    let begins: Bool

    var machine: Comparison
    /// Names the question that is open; another for each.
    var question: UInt32
    /// Names the pass that runs, or ran last: its first question.
    var pass = RequestID(rawValue: 0)
    /// The other's name for the last pass that it has begun on this connection.
    var theirLast: RequestID?
    /// When the pass that runs, or ran last, was begun here.
    var began = Instant(nanoseconds: 0)
    /// When the next one is to begin; nil until the node has first come up.
    var due: Instant?
    /// Whether to begin one though none is due.
    var isWanted = false
    /// Whether the other node has missed writes since the pass that ran last, and nobody knows
    /// which.
    var lacksHints = false
    /// When the open question was asked.
    var askedAt = Instant(nanoseconds: 0)
    /// By partition that differed: which writes the other had taken in when it answered.
    var clocks: [Int: VersionVector] = [:]
    /// Partitions of which this node has lost something since the pass began.
    var voided: Set<Int> = []
    var differing = 0
    /// Whether some partitions could not be compared, or made equal.
    var isIncomplete = false
    var left = 0
    var push: RecordPush?
    var theirPass: TheirPass?
    /// For each of ``shared``: when both were last found or made equal, as of the begin of the
    /// pass.
    private(set) var verified: [Instant?]
    /// For each of ``shared``: when the ring that shares it was adopted; 0 for the first one.
    private var sharedSince: [Instant]

    init(id: NodeID, own: NodeID, shared: [Int], machine: Comparison, firstQuestion: UInt32) {
        self.id = id
        self.shared = shared
        // Half of the pairs of each node, whatever their ids.
        let isEven = (id.rawValue ^ own.rawValue) & 1 == 0
        begins = isEven == (own < id)
        self.machine = machine
        question = firstQuestion
        verified = Array(repeating: nil, count: shared.count)
        sharedSince = Array(repeating: Instant(nanoseconds: 0), count: shared.count)
    }

    /// Whether a pass has been begun here that the other node has not answered yet.
    var hasRootsOpen: Bool { machine.isAsking && question == pass.generation }

    /// The ring has changed, and with it what the two share.
    mutating func share(_ partitions: [Int], at now: Instant) {
        let places = partitions.map { place(of: $0) }
        verified = places.map { $0.flatMap { verified[$0] } }
        sharedSince = places.map { $0.map { sharedSince[$0] } ?? now }
        shared = partitions
    }

    /// How many partitions both have shared since that time at the latest, nil for now, and were
    /// not found or made equal by a comparison begun after `begin`; all of them, if that is nil.
    func unverified(since begin: Instant?, sharedBy time: Instant?) -> Int {
        var count = 0
        for place in shared.indices {
            if let time, sharedSince[place] > time { continue }
            if let begin, let verified = verified[place], verified > begin { continue }
            count += 1
        }
        return count
    }

    /// Has a pass begin at that time at the latest.
    mutating func beDue(by time: Instant) { due = min(due ?? time, time) }

    /// The place of a partition in ``shared``.
    func place(of partition: Int) -> Int? {
        var low = 0
        var high = shared.count
        while low < high {
            let middle = (low + high) / 2
            if shared[middle] < partition { low = middle + 1 } else { high = middle }
        }
        return low < shared.count && shared[low] == partition ? low : nil
    }

    mutating func verified(_ partition: Int, at instant: Instant) {
        guard let place = place(of: partition) else { return }
        verified[place] = max(verified[place] ?? instant, instant)
    }
}

/// Records on their way to a node that lacks them: loaded a few at a time, sent as batches.
struct RecordPush: Sendable {
    /// Still to be loaded, last first.
    var wanted: [Comparison.Push]
    var loading = 0
    var batch: [HandedRecord] = []
    var bytes = 0
    /// What the other node refused, and what could not be read here.
    var refused = 0
    var isSent = false
    /// Records of the batch that is under way, or went last.
    var sent = 0

    init(_ wanted: [Comparison.Push]) {
        self.wanted = wanted.reversed()
    }

    mutating func add(_ record: HandedRecord) {
        batch.append(record)
        bytes += record.key.bytes.readableBytes + record.object.bytes.readableBytes
    }
}
