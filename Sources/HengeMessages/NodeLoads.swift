package import HengeRing

import struct NIOCore.ByteBuffer

/// What a node holds, for a report.
package struct NodeLoads: Hashable, Sendable {
    /// Whether everything on its disk is counted in.
    package var isComplete: Bool
    /// Of its own replicas, by partition; also of those that it is about to drop.
    package var partitions: [KeyLoad]

    package init(isComplete: Bool, partitions: [KeyLoad]) {
        self.isComplete = isComplete
        self.partitions = partitions
    }
}

/// Some records of a partition that a node is to look at.
package struct SampleSpan: Hashable, Sendable {
    package var partition: Int
    /// At most so many, at least 1.
    package var records: Int

    package static let recordsMax = 1 << 30

    package init(partition: Int, records: Int) {
        self.partition = partition
        self.records = min(max(1, records), Self.recordsMax)
    }
}

extension KeyLoad {
    /// What a partition's counts say.
    package init(_ weight: RecordWeight) {
        self.init(
            keys: weight.keys,
            bytes: weight.bytes,
            siblings: weight.siblings,
            tombstones: weight.records - weight.keys
        )
    }
}

extension ByteBuffer {
    /// Complete: u8, count: u32, then four numbers of each partition.
    mutating func writeLoads(_ loads: NodeLoads) {
        writeFlag(loads.isComplete)
        writeInteger(UInt32(loads.partitions.count))
        for load in loads.partitions { writeLoad(load) }
    }

    mutating func readLoads() throws(WireDecodeError) -> NodeLoads {
        let isComplete = try readFlag()
        let count = Int(try field(UInt32.self))
        guard count <= HashSlot.count else { throw .invalidField("partitions") }
        guard count <= readableBytes / 32 else { throw .truncated }
        var partitions: [KeyLoad] = []
        partitions.reserveCapacity(count)
        for _ in 0..<count { partitions.append(try readLoad()) }
        return NodeLoads(isComplete: isComplete, partitions: partitions)
    }

    /// Keys, bytes, siblings, tombstones: u64 each.
    mutating func writeLoad(_ load: KeyLoad) {
        for number in [load.keys, load.bytes, load.siblings, load.tombstones] {
            writeInteger(UInt64(clamping: number))
        }
    }

    mutating func readLoad() throws(WireDecodeError) -> KeyLoad {
        let keys = Int(clamping: try field(UInt64.self))
        let bytes = Int(clamping: try field(UInt64.self))
        let siblings = Int(clamping: try field(UInt64.self))
        let tombstones = Int(clamping: try field(UInt64.self))
        return KeyLoad(keys: keys, bytes: bytes, siblings: siblings, tombstones: tombstones)
    }

    /// Count: u32, then partition and records of each: u32 each.
    mutating func writeSpans(_ spans: [SampleSpan]) {
        writeInteger(UInt32(spans.count))
        for span in spans {
            writeInteger(UInt32(span.partition))
            writeInteger(UInt32(span.records))
        }
    }

    mutating func readSpans() throws(WireDecodeError) -> [SampleSpan] {
        let count = Int(try field(UInt32.self))
        guard count <= HashSlot.count else { throw .invalidField("spans") }
        guard count <= readableBytes / 8 else { throw .truncated }
        var spans: [SampleSpan] = []
        spans.reserveCapacity(count)
        for _ in 0..<count {
            let partition = Int(try field(UInt32.self))
            let records = Int(try field(UInt32.self))
            guard partition < HashSlot.count, (1...SampleSpan.recordsMax).contains(records) else {
                throw .invalidField("span")
            }
            spans.append(SampleSpan(partition: partition, records: records))
        }
        return spans
    }
}
