import HengeMessages

import struct NIOCore.ByteBuffer

/// Writes on their way to the writer's thread, in order.
///
/// Records that are put, which are nearly all of it, lie there as bytes, one behind the other and
/// as RocksDB gets them. To hand the buffers over instead would have their references counted by
/// two threads in turn, which costs more than the copy (docs/decisions/0041).
struct GatheredWrites: Sendable {
    /// One of them.
    struct Entry: Sendable {
        let token: StorageToken
        /// Of a record's key; of any other write 0.
        fileprivate let keyBytes: UInt32
        fileprivate let valueBytes: UInt32
        /// Whether a completion with its token is owed.
        let isAnswered: Bool

        /// Whether it is one of ``GatheredWrites/records``, else the next of
        /// ``GatheredWrites/others``.
        var isRecord: Bool { keyBytes > 0 }
        /// How many bytes of ``GatheredWrites/records`` it has.
        var length: Int { Int(keyBytes) + Int(valueBytes) }
    }

    /// Those that follow each other and are written as one batch.
    struct Batch {
        var entries = 0..<0
        var others = 0..<0
        /// Of ``GatheredWrites/records``.
        var records = 0..<0
        /// As they count in metrics and bounds.
        var byteCount = 0
    }

    /// A larger record is handed over as it is: it would be long to copy, and there are few.
    private static let recordBytesMax = 32 << 10
    /// More is given back after use.
    private static let keptBytesMax = 4 << 20

    private(set) var entries: [Entry] = []
    private(set) var others: [PendingWrite] = []
    /// Key, object and checksum of each record.
    private(set) var records: [UInt8] = []

    var isEmpty: Bool { entries.isEmpty }

    // MARK: Gathering

    /// Whether ``put(_:_:checksum:token:)`` takes such a record.
    static func takes(_ key: StoredKey, _ object: ByteBuffer) -> Bool {
        key.standInFor == nil
            && key.bytes.readableBytes + object.readableBytes <= recordBytesMax
    }

    /// - Parameter checksum: ``RecordForm/checksum(key:object:)``.
    mutating func put(
        _ key: StoredKey,
        _ object: ByteBuffer,
        checksum: UInt64,
        token: StorageToken
    ) {
        let entry = Entry(
            token: token,
            keyBytes: UInt32(key.bytes.readableBytes),
            valueBytes: UInt32(object.readableBytes + RecordForm.checksumLength),
            isAnswered: true
        )
        entries.append(entry)
        key.bytes.withUnsafeReadableBytes { records.append(contentsOf: $0) }
        object.withUnsafeReadableBytes { records.append(contentsOf: $0) }
        withUnsafeBytes(of: checksum.bigEndian) { records.append(contentsOf: $0) }
    }

    mutating func append(_ write: PendingWrite) {
        let entry = Entry(
            token: write.token,
            keyBytes: 0,
            valueBytes: 0,
            isAnswered: write.isAnswered
        )
        entries.append(entry)
        others.append(write)
    }

    mutating func append(_ next: GatheredWrites) {
        entries.append(contentsOf: next.entries)
        others.append(contentsOf: next.others)
        records.append(contentsOf: next.records)
    }

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        others.removeAll(keepingCapacity: true)
        records.removeAll(keepingCapacity: records.capacity <= Self.keptBytesMax)
    }

    // MARK: Writing

    /// What comes after `batch`: one write, and as many more as fit within `bytesMax`. Empty at the
    /// end.
    func batch(after batch: Batch, bytesMax: Int) -> Batch {
        var next = Batch()
        next.entries = batch.entries.upperBound..<batch.entries.upperBound
        next.others = batch.others.upperBound..<batch.others.upperBound
        next.records = batch.records.upperBound..<batch.records.upperBound
        while next.entries.upperBound < entries.count {
            let entry = entries[next.entries.upperBound]
            let byteCount =
                entry.isRecord
                ? entry.length - RecordForm.checksumLength
                : others[next.others.upperBound].byteCount
            guard next.entries.isEmpty || next.byteCount + byteCount <= bytesMax else { break }
            next.byteCount += byteCount
            next.entries = next.entries.lowerBound..<next.entries.upperBound + 1
            if entry.isRecord {
                next.records = next.records.lowerBound..<next.records.upperBound + entry.length
            } else {
                next.others = next.others.lowerBound..<next.others.upperBound + 1
            }
        }
        return next
    }

    /// Puts them into what RocksDB gets: in their order, or by key where all are records and the
    /// order of those of one key is all that counts.
    ///
    /// The next place in a memtable is then near the last, and so are neighbours when the memtable
    /// is written out (docs/decisions/0041).
    ///
    /// - Returns: how many hints the batch keeps.
    func add(
        _ batch: Batch,
        to target: inout RecordBatch,
        _ open: Database.Open,
        _ drops: inout HintDrops
    ) -> Int {
        guard !batch.others.isEmpty else {
            for (_, start, entry) in byKey(batch) { put(entry, at: start, into: target, open) }
            return 0
        }
        var hints = 0
        var other = batch.others.lowerBound
        var start = batch.records.lowerBound
        for entry in entries[batch.entries] {
            if entry.isRecord {
                put(entry, at: start, into: target, open)
                start += entry.length
            } else {
                hints += others[other].add(to: &target, open, &drops)
                other += 1
            }
        }
        return hints
    }

    /// - Parameter start: where in ``records`` its key is.
    private func put(
        _ entry: Entry,
        at start: Int,
        into target: borrowing RecordBatch,
        _ open: Database.Open
    ) {
        let end = start + entry.length
        let value = start + Int(entry.keyBytes)
        records.withUnsafeBytes { bytes in
            target.put(
                UnsafeRawBufferPointer(rebasing: bytes[start..<value]),
                UnsafeRawBufferPointer(rebasing: bytes[value..<end]),
                into: open.objects
            )
        }
    }

    /// The records of a batch, and where each is, in the order of their tokens, with which a key
    /// begins; those of one token as they came.
    private func byKey(_ batch: Batch) -> [(token: UInt64, start: Int, entry: Entry)] {
        var order: [(token: UInt64, start: Int, entry: Entry)] = []
        order.reserveCapacity(batch.entries.count)
        records.withUnsafeBytes { bytes in
            var start = batch.records.lowerBound
            for entry in entries[batch.entries] {
                let token = bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)
                order.append((UInt64(bigEndian: token), start, entry))
                start += entry.length
            }
        }
        order.sort { ($0.token, $0.start) < ($1.token, $1.start) }
        return order
    }
}
