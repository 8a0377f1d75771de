import HengeBase
import HengeCausality
import HengeMessages
import HengeRing
import Synchronization

import struct NIOCore.ByteBuffer

/// Counts all records by partition, and sums their hash trees, on a thread of its own, in slices
/// with pauses as long as the slices, so that it takes at most half a core from the requests.
final class PartitionCount: Sendable {
    private static let sliceRecords = 4_096

    private let database: Database
    private let partitionBits: Int
    private let isCancelled = Monitor(false)

    init(_ database: Database, partitionBits: Int) {
        self.database = database
        self.partitionBits = partitionBits
    }

    func cancel() {
        isCancelled.withLock { $0 = true }
        isCancelled.broadcast()
    }

    /// Counts the state of the snapshot, and releases that. Fails when the count was cancelled or
    /// RocksDB had to be reopened, which loses the snapshot.
    func run(
        progress: (StorageTally.Progress) -> Void
    ) -> Result<StorageTally, EngineError> {
        var tally = RunningTally(partitionBits: partitionBits)
        defer { database.releaseSnapshot() }
        while true {
            let begin = Instant.monotonicNow()
            let outcome = database.withIterator(useSnapshot: true) { iterator in
                tally.addSlice(from: &iterator, records: Self.sliceRecords)
            }
            switch outcome {
            case nil: return .failure(Database.closed)
            case .failed(let error): return .failure(error)
            case .done: return .success(tally.finished())
            case .more: progress(tally.progress)
            }
            let end = Instant.monotonicNow()
            let cancelled = isCancelled.wait(until: end + end.since(begin)) { $0 ? true : nil }
            if cancelled == true { return .failure(Database.closed) }
        }
    }
}

/// The sums so far, and the key from which to go on.
private struct RunningTally {
    enum Outcome {
        case more
        case done
        case failed(EngineError)
    }

    private let partitionBits: Int
    private var partitions: [RecordWeight]
    private var leaves: LeafGathering
    private var corruptRecords = 0
    /// The first key of the next slice.
    private var resume: [UInt8] = []
    private var records = 0
    /// Reused for each object, to look into it without an allocation.
    private var object = ByteBuffer()

    init(partitionBits: Int) {
        self.partitionBits = partitionBits
        partitions = Array(repeating: .nothing, count: 1 << partitionBits)
        leaves = LeafGathering(partitionBits: partitionBits)
    }

    /// The sums after the last record.
    consuming func finished() -> StorageTally {
        leaves.finish()
        return StorageTally(
            partitions: partitions,
            leaves: leaves.leaves,
            corruptRecords: corruptRecords
        )
    }

    var progress: StorageTally.Progress {
        let token = resume.count < 8 ? 0 : resume.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        return StorageTally.Progress(
            records: records,
            fraction: Double(token) / 18_446_744_073_709_551_616
        )
    }

    mutating func addSlice(from iterator: inout RecordIterator, records limit: Int) -> Outcome {
        resume.withUnsafeBytes { iterator.seek($0) }
        for _ in 0..<limit {
            guard iterator.withRecord({ add($0, $1) }) != nil else {
                return iterator.failure.map(Outcome.failed) ?? .done
            }
            iterator.next()
        }
        guard let next = iterator.withRecord({ key, _ in Array(key) }) else {
            return iterator.failure.map(Outcome.failed) ?? .done
        }
        resume = next
        return .more
    }

    private mutating func add(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        records += 1
        guard key.count >= 9, let bytes = RecordForm.object(in: value, key: key) else {
            corruptRecords += 1
            return
        }
        object.clear(minimumCapacity: bytes.count)
        object.writeBytes(bytes)
        guard let encoded = try? EncodedObject(object) else {
            corruptRecords += 1
            return
        }
        let token = Token(rawValue: UInt64(bigEndian: key.loadUnaligned(as: UInt64.self)))
        let partition = token.partition(bits: partitionBits)
        let weight = RecordWeight(of: encoded, keyBytes: key)
        partitions[partition] = partitions[partition] + weight
        leaves.add(weight.fingerprint, at: token)
    }
}
