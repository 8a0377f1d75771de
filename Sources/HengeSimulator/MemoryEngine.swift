package import HengeBase
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
/// All writes, of whatever kind, wait in one queue, and a crash leaves a prefix of them. Each is
/// whole or not there: a record and the hints that were persisted with it are one write. On a real
/// disk a batch of which only a part was written fails its checksum when the log is read again, and
/// is left out with all that follows (`TornLogTests` cuts logs to see that).
///
/// A value: a copy is another disk with the same content, and ``crash(surviving:)`` on a copy makes
/// it what a copy of the files would be, to put back some time later. ``wiped()`` is the disk after
/// somebody emptied it. Equal calls give equal results in any process.
package struct MemoryEngine: Sendable {
    package enum Durability: Hashable, Sendable {
        case sync
        case interval
    }

    private struct Write: Sendable {
        let change: DiskWrite
        /// Nil when nobody waits for it.
        let token: StorageToken?

        var isRing: Bool {
            if case .saveRing = change { return true }
            return false
        }
    }

    private enum Read: Sendable {
        case load(StoredKey, StorageToken)
        case version(StoredKey, StorageToken)
        case scan(ScanRange, StorageToken)
        case list(ListRange, StorageToken)
        case hints(NodeID, after: UInt64, limit: Int, StorageToken)
    }

    private struct CommitFault: Sendable {
        let failure: StorageFailure
        let takesEffect: Bool
    }

    package let durability: Durability
    /// What reads see.
    private var content = DiskContent()
    /// How to take back, newest last, what is visible but would not survive a power failure.
    private var undo: [DiskContent.Undo] = []
    private var waiting: [Write] = []
    private var reads: [Read] = []
    private var cleanState: ByteBuffer?
    private var commitFaults: [CommitFault] = []
    private var readFaults: [StorageFailure] = []
    private var answersVersion = false

    /// While set, every commit fails with it, as on a disk that is full.
    package var writeFault: StorageFailure?
    /// What ``saveRing(_:)`` was given last, as of the last ``open()``.
    package private(set) var storedRing: ByteBuffer?
    /// What the next ``open()`` will find of that, if nothing happens.
    package var visibleRing: ByteBuffer? { content.ring }
    /// Whether each save of the ring that has ended since this was last taken was durable.
    private var ringSaves: [Bool] = []
    /// What ``saveLives(_:)`` was given last, as of the last ``open()``.
    package private(set) var storedLives: ByteBuffer?
    /// How often the disk was opened; durable at once, as with the real engine.
    package private(set) var startNumber: UInt64 = 0

    package init(durability: Durability = .sync) {
        self.durability = durability
    }

    package var waitingWriteCount: Int { waiting.count }
    package var waitingReadCount: Int { reads.count }
    /// Acknowledged writes that a power failure could take, in `interval`.
    package var unsyncedCount: Int { undo.count }
    /// The node's own records.
    package var recordCount: Int { content.records.count }
    /// The node's own records that can't be read.
    var rottenCount: Int { content.records.rottenCount }
    /// Records held in the places of others.
    /// Whether there is no record that can be read and no hint.
    var holdsNothing: Bool {
        recordCount == rottenCount && standInCount == 0 && hintCount == 0
    }

    package var standInCount: Int { content.standIns.count }
    package var hintCount: Int { content.hints.count }
    /// The hints that are visible now, in the order of the targets; none for a target for which
    /// there is nothing.
    package var hintBacklogs: [HintBacklog] { content.backlogs }

    /// What is visible now of saved watermarks, in the order of the partitions.
    package var watermarks: [(partition: Int, bytes: ByteBuffer)] { content.watermarks.records }

    /// What is visible now of saved transfers, in the order of the partitions.
    package var transfers: [(partition: Int, bytes: ByteBuffer)] { content.transfers.records }

    // MARK: Requests

    /// Takes a request; nothing happens until the scheduler says so.
    package mutating func request(_ request: StorageRequest) {
        switch request {
        case .load(let key, let token): reads.append(.load(key, token))
        case .loadVersion(let key, let token): reads.append(.version(key, token))
        case .scan(let range, let token): reads.append(.scan(range, token))
        case .loadHints(let target, let after, let limit, let token):
            reads.append(.hints(target, after: after, limit: limit, token))
        case .persist(let key, let object, let hints, let token):
            waiting.append(Write(change: .put(key, object, hints: hints), token: token))
        case .remove(let key, let token):
            waiting.append(Write(change: .remove(key), token: token))
        case .keepHints(let hints, let token):
            waiting.append(Write(change: .keepHints(hints), token: token))
        case .dropHints(let target, let through, let token):
            waiting.append(Write(change: .dropHints(target, through: through), token: token))
        case .list(let range, let token): reads.append(.list(range, token))
        case .saveWatermark(let partition, let bytes, let token):
            let change = DiskWrite.saveWatermark(partition: partition, bytes)
            waiting.append(Write(change: change, token: token))
        case .saveTransfer(let partition, let bytes, let token):
            let change = DiskWrite.saveTransfer(partition: partition, bytes)
            waiting.append(Write(change: change, token: token))
        case .dropPartition(let partition, let tokens, let token):
            waiting.append(Write(change: .dropPartition(partition, tokens), token: token))
        }
    }

    /// Saves what the node knows of the lives of others, in order with the writes; without a
    /// completion.
    package mutating func saveLives(_ bytes: ByteBuffer) {
        waiting.append(Write(change: .saveLives(bytes), token: nil))
    }

    /// Saves what the node knows and has promised of rings, in order with the writes. That it has
    /// ended ``takeRingSaves()`` says; it is durable then whatever the durability.
    package mutating func saveRing(_ bytes: ByteBuffer) {
        waiting.append(Write(change: .saveRing(bytes), token: nil))
    }

    /// Whether each save of the ring that has ended since the last call was durable.
    package mutating func takeRingSaves() -> [Bool] {
        defer { ringSaves = [] }
        return ringSaves
    }

    /// Carries out a waiting load, scan, list or look for hints; nil when there is none.
    ///
    /// - Parameter index: which one, from the oldest, taken modulo their number; reads may
    ///   overtake.
    package mutating func completeRead(at index: Int = 0) -> StorageCompletion? {
        invariant(index >= 0)
        guard !reads.isEmpty else { return nil }
        switch reads.remove(at: index % reads.count) {
        case .load(let key, let token): return .loaded(token, load(key))
        case .version(let key, let token): return loadVersion(key, token)
        case .scan(let range, let token):
            if let fault = takeReadFault() { return .scanned(token, .failure(fault)) }
            return .scanned(token, content.records.scan(range))
        case .list(let range, let token):
            if let fault = takeReadFault() { return .listed(token, .failure(fault)) }
            return .listed(token, .success(content.records.list(range)))
        case .hints(let target, let after, let limit, let token):
            if let fault = takeReadFault() { return .hintsLoaded(token, .failure(fault)) }
            let page = content.hints.page(target, after: after, limit: limit)
            return .hintsLoaded(token, .success(page))
        }
    }

    /// Reads a record at once, as the real engine does when it is in memory.
    package mutating func load(_ key: StoredKey) -> Result<ByteBuffer?, StorageFailure> {
        if let fault = takeReadFault() { return .failure(fault) }
        guard let record = content[key] else { return .success(nil) }
        return record.isCorrupt ? .failure(.corrupt) : .success(record.object)
    }

    /// Answers with the record and with its version in turn, as the real engine may with either.
    private mutating func loadVersion(
        _ key: StoredKey,
        _ token: StorageToken
    ) -> StorageCompletion {
        let result = load(key)
        answersVersion.toggle()
        guard answersVersion, case .success(let object?) = result,
            let version = EncodedVersion.headerBytes(of: object)
        else { return .loaded(token, result) }
        return .versionLoaded(token, version)
    }

    /// A visible record that can be read and of which no write waits, as the real engine has in its
    /// cache; nil for others, and while the next read is to fail.
    func recall(_ key: StoredKey) -> ByteBuffer? {
        guard readFaults.isEmpty, let record = content[key], !record.isCorrupt else { return nil }
        let isChanging = waiting.contains { write in
            switch write.change {
            case .put(let other, _, _), .remove(let other): other == key
            case .dropPartition: true
            default: false
            }
        }
        return isChanging ? nil : record.object
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
            if durability == .sync || batch.contains(where: \.isRing) { sync() }
        }
        for write in batch where write.isRing { ringSaves.append(failure == nil) }
        return batch.compactMap { write in write.token.map { .persisted($0, failure) } }
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
            content.takeBack(last)
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
    ///
    /// - Parameter isEmpty: whether all records and hints are to be forgotten.
    package mutating func closeClean(
        state: ByteBuffer,
        isEmpty: Bool = false
    ) -> [StorageCompletion] {
        let isFailing = writeFault != nil || (!waiting.isEmpty && !commitFaults.isEmpty)
        let completions = commit()
        if isEmpty { content.forgetRecords() }
        sync()
        forgetRequests()
        cleanState = isFailing ? nil : state
        return completions
    }

    /// Starts the node: what the last clean stop left, once; nil after a crash and on a new disk.
    package mutating func open() -> ByteBuffer? {
        startNumber += 1
        storedLives = content.lives
        storedRing = content.ring
        defer { cleanState = nil }
        return cleanState
    }

    /// Counts by partition what is visible; corrupt records count nowhere.
    ///
    /// - Parameter bits: log₂ of the number of partitions, 1...14.
    package func tally(partitionBits bits: Int) -> [RecordWeight] {
        content.records.tally(partitionBits: bits)
    }

    /// The leaves of the hash trees of what ``tally(partitionBits:)`` counts, at the resolution of
    /// ``LeafSums/bits(forRecords:)``.
    package func leaves(partitionBits bits: Int) -> [LeafSums] {
        content.records.leaves(partitionBits: bits)
    }

    /// An empty disk in the place of this one: nothing is left, the start number neither.
    package func wiped() -> MemoryEngine {
        MemoryEngine(durability: durability)
    }

    // MARK: Faults

    /// The next commit that has something to write fails.
    ///
    /// - Parameter takesEffect: the records change all the same, as the contract allows.
    package mutating func failNextCommit(with failure: StorageFailure, takesEffect: Bool = false) {
        commitFaults.append(CommitFault(failure: failure, takesEffect: takesEffect))
    }

    /// The next load, scan, list or look for hints fails.
    package mutating func failNextRead(with failure: StorageFailure) {
        readFaults.append(failure)
    }

    /// Lets a visible record rot: reads of it fail until it is written again. False when there is
    /// none.
    package mutating func corrupt(_ key: StoredKey) -> Bool {
        guard var record = content[key] else { return false }
        record.isCorrupt = true
        content[key] = record
        return true
    }

    /// Lets a visible hint rot: pages pass over it. False when there is none.
    package mutating func corruptHint(_ target: NodeID, sequence: UInt64) -> Bool {
        content.corruptHint(target, sequence: sequence)
    }

    // MARK: Private

    private mutating func takeBatch(_ count: Int) -> [Write] {
        let batch = Array(waiting.prefix(max(0, count)))
        waiting.removeFirst(batch.count)
        return batch
    }

    private mutating func apply(_ write: Write) {
        undo.append(content.apply(write.change))
    }

    private mutating func takeReadFault() -> StorageFailure? {
        readFaults.isEmpty ? nil : readFaults.removeFirst()
    }

    private mutating func forgetRequests() {
        waiting.removeAll()
        reads.removeAll()
        ringSaves.removeAll()
    }
}
