import HengeBase

/// The stored and wire form, all numbers big endian:
///
///     "HRNG"  version: u8  clusterID: u64  epoch: u64  replicas: u8
///     count: u16, then each member: id: u16  weight: u16  name, address, zone: each a u16 length,
///     ASCII log2(partitions): u8, then each owner: u16
///     XXH3-64 of everything before: u64
extension RingDocument {
    package static let formatVersion: UInt8 = 1
    /// More than the longest document takes.
    package static let encodedLengthMax = 1 << 20

    private static let magic: [UInt8] = Array("HRNG".utf8)
    fileprivate static let checksumLength = 8

    /// The stored form. The document must be valid.
    package func encoded() -> [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(64 + members.count * 96 + owners.count * 2)
        bytes.append(Self.formatVersion)
        bytes.appendInteger(clusterID)
        bytes.appendInteger(epoch)
        bytes.append(UInt8(replicas))
        bytes.appendInteger(UInt16(members.count))
        for member in members {
            bytes.appendInteger(member.id.rawValue)
            bytes.appendInteger(UInt16(member.weight))
            for text in [member.name, member.peerAddress, member.zone] {
                bytes.appendInteger(UInt16(text.utf8.count))
                bytes.append(contentsOf: text.utf8)
            }
        }
        bytes.append(UInt8(owners.count.trailingZeroBitCount))
        for owner in owners { bytes.appendInteger(owner.rawValue) }
        bytes.appendInteger(bytes.withUnsafeBytes { XXH3.hash64($0) })
        return bytes
    }

    /// Reads a stored form; what it returns is valid.
    package static func decode(_ bytes: [UInt8]) throws(RingDecodeError) -> RingDocument {
        guard bytes.count <= encodedLengthMax else { throw .tooLong(bytes.count) }
        guard bytes.starts(with: magic) else { throw .notARing }
        var reader = ByteReader(bytes[magic.count...])
        let version: UInt8 = try reader.integer()
        guard version == formatVersion else { throw .unsupportedVersion(version) }
        try reader.checkTrailer(of: bytes)

        let clusterID: UInt64 = try reader.integer()
        let epoch: UInt64 = try reader.integer()
        let replicas: UInt8 = try reader.integer()
        let memberCount: UInt16 = try reader.integer()
        guard memberCount <= Member.countMax else { throw .invalid(.memberCount(Int(memberCount))) }
        var members: [Member] = []
        for _ in 0..<memberCount { members.append(try reader.member()) }
        let bits: UInt8 = try reader.integer()
        guard bits <= HashSlot.count.trailingZeroBitCount else {
            throw .invalid(.partitions(bits < 63 ? 1 << Int(bits) : .max))
        }
        var owners: [NodeID] = []
        for _ in 0..<(1 << Int(bits)) { owners.append(NodeID(try reader.integer())) }
        guard reader.isAtEnd else { throw .trailingBytes(reader.remaining) }

        let document = RingDocument(
            clusterID: clusterID,
            epoch: epoch,
            replicas: Int(replicas),
            members: members,
            owners: owners
        )
        do { try document.validate() } catch { throw .invalid(error) }
        return document
    }
}

extension ByteReader {
    /// Checks the checksum at the end and takes it off.
    fileprivate mutating func checkTrailer(of bytes: [UInt8]) throws(RingDecodeError) {
        var trailer = try takeLast(RingDocument.checksumLength)
        let found: UInt64 = try trailer.integer()
        let expected = bytes.withUnsafeBytes {
            XXH3.hash64(UnsafeRawBufferPointer(rebasing: $0.dropLast(RingDocument.checksumLength)))
        }
        guard found == expected else { throw .checksum(expected: expected, found: found) }
    }

    fileprivate mutating func member() throws(RingDecodeError) -> Member {
        let id = NodeID(try integer())
        let weight: UInt16 = try integer()
        return Member(
            id: id,
            name: try text(),
            peerAddress: try text(),
            zone: try text(),
            weight: Int(weight)
        )
    }
}
