package import HengeMessages
import HengeRing

package import struct NIOCore.ByteBuffer

/// The saved form: u8 format, u64 votesFrom, the document, a flag and the promised ballot, the
/// accepted document.
extension RingAcceptor {
    private static let format: UInt8 = 1

    package func encoded() -> ByteBuffer {
        var out = ByteBuffer()
        out.writeInteger(Self.format)
        out.writeInteger(votesFrom)
        out.writeRingDocument(document)
        out.writeInteger(UInt8(promised == nil ? 0 : 1))
        if let promised { out.writeBallot(promised) }
        out.writeAccepted(accepted)
        return out
    }

    /// Reads what ``encoded()`` gave. A node whose saved form can't be read has lost its votes.
    package init(saved: ByteBuffer) throws(WireDecodeError) {
        var saved = saved
        guard saved.readInteger(as: UInt8.self) == Self.format else {
            throw .invalidField("format")
        }
        guard let votesFrom = saved.readInteger(as: UInt64.self) else { throw .truncated }
        let document = try saved.readRingDocument()
        var promised: RingBallot?
        switch saved.readInteger(as: UInt8.self) {
        case 0: break
        case 1: promised = try saved.readBallot()
        case nil: throw .truncated
        default: throw .invalidField("flag")
        }
        let next = document.epoch < .max ? document.epoch + 1 : .max
        let accepted = try saved.readAccepted(next)
        guard saved.readableBytes == 0 else { throw .trailingBytes(saved.readableBytes) }
        if let accepted, accepted.ballot > promised ?? accepted.ballot || promised == nil {
            throw .invalidField("ballot")
        }
        self.init(
            document: document,
            promised: promised,
            accepted: accepted,
            votesFrom: votesFrom
        )
    }
}
