package import HengeRing

package import struct NIOCore.ByteBuffer

/// What a node that belongs to no ring yet says of itself when it offers itself to one.
package struct Candidacy: Hashable, Sendable {
    /// `host:port` where its peers would reach it.
    package var peerAddress: String
    /// Empty for none.
    package var zone: String
    package var weight: Int
    /// Bytes of the file system that its data would be on; 0 when it can't tell.
    package var diskFree: UInt64
    package var diskTotal: UInt64

    package init(
        peerAddress: String,
        zone: String = "",
        weight: Int = 1,
        diskFree: UInt64,
        diskTotal: UInt64
    ) {
        self.peerAddress = peerAddress
        self.zone = zone
        self.weight = weight
        self.diskFree = diskFree
        self.diskTotal = diskTotal
    }
}

/// What is said on a connection of a candidate after both sides have said hello.
///
/// The candidate tells of its disk at regular times, and the member answers each with its epoch: so
/// both notice when the other is gone. The member sends the ring first, and whenever it has a newer
/// one.
package enum CandidateMessage: Hashable, Sendable {
    /// From the member: the newest ring that it knows.
    case ring(RingDocument)
    /// From the member, which then closes: why it doesn't take the candidate.
    case refused(String)
    /// From the member: it is there, and its ring is of this epoch.
    case epoch(UInt64)
    /// From the candidate: it is there, and so many bytes of its disk are free, and in all.
    case disk(free: UInt64, total: UInt64)

    /// The longest message of a candidate.
    package static let candidateBytesMax = 64

    package func write(into out: inout ByteBuffer) {
        switch self {
        case .ring(let document):
            out.writeInteger(UInt8(1))
            out.writeRingDocument(document)
        case .refused(let reason):
            out.writeInteger(UInt8(2))
            out.writeText(reason)
        case .epoch(let epoch):
            out.writeInteger(UInt8(3))
            out.writeInteger(epoch)
        case .disk(let free, let total):
            out.writeInteger(UInt8(4))
            out.writeInteger(free)
            out.writeInteger(total)
        }
    }

    package static func read(_ payload: ByteBuffer) throws(WireDecodeError) -> CandidateMessage {
        var payload = payload
        let message: CandidateMessage
        switch try payload.field(UInt8.self) {
        case 1: message = .ring(try payload.readRingDocument())
        case 2: message = .refused(try payload.readText(lengthMax: PeerHello.textMax))
        case 3: message = .epoch(try payload.field(UInt64.self))
        case 4:
            let free = try payload.field(UInt64.self)
            message = .disk(free: free, total: try payload.field(UInt64.self))
        default: throw .invalidField("kind")
        }
        guard payload.readableBytes == 0 else { throw .trailingBytes(payload.readableBytes) }
        return message
    }
}

extension ByteBuffer {
    mutating func writeCandidacy(_ candidacy: Candidacy) {
        writeText(candidacy.peerAddress)
        writeText(candidacy.zone)
        writeInteger(UInt16(clamping: candidacy.weight))
        writeInteger(candidacy.diskFree)
        writeInteger(candidacy.diskTotal)
    }

    /// Only what no node may have is refused here; what this ring can't take its members say.
    mutating func readCandidacy() throws(WireDecodeError) -> Candidacy {
        let address = try readText(lengthMax: PeerHello.textMax)
        guard HostPort(address) != nil else { throw .invalidField("peer address") }
        let zone = try readText(lengthMax: PeerHello.textMax)
        guard zone.isEmpty || Member.isName(zone) else { throw .invalidField("zone") }
        let weight = Int(try field(UInt16.self))
        guard Member.weights.contains(weight) else { throw .invalidField("weight") }
        let free = try field(UInt64.self)
        return Candidacy(
            peerAddress: address,
            zone: zone,
            weight: weight,
            diskFree: free,
            diskTotal: try field(UInt64.self)
        )
    }
}
