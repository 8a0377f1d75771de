import HengeBase
import HengeCausality
import HengeMessages
import HengeRing

/// Where the work on one partition stands: which ranges of tokens are left, what of them has been
/// listed and not been answered about, and what is to be pushed.
struct PartitionMending: Sendable {
    let partition: Int
    var descent: LeafDescent
    /// Whether something keeps it from being agreed in this pass.
    var isFlawed = false
    /// Nothing needs to be listed here.
    var ownIsEmpty = false
    /// Nothing needs to be asked there.
    var peerIsEmpty = false
    /// Ranges to list; the last is next.
    var ranges: [ClosedRange<Token>] = []
    var listing: ClosedRange<Token>?
    /// The range to ask about, and what this node has in it.
    private(set) var asking: ClosedRange<Token>?
    private(set) var own: [ListedRecord] = []
    private(set) var pushes: [Comparison.Push] = []
    /// Of a record, by the page listed last.
    private(set) var averageBytes = 0

    init(partition: Int, partitionBits: Int, leavesMax: Int) {
        self.partition = partition
        descent = LeafDescent(
            partition: partition,
            partitionBits: partitionBits,
            leavesMax: leavesMax
        )
    }

    /// Whether all but pushes is done.
    var isAllAsked: Bool { asking == nil && ranges.isEmpty }

    /// What the trees told is now to be listed.
    mutating func endDescent() {
        ranges = descent.ranges()
    }

    mutating func ask(about range: ClosedRange<Token>) {
        asking = range
        own = []
    }

    var question: VersionQuestion? {
        asking.map {
            VersionQuestion(
                partition: partition,
                from: $0.lowerBound,
                through: $0.upperBound,
                fingerprints: own.map(\.fingerprint)
            )
        }
    }

    /// - Returns: false if this is no page of the range that is being listed.
    mutating func take(_ page: ListPage) -> Bool {
        guard let range = listing else { return false }
        listing = nil
        var end = range.upperBound
        if let next = page.next {
            guard next > range.lowerBound, next <= range.upperBound else { return false }
            ranges.append(next...range.upperBound)
            end = Token(rawValue: next.rawValue - 1)
        }
        if !page.rotten.isEmpty || !page.unreadable.isEmpty { isFlawed = true }
        if page.weight.records > 0 {
            averageBytes = max(0, page.weight.bytes) / page.weight.records
        }
        if peerIsEmpty {
            for record in page.records { pushes.append(Comparison.Push(key: record.key)) }
        } else {
            asking = range.lowerBound...end
            own = page.records
        }
        return true
    }

    /// Takes out of an answer what is to be pushed.
    ///
    /// - Returns: false if this is no answer to the open question.
    mutating func take(through: Token, matched: [Bool], records: [HandedRecord]) -> Bool {
        guard let range = asking, range.contains(through), matched.count == own.count,
            records.allSatisfy({ $0.key.token >= range.lowerBound && $0.key.token <= through })
        else { return false }
        var known: [StoredKey: UInt64] = [:]
        for record in records {
            known[record.key] = RecordFingerprint.of(record.key, record.object)
        }
        var left: [ListedRecord] = []
        for (record, isMatched) in zip(own, matched) {
            if record.key.token > through {
                left.append(record)
            } else if !isMatched {
                pushes.append(Comparison.Push(key: record.key, known: known[record.key]))
            }
        }
        own = left
        // `through` is below the end of the range where one is added.
        asking =
            through < range.upperBound
            ? Token(rawValue: through.rawValue + 1)...range.upperBound : nil
        return true
    }

    mutating func push(_ records: [HandedRecord]) {
        for record in records {
            pushes.append(Comparison.Push(key: record.key, object: record.object))
        }
    }

    /// Keys that one batch should have.
    func batch(_ limits: EntropyLimits) -> Int {
        max(1, min(limits.batchRecords, limits.batchBytes / max(1, averageBytes)))
    }

    /// Whether pushes should go before anything more is asked.
    func hasBatch(_ limits: EntropyLimits) -> Bool {
        pushes.count >= (isAllAsked ? 1 : batch(limits))
    }

    mutating func takeBatch(_ limits: EntropyLimits) -> [Comparison.Push] {
        let batch = Array(pushes.prefix(batch(limits)))
        pushes.removeFirst(batch.count)
        return batch
    }

    /// Gives up, for this pass.
    mutating func abandon() {
        isFlawed = true
        ranges = []
        listing = nil
        asking = nil
        own = []
        pushes = []
    }
}
