import HengeBase
import HengeCausality
package import HengeMessages
import HengeRing

package import struct NIOCore.ByteBuffer

/// A simulated disk with the contract of the RocksDB engine, plus crashes and faults.
///
/// It has no threads and no time: the scheduler says when something happens. Writes take two steps,
/// as on a real disk:
///
///     request(.persist) --> waiting --commit()--> visible, acknowledged --sync()--> survives any
///     crash
///
/// With ``Durability/sync`` the last two are one: ``commit(count:)`` makes durable what it
/// acknowledges. Loads and scans wait too; ``completeRead(at:)`` carries one out on what is visible
/// at that moment, and the scheduler may hand the completion over as late as it likes.
///
/// A value: a copy is another disk with the same content. Equal calls give equal results in any
/// process.
package struct MemoryEngine: Sendable {
    package enum Durability: Hashable, Sendable {
        case sync
        case interval
    }

    private struct Write: Sendable {
        let key: StoredKey
        let object: ByteBuffer
        let token: StorageToken
    }

    private enum Read: Sendable {
        case load(StoredKey, StorageToken)
        case scan(ScanRange, StorageToken)
    }

    private struct CommitFault: Sendable {
        let failure: StorageFailure
        let takesEffect: Bool
    }

    package let durability: Durability
    /// What reads see.
    private var records = RecordTable()
    /// How to take back, newest last, what is visible but would not survive a power failure.
    private var undo: [(key: StoredKey, before: RecordTable.Record?)] = []
    private var waiting: [Write] = []
    private var reads: [Read] = []
    private var cleanState: ByteBuffer?
    private var commitFaults: [CommitFault] = []
    private var readFaults: [StorageFailure] = []

    /// While set, every commit fails with it, as on a disk that is full.
    package var writeFault: StorageFailure?
    /// The ring document saved last; durable at once, as with the real engine.
    package var storedRing: ByteBuffer?

    package init(durability: Durability = .sync) {
        self.durability = durability
    }

    package var waitingWriteCount: Int { waiting.count }
    package var waitingReadCount: Int { reads.count }
    /// Acknowledged writes that a power failure could take, in `interval`.
    package var unsyncedCount: Int { undo.count }
    package var recordCount: Int { records.count }

    // MARK: Requests

    /// Takes a request; nothing happens until the scheduler says so.
    package mutating func request(_ request: StorageRequest) {
        switch request {
        case .load(let key, let token): reads.append(.load(key, token))
        case .scan(let range, let token): reads.append(.scan(range, token))
        case .persist(let key, let object, hints: _, let token):
            waiting.append(Write(key: key, object: object, token: token))
        case .remove, .keepHints, .loadHints, .dropHints:
            preconditionFailure("not asked for yet")
        }
    }

    /// Carries out a waiting load or scan; nil when there is none.
    ///
    /// - Parameter index: which one, from the oldest, taken modulo their number; reads may
    ///   overtake.
    package mutating func completeRead(at index: Int = 0) -> StorageCompletion? {
        invariant(index >= 0)
        guard !reads.isEmpty else { return nil }
        switch reads.remove(at: index % reads.count) {
        case .load(let key, let token): return .loaded(token, load(key))
        case .scan(let range, let token):
            if let fault = takeReadFault() { return .scanned(token, .failure(fault)) }
            return .scanned(token, records.scan(range))
        }
    }

    /// Reads a record at once, as the real engine does when it is in memory.
    package mutating func load(_ key: StoredKey) -> Result<ByteBuffer?, StorageFailure> {
        if let fault = takeReadFault() { return .failure(fault) }
        guard let record = records[key] else { return .success(nil) }
        return record.isCorrupt ? .failure(.corrupt) : .success(record.object)
    }

    /// Commits waiting writes as one batch, all or none, and acknowledges them in the order of
    /// their requests.
    ///
    /// - Parameter count: how many, oldest first; all by default.
    package mutating func commit(count: Int = .max) -> [StorageCompletion] {
        let batch = takeBatch(count)
        guard !batch.isEmpty else { return [] }
        let fault = commitFaults.isEmpty ? nil : commitFaults.removeFirst()
        let failure = writeFault ?? fault?.failure
        if failure == nil || (writeFault == nil && fault?.takesEffect == true) {
            for write in batch { apply(write) }
            if durability == .sync { sync() }
        }
        return batch.map { .persisted($0.token, failure) }
    }

    /// Makes all that is visible survive any crash.
    package mutating func sync() {
        undo.removeAll(keepingCapacity: true)
    }

    // MARK: Stop and start

    /// Ends the node as a power failure does. All that waits is gone, completions included.
    ///
    /// - Parameter surviving: of the writes that are not durable, in order, how many turn out to
    ///   have reached the disk: a prefix, acknowledged ones first. Zero is the worst that can
    ///   happen.
    package mutating func crash(surviving: Int = 0) {
        invariant(surviving >= 0)
        let waitingSurvivors = max(0, surviving - undo.count)
        while undo.count > surviving, let last = undo.popLast() {
            records[last.key] = last.before
        }
        for write in waiting.prefix(waitingSurvivors) { apply(write) }
        sync()
        forgetRequests()
        cleanState = nil
    }

    /// Ends the node as `kill -9` does: what was acknowledged is with the operating system and
    /// stays.
    ///
    /// - Parameter surviving: how many of the writes that still wait had got so far.
    package mutating func kill(surviving: Int = 0) {
        crash(surviving: undo.count + surviving)
    }

    /// Carries out all writes and stops cleanly; ``open()`` gives `state` back, unless a write
    /// failed.
    package mutating func closeClean(state: ByteBuffer) -> [StorageCompletion] {
        let completions = commit()
        sync()
        forgetRequests()
        let failed = completions.contains {
            if case .persisted(_, .some) = $0 { true } else { false }
        }
        cleanState = failed || writeFault != nil ? nil : state
        return completions
    }

    /// Starts the node: what the last clean stop left, once; nil after a crash and on a new disk.
    package mutating func open() -> ByteBuffer? {
        defer { cleanState = nil }
        return cleanState
    }

    /// Counts by partition what is visible; corrupt records count nowhere.
    ///
    /// - Parameter bits: log₂ of the number of partitions, 1...14.
    package func tally(partitionBits bits: Int) -> [RecordWeight] {
        records.tally(partitionBits: bits)
    }

    // MARK: Faults

    /// The next commit that has something to write fails.
    ///
    /// - Parameter takesEffect: the records change all the same, as the contract allows.
    package mutating func failNextCommit(with failure: StorageFailure, takesEffect: Bool = false) {
        commitFaults.append(CommitFault(failure: failure, takesEffect: takesEffect))
    }

    /// The next load or scan fails.
    package mutating func failNextRead(with failure: StorageFailure) {
        readFaults.append(failure)
    }

    /// Lets a visible record rot: reads of it fail until it is written again. False when there is
    /// none.
    package mutating func corrupt(_ key: StoredKey) -> Bool {
        guard var record = records[key] else { return false }
        record.isCorrupt = true
        records[key] = record
        return true
    }

    // MARK: Private

    private mutating func takeBatch(_ count: Int) -> [Write] {
        let batch = Array(waiting.prefix(max(0, count)))
        waiting.removeFirst(batch.count)
        return batch
    }

    private mutating func apply(_ write: Write) {
        undo.append((write.key, records[write.key]))
        records[write.key] = RecordTable.Record(object: write.object)
    }

    private mutating func takeReadFault() -> StorageFailure? {
        readFaults.isEmpty ? nil : readFaults.removeFirst()
    }

    private mutating func forgetRequests() {
        waiting.removeAll()
        reads.removeAll()
    }
}
