import HengeBase

import struct NIOCore.ByteBuffer

/// The fields of gossip and of handed-over records.
extension ByteBuffer {
    mutating func writeHandedRecords(_ records: [HandedRecord]) {
        writeInteger(UInt32(records.count))
        for record in records {
            writeKey(record.key)
            writeBytes(record.object.bytes)
        }
    }

    mutating func readHandedRecords() throws(WireDecodeError) -> [HandedRecord] {
        let count = Int(try field(UInt32.self))
        // So many can't be here: a hostile count must not reserve memory.
        guard count <= readableBytes / (8 + StoredKey.lengthMin) else { throw .truncated }
        var records: [HandedRecord] = []
        records.reserveCapacity(count)
        for _ in 0..<count {
            let key = try readKey()
            records.append(HandedRecord(key: key, object: try readPresentObject()))
        }
        return records
    }

    mutating func writeHandOffResult(_ result: HandOffResult) {
        switch result {
        case .durable(let refused):
            writeInteger(UInt8(0))
            writeInteger(UInt32(clamping: refused))
        case .failed(let failure):
            writeInteger(UInt8(1))
            writeFailure(failure)
        case .overloaded: writeInteger(UInt8(2))
        }
    }

    mutating func readHandOffResult() throws(WireDecodeError) -> HandOffResult {
        switch try field(UInt8.self) {
        case 0: return .durable(refused: Int(try field(UInt32.self)))
        case 1: return .failed(try readFailure())
        case 2: return .overloaded
        default: throw .invalidField("hand-off result")
        }
    }

    mutating func writeGossip(_ gossip: GossipMessage) {
        switch gossip {
        case .digest(let beats):
            writeInteger(UInt8(0))
            writeHeartbeats(beats)
        case .news(let beats):
            writeInteger(UInt8(1))
            writeHeartbeats(beats)
        case .leaving: writeInteger(UInt8(2))
        case .otherLife(let life):
            writeInteger(UInt8(3))
            writeInteger(life)
        }
    }

    mutating func readGossip() throws(WireDecodeError) -> GossipMessage {
        switch try field(UInt8.self) {
        case 0: return .digest(try readHeartbeats())
        case 1: return .news(try readHeartbeats())
        case 2: return .leaving
        case 3: return .otherLife(try field(UInt64.self))
        default: throw .invalidField("gossip")
        }
    }

    private mutating func writeHeartbeats(_ beats: [Heartbeat]) {
        writeInteger(UInt32(beats.count))
        for beat in beats {
            writeInteger(beat.node.rawValue)
            writeInteger(beat.life)
            writeInteger(beat.beat)
        }
    }

    private mutating func readHeartbeats() throws(WireDecodeError) -> [Heartbeat] {
        let count = Int(try field(UInt32.self))
        guard count <= readableBytes / 18 else { throw .truncated }
        var beats: [Heartbeat] = []
        beats.reserveCapacity(count)
        for _ in 0..<count {
            let node = NodeID(try field(UInt16.self))
            let life = try field(UInt64.self)
            beats.append(Heartbeat(node: node, life: life, beat: try field(UInt64.self)))
        }
        return beats
    }
}
