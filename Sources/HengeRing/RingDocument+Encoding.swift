import HengeBase

/// The stored and wire form, all numbers big endian:
///
///     "HRNG"  version: u8 = 2 or 3  clusterID: u64  epoch: u64  replicas: u8  highestID: u16
///     count: u16, then each member: id: u16  weight: u16  name, address, zone: each a u16 length,
///     ASCII log2(partitions): u8, then each owner: u16
///     runs of partitions with the same last step: length: varint  epochs since then: varint
///     transition: u8 = 0 none, 1 forth, 2 back; then of the ring that is being moved to
///         count: u16, then each member: 0: u8  id: u16 if it is as now, else 1: u8 and the member
///         count: u16, then each position that changes hands: partition: u16  owner: u16
///         the step of each partition, four to a byte, lowest bits first
///         count: u16, then each member that is given up: u16
///     in version 3, which is that of rings with unsafe recoveries behind them,
///         count: u16, at least 1, then the id of each: u64
///         count: u16, then each lost member as above; with a transition these of its ring, too
///     XXH3-64 of everything before: u64
///
/// A document has exactly one form. Version 1 has neither highestID, nor runs, nor a transition.
extension RingDocument {
    package static let formatVersion: UInt8 = 2
    private static let recoveredFormatVersion: UInt8 = 3
    private static let formatVersions: ClosedRange<UInt8> = 1...3
    /// More than the longest document takes.
    package static let encodedLengthMax = 1 << 21

    private static let magic: [UInt8] = Array("HRNG".utf8)
    fileprivate static let checksumLength = 8

    /// The stored form. The document must be valid.
    package func encoded() -> [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(128 + members.count * 96 + owners.count * 3)
        let isPlain = recoveries.isEmpty
        bytes.append(isPlain ? Self.formatVersion : Self.recoveredFormatVersion)
        bytes.appendInteger(clusterID)
        bytes.appendInteger(epoch)
        bytes.append(UInt8(replicas))
        bytes.appendInteger(highestID.rawValue)
        bytes.appendInteger(UInt16(members.count))
        for member in members { bytes.append(member) }
        bytes.append(UInt8(owners.count.trailingZeroBitCount))
        for owner in owners { bytes.appendInteger(owner.rawValue) }
        bytes.appendRuns(changedAt.map { epoch - $0 })
        if let transition {
            bytes.append(transition.isAborting ? 2 : 1)
            bytes.append(transition, from: self)
        } else {
            bytes.append(0)
        }
        if !isPlain {
            bytes.append(recoveries: recoveries)
            bytes.append(lost: lost)
            if let transition { bytes.append(lost: transition.lost) }
        }
        bytes.appendInteger(bytes.withUnsafeBytes { XXH3.hash64($0) })
        return bytes
    }

    /// That at the end of the stored form.
    package var checksum: UInt64 {
        encoded().suffix(Self.checksumLength).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads a stored form; what it returns is valid.
    package static func decode(_ bytes: [UInt8]) throws(RingDecodeError) -> RingDocument {
        guard bytes.count <= encodedLengthMax else { throw .tooLong(bytes.count) }
        guard bytes.starts(with: magic) else { throw .notARing }
        var reader = ByteReader(bytes[magic.count...])
        let version: UInt8 = try reader.integer()
        guard formatVersions.contains(version) else { throw .unsupportedVersion(version) }
        try reader.checkTrailer(of: bytes)
        let document = try read(&reader, version: version)
        guard reader.isAtEnd else { throw .trailingBytes(reader.remaining) }
        do { try document.validate() } catch { throw .invalid(error) }
        return document
    }

    private static func read(
        _ reader: inout ByteReader,
        version: UInt8
    ) throws(RingDecodeError) -> RingDocument {
        let clusterID: UInt64 = try reader.integer()
        let epoch: UInt64 = try reader.integer()
        let replicas: UInt8 = try reader.integer()
        let highestID: UInt16? = version == 1 ? nil : try reader.integer()
        let memberCount = try reader.memberCount()
        var members: [Member] = []
        for _ in 0..<memberCount { members.append(try reader.member()) }
        let bits: UInt8 = try reader.integer()
        guard bits <= HashSlot.count.trailingZeroBitCount else {
            throw .invalid(.partitions(bits < 63 ? 1 << Int(bits) : .max))
        }
        var owners: [NodeID] = []
        for _ in 0..<(1 << Int(bits)) { owners.append(NodeID(try reader.integer())) }
        var document = RingDocument(
            clusterID: clusterID,
            epoch: epoch,
            replicas: Int(replicas),
            members: members,
            owners: owners,
            highestID: highestID.map { NodeID($0) }
        )
        guard version > 1 else { return document }
        document.changedAt = try reader.stepEpochs(count: owners.count, upTo: epoch)
        document.transition = try reader.transition(from: document)
        guard version == recoveredFormatVersion else { return document }
        document.recoveries = try reader.recoveries()
        document.lost = try reader.lost()
        if document.transition != nil { document.transition?.lost = try reader.lost() }
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
}
