import HengeBase
package import HengeRing

import struct NIOCore.ByteBuffer

/// What a node asks others before it plans a change of the ring, and what they say.
package enum FactsMessage: Hashable, Sendable {
    case ask
    case told(NodeInventory)
}

/// What a node holds, and what room it has.
package struct NodeInventory: Hashable, Sendable {
    package var disk: NodeFacts
    /// Of its own replicas, by partition.
    package var partitions: [PartitionFacts]

    package init(disk: NodeFacts, partitions: [PartitionFacts]) {
        self.disk = disk
        self.partitions = partitions
    }
}

extension ByteBuffer {
    /// u8: 0 asks, 1 tells: free and all bytes: u64 each, count: u32, then keys and bytes of each
    /// partition: u64 each.
    mutating func writeFacts(_ message: FactsMessage) {
        guard case .told(let inventory) = message else {
            writeFlag(false)
            return
        }
        writeFlag(true)
        writeInteger(UInt64(inventory.disk.diskFree))
        writeInteger(UInt64(inventory.disk.diskTotal))
        writeInteger(UInt32(inventory.partitions.count))
        for partition in inventory.partitions {
            writeInteger(UInt64(partition.keys))
            writeInteger(UInt64(partition.bytes))
        }
    }

    mutating func readFacts() throws(WireDecodeError) -> FactsMessage {
        guard try readFlag() else { return .ask }
        let disk = NodeFacts(
            diskFree: Int(clamping: try field(UInt64.self)),
            diskTotal: Int(clamping: try field(UInt64.self))
        )
        let count = Int(try field(UInt32.self))
        guard count <= HashSlot.count else { throw .invalidField("partitions") }
        guard count <= readableBytes / 16 else { throw .truncated }
        var partitions: [PartitionFacts] = []
        partitions.reserveCapacity(count)
        for _ in 0..<count {
            let keys = Int(clamping: try field(UInt64.self))
            partitions.append(
                PartitionFacts(keys: keys, bytes: Int(clamping: try field(UInt64.self)))
            )
        }
        return .told(NodeInventory(disk: disk, partitions: partitions))
    }
}
