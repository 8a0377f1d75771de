import HengeBase
import HengeMessages

import struct NIOCore.ByteBuffer

/// Reads, at an opening, what was saved of each partition under one prefix: its watermark, or how
/// far the node is with taking it over.
///
/// A node that finds no watermark purges nothing until it has agreed with its peers anew, and one
/// that finds no transfer begins it anew, which is always safe; so one that can't be read doesn't
/// keep it from starting.
struct PartitionRecordWalk {
    /// In the order of the partitions.
    private(set) var records: [(partition: Int, bytes: ByteBuffer)] = []
    /// The keys of those that fail their checksum.
    private(set) var rotten: [ByteBuffer] = []
    /// Why some are missing.
    private(set) var failure: EngineError?

    /// - Parameter prefix: what the keys begin with; the partition follows, as a u16.
    init(_ database: Database, _ prefix: ByteBuffer) {
        let prefix = Array(buffer: prefix)
        let walked: Void? = database.withIterator(over: .meta) { iterator in
            prefix.withUnsafeBytes { iterator.seek($0) }
            while iterator.withRecord({ add($0, $1, prefix) }) == true { iterator.next() }
            failure = iterator.failure
        }
        if walked == nil { failure = Database.closed }
        if failure == nil, !rotten.isEmpty {
            failure = EngineError(.corrupt, "\(rotten.count) records fail their checksum")
        }
    }

    /// - Returns: whether the record is one of these.
    private mutating func add(
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer,
        _ prefix: [UInt8]
    ) -> Bool {
        guard key.starts(with: prefix) else { return false }
        guard key.count == prefix.count + 2, let bytes = RecordForm.object(in: value, key: key)
        else {
            rotten.append(ByteBuffer(bytes: key))
            return true
        }
        let partition = key.loadUnaligned(fromByteOffset: prefix.count, as: UInt16.self)
        records.append((Int(UInt16(bigEndian: partition)), ByteBuffer(bytes: bytes)))
        return true
    }
}
