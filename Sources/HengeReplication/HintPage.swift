package import HengeBase
import HengeCausality
package import HengeMessages

/// What became of the hints that are dropped together.
package struct HintTally: Hashable, Sendable {
    /// All of them, and what they took.
    package var count = 0
    package var bytes = 0
    package var delivered = 0
    package var expired = 0
    package var discarded = 0
    /// Their records are gone or unreadable: purged, rotten, or held in the place of another node
    /// that has taken them over since.
    package var gone = 0
    /// Kept once more at the end of the queue.
    package var moved = 0
    /// Records that were handed over, and what they and their keys took.
    package var records = 0
    package var recordBytes = 0
    /// When the first hint was kept that stays, or the last one that goes.
    package var oldest = WallTime(milliseconds: 0)

    package init() {}
}

/// The hints at the front of a queue, cut to those that can be done with together.
struct HintPage: Sendable {
    struct Expiry: Sendable {
        let wall: WallTime
        let ageMax: Interval

        /// Also one that a clock set back seems to have kept in the future is not old.
        func isOld(_ hint: Hint) -> Bool {
            let age = wall.milliseconds.subtractingReportingOverflow(hint.created.milliseconds)
            return !age.overflow && age.partialValue > ageMax.milliseconds
        }
    }

    struct Removal: Sendable {
        let key: StoredKey
        /// nil for any.
        let version: VersionDigest?
    }

    private(set) var hints: [Hint] = []
    /// The first hint behind the page.
    private var next: Hint?
    /// The records to hand over, each once, in the order of their first hints.
    private(set) var keys: [StoredKey] = []
    private(set) var moving: [Hint] = []
    private(set) var removals: [Removal] = []
    private(set) var tally = HintTally()
    private var expiry: Expiry?

    init() {}

    init(delivering hints: [Hint], _ expiry: Expiry) {
        self.hints = hints
        self.expiry = expiry
        var seen: Set<StoredKey> = []
        for hint in hints where !isExpired(hint) && seen.insert(hint.key).inserted {
            keys.append(hint.key)
        }
        count()
    }

    /// The old ones at the front. What stands in the target's place is no ordinary hint and never
    /// expires: it moves behind the rest.
    init(expiring hints: [Hint], _ expiry: Expiry) {
        let old = hints.prefix { expiry.isOld($0) }
        guard old.contains(where: { !$0.isOfStandIn }) else { return }
        self.hints = Array(old)
        self.expiry = expiry
        next = hints.dropFirst(old.count).first
        moving = self.hints.filter(\.isOfStandIn)
        count()
        tally.moved = moving.count
    }

    init(discarding hints: [Hint], through: UInt64) {
        self.hints = Array(hints.prefix { $0.sequence <= through })
        next = hints.dropFirst(self.hints.count).first
        var seen: Set<StoredKey> = []
        for hint in self.hints where hint.isOfStandIn && seen.insert(hint.key).inserted {
            removals.append(Removal(key: hint.key, version: nil))
        }
        count()
        tally.discarded = self.hints.count
    }

    /// The sequence up to which the queue is done with.
    var through: UInt64 { hints.last?.sequence ?? 0 }

    /// Ends the page before the first hint that names one of these.
    mutating func cut(notCovering keys: ArraySlice<StoredKey>) {
        guard !keys.isEmpty else { return }
        let open = Set(keys)
        let end = hints.firstIndex { !isExpired($0) && open.contains($0.key) } ?? hints.count
        guard end < hints.count else { return }
        next = hints[end]
        hints.removeSubrange(end...)
        count()
    }

    /// The batch, maybe an empty one, is durable at the target: what was held in its place may go.
    mutating func delivered(_ batch: HintBatch) {
        for hint in hints where !isExpired(hint) && batch.sent.contains(hint.key) {
            tally.delivered += 1
        }
        tally.gone = hints.count - tally.delivered - tally.expired
        tally.records = batch.records.count
        tally.recordBytes = batch.bytes
        removals = batch.held
    }

    /// Nothing of what is held in the target's place may go yet.
    mutating func keepHeld() {
        removals = []
        var seen: Set<StoredKey> = []
        moving = hints.filter { $0.isOfStandIn && seen.insert($0.key).inserted }
        tally.moved = hints.count { $0.isOfStandIn }
        tally.delivered = max(0, tally.delivered - tally.moved)
    }

    private func isExpired(_ hint: Hint) -> Bool {
        guard let expiry else { return false }
        return !hint.isOfStandIn && expiry.isOld(hint)
    }

    private mutating func count() {
        tally = HintTally()
        tally.count = hints.count
        for hint in hints {
            tally.bytes += hint.byteCount
            if isExpired(hint) { tally.expired += 1 }
        }
        tally.oldest = (next ?? hints.last)?.created ?? tally.oldest
    }
}

/// The records that are sent together.
struct HintBatch: Sendable {
    /// How many of the page's keys were loaded or are being.
    var asked = 0
    var loadedBytes = 0
    var objects: [StoredKey: EncodedObject] = [:]
    /// The versions of records that are kept for others now.
    var bequeathed: [StoredKey: VersionDigest] = [:]
    /// Records that could not be loaded now; the batch ends before the first.
    var failed: Set<StoredKey> = []
    private(set) var records: [HandedRecord] = []
    /// The names of `records` here. Two may be of one key, held in the places of different nodes.
    private(set) var sent: Set<StoredKey> = []
    /// Keys and objects of `records`.
    private(set) var bytes = 0
    /// How many of the page's keys are in the batch, or have nothing to hand over.
    private(set) var covered = 0
    /// What is held in the target's place, and its version.
    private(set) var held: [HintPage.Removal] = []

    init() {}

    mutating func assemble(_ page: HintPage, bytesMax: Int) {
        for key in page.keys.prefix(asked) {
            guard !failed.contains(key) else { return }
            let isHeld = key.standInFor == page.hints.first?.target
            guard let object = objects[key] else {
                covered += 1
                // What can't be read any more would otherwise stay for ever.
                let version = bequeathed[key] ?? .absent
                if isHeld { held.append(HintPage.Removal(key: key, version: version)) }
                continue
            }
            let size = key.bytes.readableBytes + object.bytes.readableBytes
            guard records.isEmpty || bytes + size <= bytesMax else { return }
            covered += 1
            bytes += size
            records.append(HandedRecord(key: key.standingIn(for: nil), object: object))
            sent.insert(key)
            guard isHeld else { continue }
            held.append(HintPage.Removal(key: key, version: VersionDigest(of: object)))
        }
    }
}

extension Hint {
    /// Whether its record is held in the target's place, and so counts as a replica of the key.
    package var isOfStandIn: Bool { key.standInFor == target }
}
