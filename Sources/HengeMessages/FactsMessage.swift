import HengeBase
package import HengeRing

import struct NIOCore.ByteBuffer

/// What a node asks others before it plans a change of the ring or reports on the cluster, and what
/// they say.
package enum FactsMessage: Hashable, Sendable {
    case ask
    case told(NodeInventory)
    /// For a report: what lies in each partition.
    case askLoads
    case toldLoads(NodeLoads)
    /// For a report: what some records look like.
    case askSample([SampleSpan])
    case toldSample(RecordSample)
    /// For those who watch the cluster: how the node is, and what it is asked for most where that
    /// is wanted, too.
    case askPulse(heat: Bool)
    case toldPulse(NodePulse)
    /// For those who begin to watch: what the node did in the last minutes.
    case askHistory
    case toldHistory(PulseHistory)
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
    /// u8: 0 asks for an inventory, 1 tells one, 2 and 3 the same with loads, 4 and 5 with a
    /// sample, 6 and 7 with a pulse, 8 and 9 with a history; then the fields of what is told, of
    /// the sample that is asked for, and whether heat is.
    mutating func writeFacts(_ message: FactsMessage) {
        switch message {
        case .ask: writeInteger(UInt8(0))
        case .told(let inventory):
            writeInteger(UInt8(1))
            writeInventory(inventory)
        case .askLoads: writeInteger(UInt8(2))
        case .toldLoads(let loads):
            writeInteger(UInt8(3))
            writeLoads(loads)
        case .askSample(let spans):
            writeInteger(UInt8(4))
            writeSpans(spans)
        case .toldSample(let sample):
            writeInteger(UInt8(5))
            writeSample(sample)
        case .askPulse(let heat):
            writeInteger(UInt8(6))
            writeFlag(heat)
        case .toldPulse(let pulse):
            writeInteger(UInt8(7))
            writePulse(pulse)
        case .askHistory: writeInteger(UInt8(8))
        case .toldHistory(let history):
            writeInteger(UInt8(9))
            writeHistory(history)
        }
    }

    mutating func readFacts() throws(WireDecodeError) -> FactsMessage {
        switch try field(UInt8.self) {
        case 0: return .ask
        case 1: return .told(try readInventory())
        case 2: return .askLoads
        case 3: return .toldLoads(try readLoads())
        case 4: return .askSample(try readSpans())
        case 5: return .toldSample(try readSample())
        case 6: return .askPulse(heat: try readFlag())
        case 7: return .toldPulse(try readPulse())
        case 8: return .askHistory
        case 9: return .toldHistory(try readHistory())
        default: throw .invalidField("facts")
        }
    }

    /// Free and all bytes: u64 each, count: u32, then keys and bytes of each partition: u64 each.
    private mutating func writeInventory(_ inventory: NodeInventory) {
        writeInteger(UInt64(inventory.disk.diskFree))
        writeInteger(UInt64(inventory.disk.diskTotal))
        writeInteger(UInt32(inventory.partitions.count))
        for partition in inventory.partitions {
            writeInteger(UInt64(partition.keys))
            writeInteger(UInt64(partition.bytes))
        }
    }

    private mutating func readInventory() throws(WireDecodeError) -> NodeInventory {
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
        return NodeInventory(disk: disk, partitions: partitions)
    }
}
