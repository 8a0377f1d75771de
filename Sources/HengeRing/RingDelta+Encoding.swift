import HengeBase

/// The wire form, all numbers big endian:
///
///     epoch: u64  checksum: u64  kind: u8
///     0 begin: count: u16, then the id of each member that goes: u16
///              count: u16, then the id of each of them that is not waited for: u16
///              count: u16, then each member that comes or is changed, as in a document
///              count: u16, then each position that changes hands: partition: u16  owner: u16
///     1 advance: count: u16, then each partition: u16
///     2 finish   3 abort
///
/// Everything in a list ascends, so that a delta has exactly one form.
extension RingDelta {
    /// More than the longest takes.
    package static let encodedLengthMax = RingDocument.encodedLengthMax

    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendInteger(epoch)
        bytes.appendInteger(checksum)
        switch change {
        case .begin(let gone, let abandoned, let put, let moves):
            bytes.append(0)
            for ids in [gone, abandoned] {
                bytes.appendInteger(UInt16(ids.count))
                for id in ids { bytes.appendInteger(id.rawValue) }
            }
            bytes.appendInteger(UInt16(put.count))
            for member in put { bytes.append(member) }
            bytes.appendInteger(UInt16(moves.count))
            for move in moves {
                bytes.appendInteger(move.partition)
                bytes.appendInteger(move.owner.rawValue)
            }
        case .advance(let partitions):
            bytes.append(1)
            bytes.appendInteger(UInt16(partitions.count))
            for partition in partitions { bytes.appendInteger(partition) }
        case .finish: bytes.append(2)
        case .abort: bytes.append(3)
        }
        return bytes
    }

    /// Reads what ``encoded()`` gave. Whether it fits a document shows when it is applied.
    package static func decode(_ bytes: [UInt8]) throws(RingDecodeError) -> RingDelta {
        guard bytes.count <= encodedLengthMax else { throw .tooLong(bytes.count) }
        var reader = ByteReader(bytes[...])
        let epoch: UInt64 = try reader.integer()
        guard epoch > 0 else { throw .invalidTransition }
        let checksum: UInt64 = try reader.integer()
        let change = try reader.change()
        guard reader.isAtEnd else { throw .trailingBytes(reader.remaining) }
        return RingDelta(epoch: epoch, checksum: checksum, change: change)
    }
}

extension ByteReader {
    fileprivate mutating func change() throws(RingDecodeError) -> RingDelta.Change {
        let kind: UInt8 = try integer()
        switch kind {
        case 0:
            return .begin(
                gone: try ascending().map { NodeID($0) },
                abandoned: try ascending().map { NodeID($0) },
                put: try members(),
                moves: try moves()
            )
        case 1: return .advance(try ascending())
        case 2: return .finish
        case 3: return .abort
        default: throw .invalidTransition
        }
    }

    private mutating func ascending() throws(RingDecodeError) -> [UInt16] {
        var values: [UInt16] = []
        let count: UInt16 = try integer()
        for _ in 0..<count {
            let value: UInt16 = try integer()
            guard values.last.map({ $0 < value }) ?? true else { throw .invalidTransition }
            values.append(value)
        }
        return values
    }

    private mutating func members() throws(RingDecodeError) -> [Member] {
        var members: [Member] = []
        for _ in 0..<(try memberCount()) {
            let member = try member()
            guard members.last.map({ $0.id < member.id }) ?? true else {
                throw .invalidTransition
            }
            members.append(member)
        }
        return members
    }

    private mutating func moves() throws(RingDecodeError) -> [RingDelta.Move] {
        var moves: [RingDelta.Move] = []
        let count: UInt16 = try integer()
        for _ in 0..<count {
            let move = RingDelta.Move(partition: try integer(), owner: NodeID(try integer()))
            guard moves.last.map({ $0.partition < move.partition }) ?? true else {
                throw .invalidTransition
            }
            moves.append(move)
        }
        return moves
    }
}
